"""The drill of the running bot, and the command beside it, against the real processes."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import obstore
import orjson
import pytest

from tests.e2e.conftest import PATIENCE_SECONDS, PREFIX, Installation


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A place for temporary files whose path leaves room for a socket's name."""
    with tempfile.TemporaryDirectory(prefix="s-") as name:
        yield Path(name)


def files_in(folder: Path, pattern: str = "*") -> list[Path]:
    return list(folder.glob(pattern))


async def drill(installation: Installation, *options: str) -> tuple[int | None, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "drill", "--json", *options),
        env=installation.environment,
        cwd=installation.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    return process.returncode, orjson.loads(out)


async def break_all_files(installation: Installation) -> None:
    """Once there is a snapshot: every later restore begins with it, and the next one comes in six hours."""
    store = installation.sandbox.bucket.store()
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await obstore.list(store, f"{PREFIX}/e000001/0009").collect_async():  # noqa: ASYNC110 - a process makes it
            await asyncio.sleep(0.05)
    for item in await obstore.list(store, f"{PREFIX}/e000001").collect_async():
        content = bytearray(await (await obstore.get_async(store, item["path"])).bytes_async())
        content[len(content) // 2] ^= 1
        await obstore.put_async(store, item["path"], bytes(content))


async def test_the_bot_holds_drills_by_itself_and_its_owner_hears_of_a_copy_that_broke(
    installation: Installation, short_folder: Path
) -> None:
    home = installation.discord.dm_channel(installation.mira)
    await installation.start_and_connect(
        TMPDIR=str(short_folder),
        DRILL_DELAY_SECONDS="0.1",
        DRILL_INTERVAL_SECONDS="0.1",
        BOT_OWNER_ID=str(installation.mira.id),
    )
    said = await installation.discord.post(installation.channel, installation.mira, "hello")
    await installation.until_said("the copy matches the live database")
    await break_all_files(installation)
    told = await installation.discord.wait_for_message(home, after=said.id, timeout_seconds=PATIENCE_SECONDS)
    assert "The restore on trial FAILED" in told.content
    held = (await installation.status())["drill"]
    assert held["outcome"] == "failed"
    assert held["verified_age_seconds"] < PATIENCE_SECONDS
    assert await installation.stop() == 0
    assert files_in(short_folder) == []


async def test_the_command_finds_the_running_bot_and_ctrl_c_in_the_middle_leaves_nothing(
    installation: Installation, short_folder: Path
) -> None:
    await installation.start_and_connect(CANARY_INTERVAL_SECONDS="1")
    code, seen = await drill(installation)
    assert (code, seen["outcome"], seen["scope"]) == (0, "verified", "live")
    assert seen["digests"]["personalities"]

    installation.proxy.delay_ms = 100
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "drill", "--json"),
        env=installation.environment | {"TMPDIR": str(short_folder)},
        cwd=installation.folder,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not files_in(short_folder, "tzurot-drill-*/first/.tzurot-staging"):  # noqa: ASYNC110 - a process makes it
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == 130
    assert files_in(short_folder) == []
    assert (await installation.status())["tables"]["drills"] == 0
    installation.proxy.delay_ms = 0
    assert await installation.stop() == 0
