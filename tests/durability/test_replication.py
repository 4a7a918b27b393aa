import asyncio
import gc
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.durability import boot as boot_module
from bot.durability import replication as replication_module
from bot.durability.boot import Boot
from bot.durability.bucket import Bucket, Version
from bot.durability.lineage import Current, marker_path, read_marker
from bot.durability.lock import VolumeLock
from bot.durability.replication import SOCKET_PATH_LIMIT, Replication, make_socket_folder
from bot.errors import StorageError, UnavailableError
from bot.settings import Settings
from bot.store.legacy.importer import ImportOptions
from bot.store.legacy.report import ImportReport
from tests.durability.conftest import Container, aside, children, is_alive, until
from tests.durability.test_boot import boot, end, live, replicating

Make = Callable[[dict[str, str]], Container]


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings()


async def test_uploads_confirmed_at_once_are_not_taken_for_two_instances(settings: Settings) -> None:
    await live(settings)
    settings.database_path.unlink()
    async with replicating(settings) as replication:
        await asyncio.gather(replication.confirm(), *(replication.flush() for _ in range(5)))
    version = await Bucket(settings).read_current()
    assert version is not None
    assert [past.epoch for past in version.current.history] == [1]


class Repeating(Bucket):
    """Loses the first answer to each conditional write, and sends it again."""

    async def write_current(self, current: Current, replaces: Version | None) -> None:
        await super().write_current(current, replaces)
        await super().write_current(current, replaces)


async def test_a_take_over_that_was_sent_twice_does_not_refuse_itself(settings: Settings) -> None:
    async with replicating(settings, Repeating) as replication:
        await replication.flush()
    assert not (await boot(settings)).marker.is_pending  # type: ignore[union-attr]  # there is a bucket


async def test_a_marker_that_can_not_be_written_is_written_later_and_ends_nothing(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    async with replicating(settings) as replication:
        path = marker_path(settings.database_path)
        in_the_way = path.with_name(f"{path.name}.tmp")
        in_the_way.mkdir()
        confirming = asyncio.create_task(replication.confirm())
        await aside(until, lambda: confirming.done() or "can't be written" in caplog.text, "the first try")
        assert (await asyncio.gather(replication.flush(), return_exceptions=True))[0].__class__ is StorageError
        in_the_way.rmdir()
        await confirming
    marker = read_marker(settings.database_path)
    assert marker is not None
    assert not marker.is_pending


async def test_a_litestream_that_never_answers_is_replaced(
    container: Container, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = container.settings(START_TIMEOUT_SECONDS="0.2")
    program, starts = tmp_path / "litestream", tmp_path / "starts"
    program.write_text(f"#!/bin/sh\necho $$ >> {starts}\nexec sleep 60\n")
    program.chmod(0o700)
    monkeypatch.setattr(replication_module, "litestream_program", lambda: str(program))
    with VolumeLock.take(settings.database_path.parent, 0) as lock:
        start = Boot(settings, lock, lambda _: None)
        marker = (await start.prepare()).marker
        assert start.bucket is not None
        assert start.lease is not None
        assert marker is not None
        replication = Replication(settings, lock, start.bucket, start.lease)
        try:
            with pytest.raises(UnavailableError):
                await replication.start(marker)
            keeper = asyncio.create_task(replication.keep_alive())
            await aside(until, lambda: len(starts.read_text().splitlines()) > 1, "another start")
            keeper.cancel()
            await asyncio.wait({keeper})
        finally:
            await replication.stop()
            await end(start)
    assert not any(is_alive(int(pid)) for pid in starts.read_text().split())


async def test_a_renewal_that_fails_after_its_caller_gave_up_leaves_no_traceback_in_the_log(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    program, started = tmp_path / "litestream", tmp_path / "started"
    program.write_text(f"#!/bin/sh\ntouch {started}\nexec sleep 0.1\n")
    program.chmod(0o700)
    async with replicating(settings) as replication:
        monkeypatch.setattr(replication, "_program", str(program))
        renewing = asyncio.create_task(replication.renew())
        await aside(until, started.exists, "the new process")
        renewing.cancel()
        with pytest.raises(UnavailableError, match="ended at its start"):
            await replication.revive()  # waits for it
    gc.collect()
    assert "never retrieved" not in caplog.text


def test_a_litestream_that_died_before_the_stop_is_started_for_the_last_upload(container: Container) -> None:
    process = container.start(RESTART_DELAY_SECONDS="60", SHUTDOWN_SYNC_TIMEOUT_SECONDS="8")
    bot = container.event()["pid"]
    (litestream,) = (child for child in children(process.pid) if child != bot)
    os.kill(litestream, signal.SIGKILL)
    until(lambda: "Litestream ended with code -9" in container.log, "the supervisor's word")
    os.kill(bot, signal.SIGUSR1)
    assert container.event(rows=4)["failure"]
    assert container.stop(process) == 0, container.log
    container.lose_volume()
    assert container.live()["rows"] == 8


async def test_a_stop_that_an_import_swallows_ends_the_start_all_the_same(
    container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = asyncio.Event()

    async def too_late(folder: Path, database: Path, options: ImportOptions) -> ImportReport:
        del folder, database, options
        running.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return ImportReport.over(())
        raise AssertionError

    monkeypatch.setattr(boot_module, "import_folder", too_late)
    task = asyncio.create_task(boot(container.settings(IMPORT_DIR=str(container.volume))))
    await running.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not container.database.exists()


def test_a_long_temporary_directory_leaves_room_for_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / "t" / ("x" * 100)
    long.mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(long))
    folder = make_socket_folder()
    assert len(str(folder / "litestream.sock")) <= SOCKET_PATH_LIMIT
    assert list(long.iterdir()) == []
    folder.rmdir()
