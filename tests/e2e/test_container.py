"""What a container goes through, with everything real but the machines: `tzurot run`, Litestream, the bot, a bucket."""

import shutil
import time
from pathlib import Path

import pytest

import schema
from bot.sandbox.bucket import Mode
from bot.store.inspection import inspect_file
from tests.e2e.conftest import ROOT, Installation

NEXT = '"""Next."""\n\n\ndef migrate(db):\n    """Run."""\n    db.execute("CREATE TABLE next (id INTEGER) STRICT")\n'


@pytest.mark.parametrize("close_code", [4004, 4014], ids=["token", "intent"])
async def test_what_discord_refuses_is_said_last_and_costs_one_identify_even_if_the_volume_is_lost(
    installation: Installation, close_code: int
) -> None:
    installation.discord.faults.identify_code = close_code
    for is_lost in (False, False, True):
        if is_lost:
            installation.lose_volume()
        await installation.start()
        assert await installation.end() == 2
        assert f"({close_code}). Open https://discord.com/developers/applications/" in installation.last_line
        assert "Everything is in the bucket" in installation.log
    assert installation.discord.identify_count == 1
    assert "tried again from" in installation.last_line
    assert installation.discord.token not in installation.log


async def test_a_stop_is_in_time_while_discord_and_the_bucket_are_silent_and_loses_nothing(
    installation: Installation,
) -> None:
    await installation.start_and_connect()
    await installation.discord.go_silent()
    await installation.proxy.set(Mode.BLACK_HOLE)
    await installation.until_said("Writes are not confirmed by the bucket")
    began = time.monotonic()
    assert await installation.stop() == 1
    assert time.monotonic() - began < 6
    assert "are on the volume ONLY" in installation.last_line
    await installation.discord.go_online()
    await installation.proxy.set(Mode.PASS)
    await installation.start_and_connect()
    assert await installation.stop() == 0
    assert "Everything is in the bucket" in installation.last_line


async def test_a_volume_lost_under_the_running_bot_ends_it_and_the_next_start_has_all_that_was_confirmed(
    installation: Installation,
) -> None:
    await installation.start_and_connect()
    await installation.prepare()
    assert await installation.is_talking()
    await installation.until_confirmed()
    installation.lose_volume()
    assert await installation.end() == 1
    assert "was removed or replaced" in installation.last_line
    await installation.start_and_connect()
    assert await installation.is_talking()
    assert await installation.stop() == 0


async def test_a_new_version_brings_the_schema_up_to_date_only_with_a_copy_of_the_old_one(
    installation: Installation, tmp_path: Path
) -> None:
    newer = tmp_path / "newer"
    shutil.copytree(Path(schema.__file__).parent, newer / "schema")
    (newer / "schema" / "9999_next.py").write_text(NEXT)
    path = f"{newer}:{ROOT}"
    await installation.start_and_connect()
    assert await installation.stop() == 0
    await installation.proxy.set(Mode.REFUSE)
    await installation.start(PYTHONPATH=path)
    assert await installation.end() == 1
    assert "a copy of the state before it must be in the bucket first" in installation.last_line
    await installation.proxy.set(Mode.PASS)
    await installation.start_and_connect(PYTHONPATH=path)
    assert "Applied the migrations 9999_next" in installation.log
    assert await installation.stop() == 0
    await installation.start()
    assert await installation.end() == 3
    assert "from a newer version of the program, which added 9999_next" in installation.last_line
    installation.lose_volume()
    await installation.start_and_connect(PYTHONPATH=path)
    assert await installation.stop() == 0
    assert "next" in inspect_file(installation.volume / "tzurot.db", full=True).rows


async def test_a_second_container_on_the_volume_is_told_who_is_there_and_disturbs_nobody(
    installation: Installation,
) -> None:
    await installation.start_and_connect()
    first, installation.process = installation.process, None
    assert first is not None
    try:
        await installation.start(PORT="0", LOCK_TIMEOUT_SECONDS="0.2")
        assert await installation.end() == 3
        assert f"in use by process {first.pid} " in installation.last_line
        assert await installation.hears("!tz ping")
    finally:
        installation.process = first
    assert await installation.stop() == 0
