import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from bot.durability.canary import Canary
from bot.durability.confirmation import Confirmation
from bot.durability.lineage import Marker, write_marker
from bot.durability.litestream import SyncResult
from bot.errors import UnavailableError
from bot.settings import Settings
from bot.store import canary as table
from bot.store.driver import SQLiteStore, open_store
from bot.store.migrate import create_database
from tests.durability.conftest import Container

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)


class Bucket:
    """Answers syncs with what the test says: results, or None for an outage."""

    def __init__(self, *answers: SyncResult | None) -> None:
        self.answers = list(answers)
        self.asked = asyncio.Event()

    async def sync(self, timeout_seconds: float) -> SyncResult:
        del timeout_seconds
        self.asked.set()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            raise UnavailableError("The bucket is away.")
        return answer


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[SQLiteStore]:
    create_database(settings.database_path)
    opened = await open_store(settings.database_path, settings=settings)
    yield opened
    await opened.close()


def watch(store: SQLiteStore, settings: Settings, *answers: SyncResult | None) -> Canary:
    return Canary(store, Confirmation(Bucket(*answers), settings), settings, lambda: NOW)


async def test_a_confirmed_canary_gives_transaction_time_and_lag(store: SQLiteStore, settings: Settings) -> None:
    state = await watch(store, settings, SyncResult(7, 7)).check()
    assert (state.confirmed_txid, state.confirmed_at, state.failure) == (7, NOW, None)
    assert state.lag_ms is not None


async def test_an_upload_that_is_behind_is_no_confirmation(store: SQLiteStore, settings: Settings) -> None:
    state = await watch(store, settings, SyncResult(7, 6)).check()
    assert state.confirmed_txid is None
    assert state.failure == "The bucket has transaction 6 of 7."


async def test_an_outage_keeps_the_last_confirmation_and_ends_with_the_next(
    store: SQLiteStore, settings: Settings
) -> None:
    canary = watch(store, settings, SyncResult(7, 7), None, SyncResult(9, 9))
    await canary.check()
    during = await canary.check()
    assert (during.confirmed_txid, during.failure) == (7, "The bucket is away.")
    after = await canary.check()
    assert (after.confirmed_txid, after.failure) == (9, None)


async def test_another_process_can_read_the_last_confirmation(store: SQLiteStore, settings: Settings) -> None:
    canary = watch(store, settings, SyncResult(7, 7))
    await canary.check()
    await canary.check()
    row = await store.first(table.get())
    assert row is not None
    assert row.confirmed_txid == 7
    assert row.lag_ms == pytest.approx(canary.state.lag_ms, abs=1000)


async def test_an_upload_to_an_epoch_that_nobody_would_restore_is_no_confirmation(
    store: SQLiteStore, settings: Settings
) -> None:
    marker = Marker(
        install_id="a", epoch=2, prefix="bot/e000002", claim="b", started_at=NOW, bucket="depot", is_pending=True
    )
    canary = watch(store, settings, SyncResult(7, 7))
    write_marker(settings.database_path, marker)
    assert (await canary.check()).confirmed_txid is None
    write_marker(settings.database_path, marker.model_copy(update={"is_pending": False}))
    assert (await canary.check()).confirmed_txid == 7


async def test_the_first_canary_is_sent_at_once(store: SQLiteStore, settings: Settings) -> None:
    bucket = Bucket(SyncResult(7, 7))
    running = asyncio.create_task(Canary(store, Confirmation(bucket, settings), settings, lambda: NOW).run())
    async with asyncio.timeout(2):
        await bucket.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
