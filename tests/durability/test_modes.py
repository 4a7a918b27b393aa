"""The supervisor in the modes with JSON files: what it needs, what it watches, and who may share a folder."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.durability.lock import VolumeLock
from bot.durability.presence import LOCK_NAME
from bot.errors import ExitCode
from bot.store.files.folder.state import MODE_FILE
from tests.durability.conftest import Container, children, is_alive, until

Make = Callable[[dict[str, str]], Container]


@pytest.fixture
def on_files(containers: Make, tmp_path: Path) -> Container:
    """Files in a folder of their own, and leave to begin there."""
    folder = tmp_path / "files"
    return containers({"ALLOW_INIT": "local", "STORAGE_MODE": "json", "JSON_DIR": str(folder)})


def folder_of(container: Container) -> Path:
    return Path(container.environment["JSON_DIR"])


def test_files_are_served_without_a_database_and_without_a_bucket(containers: Make, replica: dict[str, str]) -> None:
    container = containers(replica | {"STORAGE_MODE": "json", "ALLOW_INIT": "local"})
    process = container.start()
    assert container.event()["rows"] == 3
    assert len(children(process.pid)) == 1
    assert container.stop(process) == 0
    assert container.live()["rows"] == 7
    assert not container.database.exists()
    assert (container.volume / "blacklist.json").exists()
    assert "NO COPY" not in container.log
    assert container.log.count("are the truth and all there is, nothing is copied elsewhere") == 2


@pytest.mark.parametrize("exists", [True, False])
def test_no_files_are_not_an_empty_state(on_files: Container, exists: bool) -> None:
    if exists:
        folder_of(on_files).mkdir()
    code, said = on_files.run(ALLOW_INIT="")
    assert code == ExitCode.PROTECTED
    assert "There are no JSON files in" in said
    assert "ALLOW_INIT=local" in said


def test_a_folder_that_was_served_and_lost_its_files_is_not_begun_anew(on_files: Container) -> None:
    on_files.live()
    for left in folder_of(on_files).iterdir():
        if left.name != MODE_FILE:
            shutil.rmtree(left) if left.is_dir() else left.unlink()
    code, said = on_files.run()
    assert code == ExitCode.PROTECTED
    assert "none is left but the mode file" in said


@pytest.mark.parametrize("name", ["", LOCK_NAME])
def test_a_folder_taken_away_under_the_bot_ends_it(on_files: Container, tmp_path: Path, name: str) -> None:
    process = on_files.start(VOLUME_CHECK_INTERVAL_SECONDS="0.1")
    on_files.event()
    left = children(process.pid)
    (folder_of(on_files) / name).rename(tmp_path / "moved")
    assert process.wait(9) == 1
    assert "was removed or replaced" in on_files.log
    assert "bucket" not in on_files.log
    until(lambda: not any(map(is_alive, left)), "the end of the bot")


@pytest.mark.parametrize("mode", ["json", "dual", "shadow"])
def test_two_databases_do_not_share_a_folder(containers: Make, on_files: Container, mode: str) -> None:
    process = on_files.start()
    on_files.event()
    other = containers(on_files.environment | {"STORAGE_MODE": mode})
    code, said = other.run()
    assert code == ExitCode.PROTECTED
    assert f"The data in {folder_of(on_files)} is in use by process {process.pid} " in said
    assert on_files.stop(process) == 0


def test_a_bot_that_outlives_its_supervisor_keeps_the_folder(on_files: Container) -> None:
    process = on_files.start()
    bot = on_files.event()["pid"]
    os.kill(bot, signal.SIGSTOP)
    process.kill()
    process.wait()
    assert on_files.live()["rows"] == 6  # it waited until the kernel had ended the bot
    VolumeLock.take(folder_of(on_files), 1).release()


def test_accepting_older_data_is_said_to_the_first_bot_only(on_files: Container) -> None:
    on_files.live(STORAGE_MODE="dual")
    on_files.live()
    code, said = on_files.run(STORAGE_MODE="dual")
    assert code == ExitCode.PROTECTED
    assert "were served last, and have" in said
    process = on_files.start("--accept-older", STORAGE_MODE="dual")
    bot = on_files.event()["pid"]
    os.kill(bot, signal.SIGKILL)
    on_files.event()
    arguments = [Path(f"/proc/{child}/cmdline").read_text() for child in children(process.pid)]
    assert not any("--accept-older" in line for line in arguments)
    assert on_files.stop(process) == 0
    assert on_files.log.count("as --accept-older asks for") == 1
