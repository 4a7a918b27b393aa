"""One upload for everyone who waits: against a stand-in that ends when the test says, and against the real thing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.durability.confirmation import AnswerConfirmation, Confirmation
from bot.durability.lineage import Marker, write_marker
from bot.durability.litestream import SyncResult
from bot.errors import UnavailableError
from bot.model import utc_now
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.settings import Settings, load_settings
from bot.store.driver import open_store
from tests.durability.conftest import Container
from tests.durability.test_boot import ADD, replicating

DONE = SyncResult(7, 7)
LONG_SECONDS = 5.0


class Uploads:
    """A Litestream whose every sync waits for the test's word."""

    def __init__(self) -> None:
        self.begun: asyncio.Queue[asyncio.Future[SyncResult]] = asyncio.Queue()
        self.count = 0

    async def sync(self, timeout_seconds: float) -> SyncResult:
        del timeout_seconds
        self.count += 1
        upload: asyncio.Future[SyncResult] = asyncio.get_running_loop().create_future()
        self.begun.put_nowait(upload)
        return await upload

    async def restart(self, timeout_seconds: float) -> None:
        raise NotImplementedError

    async def next(self) -> "asyncio.Future[SyncResult]":
        async with asyncio.timeout(LONG_SECONDS):
            return await self.begun.get()


@pytest.fixture
def uploads() -> Uploads:
    return Uploads()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({"database_path": tmp_path / "tzurot.db", "confirmation_retry_seconds": 0.001}, env_file=None)


@pytest.fixture
async def confirmation(uploads: Uploads, settings: Settings) -> AsyncIterator[Confirmation]:
    made = Confirmation(uploads, settings)
    yield made
    await made.close()


def ask(confirmation: Confirmation, seconds: float = LONG_SECONDS) -> asyncio.Task[bool]:
    return asyncio.create_task(confirmation.confirm(seconds))


async def settled() -> None:
    """Let every task run as far as it gets."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_those_who_ask_together_are_served_by_one_upload(confirmation: Confirmation, uploads: Uploads) -> None:
    asking = [ask(confirmation) for _ in range(64)]
    (await uploads.next()).set_result(DONE)
    assert await asyncio.gather(*asking) == [True] * 64
    assert uploads.count == 1


async def test_who_asks_during_an_upload_is_served_by_the_next_one(
    confirmation: Confirmation, uploads: Uploads
) -> None:
    first = ask(confirmation)
    upload = await uploads.next()
    later = [ask(confirmation) for _ in range(3)]
    await settled()
    assert uploads.count == 1
    upload.set_result(DONE)
    assert await first
    upload = await uploads.next()
    await settled()
    assert not any(task.done() for task in later)
    upload.set_result(DONE)
    assert await asyncio.gather(*later) == [True] * 3
    assert uploads.count == 2


async def test_an_upload_that_fails_is_tried_again_while_someone_waits(
    confirmation: Confirmation, uploads: Uploads
) -> None:
    asking = [ask(confirmation) for _ in range(2)]
    (await uploads.next()).set_exception(UnavailableError("The bucket is away."))
    (await uploads.next()).set_result(SyncResult(7, 6))
    (await uploads.next()).set_result(DONE)
    assert await asyncio.gather(*asking) == [True] * 2
    assert uploads.count == 3


async def test_each_gives_up_at_its_own_time_and_the_upload_goes_on_for_the_others(
    confirmation: Confirmation, uploads: Uploads
) -> None:
    patient, impatient = ask(confirmation), ask(confirmation, 0.01)
    upload = await uploads.next()
    assert not await impatient
    upload.set_result(DONE)
    assert await patient


async def test_who_is_cancelled_is_forgotten_and_nobody_is_uploaded_for(
    confirmation: Confirmation, uploads: Uploads
) -> None:
    gone, staying = ask(confirmation), ask(confirmation)
    upload = await uploads.next()
    gone.cancel()
    await asyncio.wait({gone})
    upload.set_exception(UnavailableError("The bucket is away."))
    upload = await uploads.next()
    staying.cancel()
    await asyncio.wait({staying})
    upload.set_exception(UnavailableError("The bucket is away."))
    await settled()
    assert uploads.begun.empty()


async def test_the_watchdog_learns_why_an_upload_failed(confirmation: Confirmation, uploads: Uploads) -> None:
    asking = asyncio.create_task(confirmation.sync(LONG_SECONDS))
    (await uploads.next()).set_exception(UnavailableError("The bucket is away."))
    with pytest.raises(UnavailableError, match="away"):
        await asking
    with pytest.raises(UnavailableError, match="within"):
        await confirmation.sync(0.01)


async def test_an_epoch_that_nobody_would_restore_from_confirms_nothing(
    confirmation: Confirmation, uploads: Uploads, settings: Settings
) -> None:
    marker = Marker(install_id="a", epoch=2, prefix="bot/e000002", claim="b", started_at=utc_now(), bucket="depot")
    write_marker(settings.database_path, marker)
    asking = ask(confirmation)
    (await uploads.next()).set_result(DONE)
    upload = await uploads.next()
    assert not asking.done()
    write_marker(settings.database_path, marker.model_copy(update={"is_pending": False}))
    upload.set_result(DONE)
    assert await asking


async def test_an_answer_does_not_wait_for_the_first_upload_of_a_whole_database(
    confirmation: Confirmation, uploads: Uploads, settings: Settings
) -> None:
    marker = Marker(install_id="a", epoch=2, prefix="bot/e000002", claim="b", started_at=utc_now(), bucket="depot")
    write_marker(settings.database_path, marker)
    answers = AnswerConfirmation(confirmation)
    assert not await answers.confirm(LONG_SECONDS)
    assert uploads.count == 0
    write_marker(settings.database_path, marker.model_copy(update={"is_pending": False}))
    asking = asyncio.create_task(answers.confirm(LONG_SECONDS))
    (await uploads.next()).set_result(DONE)
    assert await asking


async def test_without_a_bucket_everything_is_where_it_will_be(settings: Settings) -> None:
    alone = Confirmation(None, settings)
    assert await alone.confirm(0)
    assert await AnswerConfirmation(alone).confirm(0)


async def test_closing_it_ends_the_wait_of_nobody_but_its_own_uploads(
    confirmation: Confirmation, uploads: Uploads
) -> None:
    asking = asyncio.create_task(confirmation.sync(LONG_SECONDS))
    upload = await uploads.next()
    await confirmation.close()
    assert upload.cancelled()
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)


@asynccontextmanager
async def running(container: Container, **changes: str) -> AsyncIterator[tuple[Settings, Confirmation]]:
    """A real Litestream, its new epoch named by the bucket, and what the bot would ask."""
    settings = container.settings(**changes)
    async with replicating(settings) as replication:
        await replication.confirm()
        confirmation = Confirmation(replication.client, settings)
        try:
            yield settings, confirmation
        finally:
            await confirmation.close()


async def test_what_was_confirmed_is_in_the_bucket_whatever_happens_next(container: Container) -> None:
    async with running(container, REPLICA_INTERVAL_SECONDS="5") as (settings, confirmation):
        store = await open_store(settings.database_path, settings=settings)
        await asyncio.gather(*(_write_and_confirm(store.write, confirmation) for _ in range(64)))
        await store.close()
    container.lose_volume()
    await asyncio.to_thread(container.live)
    assert container.rows >= 64


async def _write_and_confirm(write: Callable[..., object], confirmation: Confirmation) -> None:
    await write(ADD)  # type: ignore[misc]  # the store's own method
    assert await confirmation.confirm(LONG_SECONDS)


async def test_a_bucket_that_is_away_confirms_nothing_until_it_is_back(
    container: Container, server: BucketSandbox, proxy: FaultProxy, prefix: str
) -> None:
    container.environment |= server.environment(prefix, endpoint=proxy.endpoint)
    async with running(container) as (settings, confirmation):
        store = await open_store(settings.database_path, settings=settings)
        await proxy.set(Mode.REFUSE)
        await store.write(ADD)
        assert not await confirmation.confirm(0.2)
        asking = ask(confirmation)
        await proxy.set(Mode.PASS)
        assert await asking
        await store.close()
