import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from bot.durability.bucket import Bucket
from bot.durability.lease import Lease, Memory, Sighting, Standing, age_seconds, judge, must_begin_epoch, read_memory
from bot.durability.lease_pen import identify_volume
from bot.durability.leaseholder import Leaseholder
from bot.durability.lock import VolumeLock
from bot.errors import ProtectedError, UnavailableError
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.settings import Settings, load_settings
from tests.durability.conftest import Container

Make = Callable[[dict[str, str]], Container]
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
LEASE = Lease(owner="first", nonce="2", host="somewhere", acquired_at=NOW, renewed_at=NOW)
RELEASED = LEASE.model_copy(update={"is_released": True})


def remember(*nonces: str, volume: str = "here") -> Memory:
    return Memory(volume=volume, nonces=nonces)


@pytest.mark.parametrize(
    ("found", "memory", "standing"),
    [
        (None, None, Standing.FREE),
        (RELEASED, None, Standing.FREE),
        (RELEASED, remember("1"), Standing.FREE),
        (LEASE, None, Standing.FOREIGN),
        (LEASE, remember("1"), Standing.FOREIGN),
        (LEASE, remember("2", "3"), Standing.OWN),
        (LEASE, remember("1", "2"), Standing.OWN),
        (LEASE, remember("1", "2", volume="a copy"), Standing.FOREIGN),
    ],
)
def test_a_found_lease_is_free_ones_own_or_a_strangers(
    found: Lease | None, memory: Memory | None, standing: Standing
) -> None:
    assert judge(found, memory, "here") is standing


@pytest.mark.parametrize(
    ("found", "standing", "expected"),
    [
        (None, Standing.FREE, False),
        (RELEASED, Standing.FREE, False),
        (LEASE, Standing.OWN, False),
        (LEASE, Standing.FOREIGN, True),
        (RELEASED.model_copy(update={"must_begin_epoch": True}), Standing.FREE, True),
        (LEASE.model_copy(update={"must_begin_epoch": True}), Standing.OWN, True),
    ],
)
def test_who_takes_what_was_not_released_begins_an_epoch_and_so_does_whoever_comes_before_it_began(
    found: Lease | None, standing: Standing, *, expected: bool
) -> None:
    assert must_begin_epoch(found, standing) is expected


def test_a_lease_is_as_old_as_the_buckets_own_clock_says_and_never_older() -> None:
    found = Sighting(LEASE, "tag", NOW)
    assert age_seconds(found, NOW + timedelta(seconds=42)) == 40
    assert age_seconds(found, NOW + timedelta(seconds=1)) == 0
    assert age_seconds(found, NOW - timedelta(hours=1)) == 0


def test_a_copied_volume_is_another_volume(tmp_path: Path) -> None:
    with VolumeLock.take(tmp_path / "original", 0) as lock:
        original = identify_volume(lock.fd)
    shutil.copytree(tmp_path / "original", tmp_path / "copy")
    with VolumeLock.take(tmp_path / "original", 0) as lock, VolumeLock.take(tmp_path / "copy", 0) as copy:
        assert identify_volume(lock.fd) == original
        assert identify_volume(copy.fd) != original


@pytest.mark.parametrize("content", [b"", b"{", b'{"volume": 1}'])
def test_a_memory_that_can_not_be_read_is_none(tmp_path: Path, content: bytes) -> None:
    assert read_memory(tmp_path) is None
    (tmp_path / ".tzurot-lease.json").write_bytes(content)
    assert read_memory(tmp_path) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"LEASE_INTERVAL_SECONDS": "15"},
        {"LEASE_REQUEST_TIMEOUT_SECONDS": "10"},
        {"LEASE_LOSS_SECONDS": "40"},
        {"LEASE_TAKEOVER_SECONDS": "90"},
    ],
)
def test_times_that_would_let_two_write_at_once_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(Exception, match="LEASE_LOSS_SECONDS"):
        load_settings({name.lower(): value for name, value in wrong.items()}, env_file=None)


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings()


@asynccontextmanager
async def holder(settings: Settings, kind: type[Bucket] = Bucket) -> AsyncIterator[Leaseholder]:
    """A lease that was not asked for yet, and that nobody releases: as after a crash."""
    with VolumeLock.take(settings.database_path.parent, 0) as lock:
        lease = Leaseholder(settings, lock, kind(settings))
        try:
            yield lease
        finally:
            await lease.drop()


async def acquire(lease: Leaseholder) -> Leaseholder:
    await lease.acquire(await lease.examine(await lease.look()), lambda _: None)
    return lease


async def race_for(settings: Settings, replaces: str | None) -> None:
    """Twenty write at once; whoever is told to have it has it, and nobody else."""
    leases = [LEASE.model_copy(update={"owner": str(number)}) for number in range(20)]
    writes = [Bucket(settings).write_lease(lease, replaces) for lease in leases]
    answers = await asyncio.gather(*writes, return_exceptions=True)  # a busy bucket may leave some without an answer
    assert {type(answer) for answer in answers} <= {str, type(None), UnavailableError}
    found = await Bucket(settings).read_lease()
    assert found is not None
    winners = [lease for lease, answer in zip(leases, answers, strict=True) if isinstance(answer, str)]
    assert found.lease in leases
    assert winners in ([], [found.lease])


async def test_of_twenty_that_come_at_once_one_gets_the_lease(settings: Settings) -> None:
    await race_for(settings, None)


async def test_of_twenty_that_take_over_at_once_one_gets_the_lease(settings: Settings) -> None:
    tag = await Bucket(settings).write_lease(LEASE, None)
    await race_for(settings, tag)
    assert await Bucket(settings).write_lease(LEASE, tag) is None


async def test_a_lease_that_is_damaged_is_nobodys_to_take(
    settings: Settings, server: BucketSandbox, prefix: str
) -> None:
    await obstore.put_async(server.store(), f"{prefix}/control/lease.json", b"{")
    async with holder(settings) as lease:
        with pytest.raises(ProtectedError, match="damaged"):
            await acquire(lease)


async def test_trying_the_conditions_leaves_nothing_behind(
    settings: Settings, server: BucketSandbox, prefix: str
) -> None:
    assert abs((await Bucket(settings).try_conditions() - datetime.now(UTC)).total_seconds()) < 5
    assert await obstore.list(server.store(), prefix).collect_async() == []


async def test_a_lease_is_renewed_and_the_volume_knows_its_last_renewals(settings: Settings) -> None:
    async with holder(settings) as lease:
        await acquire(lease)
        first = await Bucket(settings).read_lease()
        for _ in range(2):
            last = await next_renewal(settings)
        await lease.drop()
        memory = read_memory(settings.database_path.parent)
        assert first is not None
        assert memory is not None
        assert last.lease.owner == first.lease.owner
        assert last.lease.nonce in memory.nonces
        assert first.lease.nonce not in memory.nonces


async def next_renewal(settings: Settings) -> Sighting:
    bucket = Bucket(settings)
    before = await bucket.read_lease()
    async with asyncio.timeout(5):
        while (found := await bucket.read_lease()) is None or before is None or found.e_tag == before.e_tag:  # noqa: ASYNC110 - the bucket sends no event
            await asyncio.sleep(0.02)
    return found


async def test_a_released_lease_is_taken_at_once_and_goes_on_in_its_epoch(
    containers: Make, container: Container
) -> None:
    async with holder(container.settings()) as first, holder(containers(container.environment).settings()) as second:
        await acquire(first)
        await first.release()
        async with asyncio.timeout(1):
            await acquire(second)
        assert second.is_held
        assert not second.must_begin_epoch


async def test_a_lease_that_was_not_released_is_waited_for_and_must_begin_an_epoch(
    containers: Make, container: Container
) -> None:
    settings = container.settings()
    async with holder(settings) as first, holder(containers(container.environment).settings()) as second:
        await acquire(first)
        await first.drop()
        clock = asyncio.get_running_loop()
        began = clock.time()
        told: list[str] = []
        await second.acquire(await second.examine(await second.look()), told.append)
        assert clock.time() - began > settings.lease_takeover_seconds - 0.1
        assert "is written by the instance on" in told[0]
        assert second.must_begin_epoch
        second.settle()
        found = await next_renewal(settings)
        assert (second.must_begin_epoch, found.lease.must_begin_epoch) == (False, False)


async def test_a_lease_that_is_old_already_is_not_waited_for_again(containers: Make, container: Container) -> None:
    settings = container.settings()
    async with holder(settings) as first, holder(containers(container.environment).settings()) as second:
        await acquire(first)
        await first.drop()
        look = await second.look()
        assert look.found is not None
        written_at = look.found.written_at - timedelta(seconds=settings.lease_takeover_seconds + 3)
        look = await second.examine(replace(look, found=replace(look.found, written_at=written_at)))
        async with asyncio.timeout(1):
            await second.acquire(look, lambda _: None)
        assert second.must_begin_epoch


async def test_the_same_volume_goes_on_at_once_in_its_epoch(settings: Settings) -> None:
    async with holder(settings) as first:
        await acquire(first)
    async with holder(settings) as second, asyncio.timeout(1):
        await acquire(second)
        assert not second.must_begin_epoch


async def test_a_take_over_without_an_epoch_yet_stays_one_after_a_crash_and_after_a_stop(
    containers: Make, container: Container
) -> None:
    async with holder(container.settings()) as first:
        await acquire(first)
    settings = containers(container.environment).settings()
    async with holder(settings) as crashed:
        assert (await acquire(crashed)).must_begin_epoch
    async with holder(settings) as stopped:
        assert (await acquire(stopped)).must_begin_epoch
        await stopped.release()
    async with holder(settings) as last:
        assert (await acquire(last)).must_begin_epoch


async def test_a_start_gives_up_on_a_lease_that_is_renewed_and_names_its_holder(
    containers: Make, container: Container
) -> None:
    other = containers(container.environment).settings(LEASE_TIMEOUT_SECONDS="2.6")
    async with holder(container.settings()) as first, holder(other) as second:
        await acquire(first)
        with pytest.raises(ProtectedError, match=f"written by the instance on {os.uname().nodename}"):
            await acquire(second)
        assert first.is_held


@pytest.mark.parametrize("ends", [Leaseholder.release, Leaseholder.drop])
async def test_a_start_whose_bucket_goes_away_does_not_call_its_own_lease_another_instances(
    container: Container, proxy: FaultProxy, ends: Callable[[Leaseholder], Awaitable[None]]
) -> None:
    settings = container.settings(REPLICA_ENDPOINT=proxy.endpoint, LEASE_TIMEOUT_SECONDS="2.6")
    async with holder(settings) as first:
        await acquire(first)
        await ends(first)
    async with holder(settings) as second:
        look = await second.examine(await second.look())
        await proxy.set(Mode.REFUSE)
        told: list[str] = []
        with pytest.raises(UnavailableError, match="can't be reached"):
            await second.acquire(look, told.append)
        assert {"can't be reached" in text for text in told} == {True}


async def test_a_volume_that_can_not_remember_its_lease_holds_it_all_the_same(settings: Settings) -> None:
    (settings.database_path.parent / ".tzurot-lease.json.tmp").mkdir()
    async with holder(settings) as lease:
        await acquire(lease)
        await next_renewal(settings)
        assert lease.is_held
    assert read_memory(settings.database_path.parent) is None


class Deaf(Bucket):
    """Loses the answer to each write of the lease, and sends it again."""

    async def write_lease(self, lease: Lease, replaces: str | None) -> str | None:
        await super().write_lease(lease, replaces)
        return await super().write_lease(lease, replaces)


async def test_a_write_that_was_sent_twice_is_recognised_as_ones_own(settings: Settings) -> None:
    async with holder(settings, Deaf) as lease:
        await acquire(lease)
        await next_renewal(settings)
        assert lease.is_held
        await lease.release()
    found = await Bucket(settings).read_lease()
    assert found is not None
    assert found.lease.is_released


async def test_a_stolen_lease_ends_all_writing_at_once_and_names_the_thief(settings: Settings) -> None:
    stopped = asyncio.Event()

    async def stop() -> None:
        stopped.set()

    async with holder(settings) as lease:
        lease.when_lost(stop)
        await acquire(lease)
        found = await Bucket(settings).read_lease()
        assert found is not None
        while not await Bucket(settings).write_lease(LEASE, found.e_tag):
            found = await next_renewal(settings)
        with pytest.raises(ProtectedError, match="the instance on somewhere"):
            await lease.until_taken()
        assert stopped.is_set()
        assert not lease.is_held
        await lease.release()
    found = await Bucket(settings).read_lease()
    assert found is not None
    assert found.lease == LEASE


async def test_a_lease_that_can_not_be_renewed_is_lost_in_time_and_comes_back(
    container: Container, proxy: FaultProxy
) -> None:
    settings = container.settings(REPLICA_ENDPOINT=proxy.endpoint)
    lost = asyncio.Event()

    async def stop() -> None:
        lost.set()

    async with holder(settings) as lease:
        lease.when_lost(stop)
        await acquire(lease)
        await proxy.set(Mode.BLACK_HOLE)
        async with asyncio.timeout(settings.lease_loss_seconds + 0.5):
            await lost.wait()
        with pytest.raises(UnavailableError, match="not held"):
            lease.require_held()
        await proxy.set(Mode.PASS)
        async with asyncio.timeout(3):
            await lease.until_held()
        lease.require_held()
        assert not lease.must_begin_epoch
