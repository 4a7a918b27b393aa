"""From the database to the files and back, with the real processes: never on older data without being told to."""

import asyncio
import sys
from pathlib import Path

import pytest

from bot.store.files.folder.set_aside import PREFIX as ASIDE
from tests.e2e.conftest import Installation


@pytest.fixture
def files(installation: Installation) -> Path:
    installation.environment["JSON_DIR"] = str(installation.folder / "files")
    return installation.folder / "files"


async def tzurot(installation: Installation, *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        env=installation.environment,
        cwd=installation.folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    assert process.returncode == 0, said.decode()


def kept_in(files: Path) -> set[str]:
    """What was set aside in the folder, once."""
    [kept] = files.glob(f"{ASIDE}*")
    return {path.name for path in kept.iterdir()}


async def refused(installation: Installation, mode: str) -> str:
    """A start in this mode ends with 3 before the bot is started; what it says last."""
    await installation.start(STORAGE_MODE=mode)
    assert await installation.end() == 3, installation.log
    assert "The bot was started" not in installation.log
    return installation.last_line


async def test_a_switch_goes_through_an_export_and_comes_back_through_an_import(
    installation: Installation, files: Path
) -> None:
    await installation.start_and_connect()
    await installation.prepare()
    assert await installation.stop() == 0
    said = await refused(installation, "json")
    assert "There are no JSON files in" in said
    assert f"`tzurot export {files}`" in said

    await tzurot(installation, "export", str(files))
    await installation.start_and_connect(STORAGE_MODE="json")
    assert f"Storage mode json: the files in {files} are the truth and all there is" in installation.log
    assert "NO COPY" not in installation.log
    assert await installation.is_talking()
    assert await installation.stop() == 0
    said = await refused(installation, "database")
    assert f"The files in {files} were served last, and have" in said
    assert f"`tzurot import {files}`" in said

    await tzurot(installation, "import", str(files))
    await installation.start_and_connect(STORAGE_MODE="dual")
    assert await installation.is_talking()
    assert await installation.stop() == 0


async def test_accepting_older_data_warns_keeps_the_newer_and_holds_for_one_start(
    installation: Installation, files: Path
) -> None:
    await installation.start_and_connect(STORAGE_MODE="dual")
    await installation.prepare()
    assert await installation.stop() == 0
    await installation.start_and_connect(STORAGE_MODE="json")  # the files have followed, so nothing is in the way
    assert await installation.is_talking()
    assert await installation.stop() == 0
    await refused(installation, "dual")

    await installation.start_and_connect("--accept-older", STORAGE_MODE="dual")
    assert "Going on with the database all the same, as --accept-older asks for." in installation.log
    assert "conversations.json" in kept_in(files)
    assert await installation.stop() == 0
    await installation.start_and_connect(STORAGE_MODE="dual")
    assert "--accept-older" not in installation.log
    assert await installation.stop() == 0


async def test_files_that_lost_their_mode_file_are_not_taken_for_the_newest(
    installation: Installation, files: Path
) -> None:
    await installation.start_and_connect(STORAGE_MODE="dual")
    assert await installation.stop() == 0
    (files / ".tzurot-mode.json").rename(installation.folder / "moved")
    assert "never imported into this database" in await refused(installation, "dual")
    assert "no mode file in" in await refused(installation, "json")
    (installation.folder / "moved").rename(files / ".tzurot-mode.json")

    installation.lose_volume()
    changes = {"REPLICA_PREFIX": "tzurot/anew", "ALLOW_INIT": "tzurot/anew"}
    await installation.start(STORAGE_MODE="database", **changes)
    assert await installation.end() == 3
    assert f"{files} holds data that a new database would not have." in installation.last_line
    assert not installation.volume.joinpath("tzurot.db").exists()
