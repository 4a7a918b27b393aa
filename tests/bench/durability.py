"""What durability costs and what it keeps: the acknowledgement, the throughput, and what a kill takes along."""

import asyncio
import os
import random
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path
from time import perf_counter

from obstore.store import S3Store

from bot.durability.confirmation import Confirmation
from bot.durability.restore import Source, restore_replica
from bot.sandbox.bucket import BucketSandbox, FaultProxy
from bot.store.columns import to_time
from bot.store.driver import SQLiteStore
from bot.store.engine import connect

from .filling import open_filled
from .measure import Goal, Samples, Section, ratio
from .replicated import PREFIX, replicated, settings_for
from .writes import BATCH, Ours, message

PUT_BYTES = 4096
DISTANCES_MS = (0, 50)
ALLOWED_US = 10_000
LOSS_LIMIT_US = 300_000
DATABASE_FILES = ("", "-wal", "-shm")


async def measure_durability(folder: Path, rounds: int, seconds: float, trials: int) -> list[Section]:
    """Against a bucket of its own: acknowledgements at each distance, throughput, and the loss window."""
    async with BucketSandbox(folder / "bucket") as bucket, FaultProxy(bucket.port) as proxy:
        sections = []
        for distance in DISTANCES_MS:
            proxy.delay_ms = distance / 2  # in each direction
            sections.append(await _acknowledgements(folder, bucket, proxy, rounds * 4))
        proxy.delay_ms = 0
        sections.append(await _throughput(folder, bucket, proxy.endpoint, (rounds, seconds)))
        proxy.delay_ms = DISTANCES_MS[-1] / 2
        sections.append(await _losses(folder, bucket, proxy.endpoint, trials))
    return sections


async def _acknowledgements(folder: Path, bucket: BucketSandbox, proxy: FaultProxy, rounds: int) -> Section:
    distance = round(2 * proxy.delay_ms)
    path = folder / f"acknowledged-{distance}.db"
    settings = settings_for(bucket, proxy.endpoint, path)
    store = await open_filled(path, 66)
    numbers = iter(range(1_000_000))
    far = bucket.store(endpoint=proxy.endpoint)
    put, one, many = Samples("one PUT of 4 KB"), Samples("one user"), Samples(f"{BATCH} users at once")
    async with replicated(settings) as litestream:
        confirmation = Confirmation(litestream, settings)
        for _ in range(rounds):
            await _timed(put, 1, partial(_put, far))
            await _timed(one, 1, partial(_acknowledge, store, confirmation, numbers))
            await _timed(many, BATCH, partial(_acknowledge, store, confirmation, numbers))
        await confirmation.close()
    await store.close()
    return Section(f"Durable acknowledgement, bucket {distance} ms away", [put, one, many], _limits(put, one, many))


def _limits(put: Samples, one: Samples, many: Samples) -> list[Goal]:
    def over(samples: Samples) -> float:
        return (samples.percentile_us(0.5) - ALLOWED_US) / put.percentile_us(0.5)

    return [
        Goal("(p50 of one user - 10 ms) / one PUT", over(one), most=1.3),
        Goal(f"(p50 of {BATCH} users - 10 ms) / one PUT", over(many)),
        Goal(f"p50 of {BATCH} users / of one user", many.percentile_us(0.5) / one.percentile_us(0.5), most=2),
    ]


async def _timed(samples: Samples, callers: int, work: Callable[[], Awaitable[None]]) -> None:
    async def once() -> None:
        started = perf_counter()
        await work()
        samples.latencies_us.append((perf_counter() - started) * 1e6)

    started = perf_counter()
    await asyncio.gather(*(once() for _ in range(callers)))
    samples.rates.append(callers / (perf_counter() - started))


async def _acknowledge(store: SQLiteStore, confirmation: Confirmation, numbers: Iterator[int]) -> None:
    await store.write(*message(next(numbers)))
    if not await confirmation.confirm(5):
        raise RuntimeError("the bucket confirmed nothing")


async def _put(far: S3Store) -> None:
    await far.put_async("bench-put", os.urandom(PUT_BYTES))


async def _throughput(folder: Path, bucket: BucketSandbox, endpoint: str, effort: tuple[int, float]) -> Section:
    """The same writes with Litestream beside them and without, in turns."""
    rounds, seconds = effort
    paths = [folder / f"throughput-{name}.db" for name in ("beside", "alone")]
    stores = [Ours(await open_filled(path, 66)) for path in paths]
    samples = [Samples("with Litestream at 250 ms"), Samples("without")]
    async with replicated(settings_for(bucket, endpoint, paths[0])) as litestream:
        for _ in range(rounds):
            for store, sample in zip(stores, samples, strict=True):
                await store.run(BATCH, seconds, sample)
            # What one left for the other's turn: the upload of the one, the checkpoint of both.
            await litestream.sync(60)
            _truncate(paths[1])
    for store in stores:
        await store.close()
    return Section(f"Message writes, {BATCH} callers, synchronous=FULL", samples, [_share(samples)])


def _share(samples: list[Samples]) -> Goal:
    return Goal("with Litestream / without", ratio(*samples), least=0.75)


def _truncate(path: Path) -> None:
    with closing(connect(path, "rw", 10)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


async def _losses(folder: Path, bucket: BucketSandbox, endpoint: str, trials: int) -> Section:
    """SIGKILL to a writer and its Litestream, the volume gone: how old is what comes back?"""
    lost = Samples(f"lost by SIGKILL and a lost volume, in {trials} trials")
    for trial in range(trials):
        volume = folder / f"volume-{trial}"
        volume.mkdir()
        await _live_and_die(bucket, endpoint, volume / f"lost-{trial}.db")
        lost.latencies_us.append(await _window_us(bucket, endpoint, volume / f"lost-{trial}.db"))
        lost.rates.append(1e6 / max(lost.latencies_us[-1], 1))
    goals = [
        Goal("the longest window / 300 ms", max(lost.latencies_us) / LOSS_LIMIT_US, most=1),
        Goal("the median window / 300 ms", lost.percentile_us(0.5) / LOSS_LIMIT_US),
    ]
    return Section(f"Loss window at 100 commits a second, bucket {DISTANCES_MS[-1]} ms away", [lost], goals)


async def _live_and_die(bucket: BucketSandbox, endpoint: str, database: Path) -> None:
    environment = bucket.environment(f"{PREFIX}/{database.stem}", endpoint=endpoint)
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.losing",
        env={**os.environ, **environment, "DATABASE_PATH": str(database)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert writer.stdout is not None
    try:
        await writer.stdout.readline()
        await asyncio.sleep(random.uniform(1, 2))  # noqa: S311 - anywhere between two uploads
    finally:
        writer.kill()  # Litestream dies with it
        await writer.wait()


async def _window_us(bucket: BucketSandbox, endpoint: str, database: Path) -> float:
    settings = settings_for(bucket, endpoint, database)
    last = _last_commit(database)
    for suffix in DATABASE_FILES:
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    copy = database.with_name("restored.db")
    await restore_replica(settings, Source(settings.replica_prefix or PREFIX), copy)
    return (last - _last_commit(copy)).total_seconds() * 1e6


def _last_commit(database: Path) -> datetime:
    with closing(connect(database, "rw", 10)) as connection:
        return to_time(connection.execute("SELECT max(blacklisted_at) FROM blacklist").fetchone()[0])
