"""The watchdog: what counts as confirmed, when it mends, and a connection that is stuck for real."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.durability.confirmation import Confirmation
from bot.durability.lineage import Marker, marker_path, write_marker
from bot.durability.litestream import Litestream, SyncResult
from bot.durability.watchdog import Watchdog
from bot.errors import UnavailableError
from bot.sandbox.bucket import BucketSandbox, FaultProxy
from bot.settings import Settings
from bot.store import canary as table
from bot.store.driver import SQLiteStore, open_store
from bot.store.migrate import create_database
from bot.store.statement import Statement
from tests.durability.conftest import Container, children, is_alive
from tests.durability.test_boot import ADD, replicating

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)
DONE = SyncResult(7, 7)
TENTH = {
    "CANARY_INTERVAL_SECONDS": "1.5",
    "CANARY_RETRY_SECONDS": "0.5",
    "SYNC_TIMEOUT_SECONDS": "1",  # the least that Litestream knows; twice a tenth
    "REPLICATION_RESTART_TIMEOUT_SECONDS": "0.5",
    "REPLICATION_RESTART_DELAY_SECONDS": "3",
    "LITESTREAM_HANG_LIMIT_SECONDS": "2",
    "LITESTREAM_STOP_TIMEOUT_SECONDS": "0.3",
}


@dataclass
class Bucket:
    """Answers syncs with what the test says, the last answer for ever; None is an outage."""

    answers: list[SyncResult | None]
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    restart_count: int = 0

    async def sync(self, timeout_seconds: float) -> SyncResult:
        del timeout_seconds
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise UnavailableError("The bucket is away.")
        return answer

    async def restart(self, timeout_seconds: float) -> None:
        del timeout_seconds
        self.restart_count += 1


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


Watch = Callable[..., Watchdog]


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings(REPLICATION_RESTART_DELAY_SECONDS="0.001")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[SQLiteStore]:
    create_database(settings.database_path)
    opened = await open_store(settings.database_path, settings=settings)
    yield opened
    await opened.close()


@pytest.fixture
def watch(store: SQLiteStore, settings: Settings, clock: Clock) -> Watch:
    def make(*answers: SyncResult | None, settings: Settings = settings, bucket: Bucket | None = None) -> Watchdog:
        return Watchdog(store, Confirmation(bucket or Bucket(list(answers)), settings), settings, clock)

    return make


async def test_a_confirmed_canary_gives_transaction_time_and_lag(watch: Watch) -> None:
    state = await watch(DONE).check()
    assert (state.confirmed_txid, state.confirmed_at, state.failure) == (7, NOW, None)
    assert state.lag_ms is not None


async def test_an_upload_that_is_behind_is_no_confirmation(watch: Watch) -> None:
    state = await watch(SyncResult(7, 6)).check()
    assert state.confirmed_txid is None
    assert state.failure == "The bucket has transaction 6 of 7."


async def test_a_failure_keeps_the_last_confirmation_and_ends_with_the_next(watch: Watch) -> None:
    watchdog = watch(DONE, None, SyncResult(9, 9))
    await watchdog.check()
    during = await watchdog.check()
    assert (during.confirmed_txid, during.failure, during.silent_since) == (7, "The bucket is away.", NOW)
    after = await watchdog.check()
    assert (after.confirmed_txid, after.failure, after.silent_since) == (9, None, None)


async def test_another_process_can_read_the_last_confirmation(watch: Watch, store: SQLiteStore) -> None:
    watchdog = watch(DONE)
    await watchdog.check()
    await watchdog.check()
    row = await store.first(table.get())
    assert row is not None
    assert row.confirmed_txid == 7
    assert row.lag_ms == pytest.approx(watchdog.state.lag_ms, abs=1000)


async def test_an_upload_to_an_epoch_that_nobody_would_restore_is_no_confirmation(
    watch: Watch, settings: Settings
) -> None:
    marker = Marker(
        install_id="a", epoch=2, prefix="bot/e000002", claim="b", started_at=NOW, bucket="depot", is_pending=True
    )
    watchdog = watch(DONE)
    write_marker(settings.database_path, marker)
    assert (await watchdog.check()).confirmed_txid is None
    write_marker(settings.database_path, marker.model_copy(update={"is_pending": False}))
    assert (await watchdog.check()).confirmed_txid == 7


async def test_the_first_canary_is_sent_at_once(watch: Watch) -> None:
    bucket = Bucket([DONE])
    running = asyncio.create_task(watch(bucket=bucket).run())
    async with asyncio.timeout(2):
        await bucket.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_is_an_outage_once_the_limit_has_passed_since_the_last_confirmation(
    watch: Watch, clock: Clock
) -> None:
    watchdog = watch(DONE, None, DONE)
    await watchdog.check()
    clock.advance(120)
    assert not (await watchdog.check()).is_outage
    clock.advance(1)  # no further check is needed to know
    assert (watchdog.state.is_outage, watchdog.state.is_read_only, watchdog.state.silent_since) == (True, False, NOW)
    assert not (await watchdog.check()).is_outage


async def test_it_is_an_outage_as_well_where_nothing_was_ever_confirmed(watch: Watch, clock: Clock) -> None:
    watchdog = watch(None)
    await watchdog.check()
    clock.advance(121)
    assert (watchdog.state.is_outage, watchdog.state.silent_since) == (True, NOW)


async def test_an_outage_makes_it_read_only_where_the_operator_wants_that_until_a_write_is_confirmed(
    watch: Watch, clock: Clock, container: Container
) -> None:
    watchdog = watch(DONE, None, DONE, settings=container.settings(OUTAGE_MODE="read-only"))
    await watchdog.check()
    clock.advance(121)
    assert (await watchdog.check()).is_read_only
    assert not (await watchdog.check()).is_read_only


async def test_three_failures_in_a_row_start_replication_again_and_so_do_later_ones_ever_more_rarely(
    watch: Watch, container: Container
) -> None:
    bucket = Bucket([DONE, None, None, DONE, None])
    rarely = container.settings(REPLICATION_RESTART_DELAY_SECONDS="0.05", REPLICATION_RESTART_LIMIT_SECONDS="1000")
    watchdog = watch(bucket=bucket, settings=rarely)
    restarts = []
    for pause in (0, 0, 0, 0, 0, 0, 0, 0, 0.06, 0.06, 0.06):
        await asyncio.sleep(pause)
        await watchdog.check()
        await watchdog.mend()
        restarts.append(bucket.restart_count)
    assert restarts == [0, 0, 0, 0, 0, 0, 1, 1, 2, 2, 3]


async def test_the_first_upload_of_a_new_copy_is_left_its_time(watch: Watch, settings: Settings) -> None:
    marker = Marker(install_id="a", epoch=2, prefix="bot/e000002", claim="b", started_at=NOW, bucket="depot")
    write_marker(settings.database_path, marker)
    bucket = Bucket([DONE])
    watchdog = watch(bucket=bucket)
    for _ in range(5):
        await watchdog.check()
        await watchdog.mend()
    assert bucket.restart_count == 0
    impatient = settings.model_copy(update={"replication_restart_limit_seconds": 0.001})
    watchdog = watch(bucket=bucket, settings=impatient)
    for _ in range(3):
        await asyncio.sleep(0.002)
        await watchdog.check()
        await watchdog.mend()
    assert bucket.restart_count == 1


async def test_a_marker_that_can_not_be_read_is_a_failure_and_no_end(watch: Watch, settings: Settings) -> None:
    marker_path(settings.database_path).write_bytes(b"{")
    watchdog = watch(DONE)
    for _ in range(5):
        assert "is damaged" in str((await watchdog.check()).failure)
        await watchdog.mend()


async def test_a_database_that_takes_no_writes_is_nothing_that_a_restart_would_mend(
    watch: Watch, store: SQLiteStore
) -> None:
    bucket = Bucket([DONE])
    watchdog = watch(bucket=bucket)
    await watchdog.check()
    await store.write(Statement("ALTER TABLE canary RENAME TO gone"))
    for _ in range(5):
        assert (await watchdog.check()).failure
        await watchdog.mend()
    assert bucket.restart_count == 0


async def test_a_litestream_that_is_not_running_is_called_so_and_takes_no_orders(
    store: SQLiteStore, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    nobody = Litestream(settings.database_path.parent / "nobody.sock", settings.database_path)
    watchdog = Watchdog(store, Confirmation(nobody, settings), settings)
    for _ in range(5):
        assert (await watchdog.check()).failure == (
            "Litestream is not running (it is started once the bucket answers)."
        )
        await watchdog.mend()
    assert "replication is stopped and started" not in caplog.text


async def test_the_log_tells_once_that_a_failure_began_and_once_that_it_is_over(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bot.durability.watchdog")
    watchdog = watch(DONE, None, None, DONE, DONE)
    for _ in range(5):
        await watchdog.check()
    assert caplog.messages == [
        "Writes are not confirmed by the bucket: The bucket is away.",
        "Writes are confirmed by the bucket again",
    ]


@pytest.fixture
def behind_proxy(container: Container, server: BucketSandbox, proxy: FaultProxy, prefix: str) -> Container:
    container.environment |= server.environment(prefix, endpoint=proxy.endpoint)
    return container


@pytest.mark.parametrize("is_uploading", [True, False])
async def test_a_stuck_connection_recovers_within_a_minute_at_a_tenth_of_all_times(
    behind_proxy: Container, proxy: FaultProxy, *, is_uploading: bool
) -> None:
    """Whether it is an upload that hangs, or one of Litestream's own looks into the bucket, which blocks its stop."""
    settings = behind_proxy.settings(**TENTH)
    async with watching(settings) as (watchdog, store, _):
        before = watchdog.state.confirmed_txid or 0
        proxy.stall()
        began = time.monotonic()
        if is_uploading:
            await store.write(ADD)
        await reached(lambda: watchdog.state.failure is not None)
        await reached(lambda: watchdog.state.failure is None)
        seconds = time.monotonic() - began
    assert (watchdog.state.confirmed_txid or 0) > before
    print(f"recovered after {seconds:.1f} s")  # noqa: T201 - shown by pytest -rP
    assert seconds < 6


async def test_a_litestream_that_hangs_is_replaced(container: Container) -> None:
    async with watching(container.settings(**TENTH)) as (watchdog, _, _):
        (hung,) = (pid for pid in children(os.getpid()) if _is_litestream(pid))
        os.kill(hung, signal.SIGSTOP)
        await reached(lambda: watchdog.state.failure is not None)
        await reached(lambda: watchdog.state.failure is None)
        assert not is_alive(hung)


async def test_replication_that_was_stopped_and_not_started_is_started(container: Container) -> None:
    async with watching(container.settings(**TENTH, CANARY_FAILURE_LIMIT="1000")) as (watchdog, _, litestream):
        before = watchdog.state.confirmed_txid or 0
        await litestream.stop(1)
        await reached(lambda: (watchdog.state.confirmed_txid or 0) > before)


@asynccontextmanager
async def watching(settings: Settings) -> AsyncIterator[tuple[Watchdog, SQLiteStore, Litestream]]:
    """A supervised Litestream, and a bot's watchdog that has seen a first confirmation."""
    async with replicating(settings) as replication:
        await replication.confirm()
        store = await open_store(settings.database_path, settings=settings)
        confirmation = Confirmation(replication.client, settings)
        watchdog = Watchdog(store, confirmation, settings)
        running = [asyncio.create_task(job()) for job in (replication.keep_alive, watchdog.run)]
        try:
            await reached(lambda: watchdog.state.confirmed_at is not None)
            yield watchdog, store, replication.client
        finally:
            for task in running:
                task.cancel()
            await asyncio.wait(running)
            await confirmation.close()
            await store.close()


async def reached(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(9):
        while not condition():  # noqa: ASYNC110 - a real process sends no event
            await asyncio.sleep(0.01)


def _is_litestream(pid: int) -> bool:
    return "replicate" in Path(f"/proc/{pid}/cmdline").read_text()
