"""A message's writes (conversation, mapping, token's last use) as one durable unit, synchronous=FULL."""

import asyncio
import itertools
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Protocol

import aiosqlite

from bot.model import EVERY_PERSONALITY, Conversation, Mapping
from bot.store import conversations, engine, logins, messages
from bot.store.driver import SQLiteStore
from bot.store.statement import Statement

from .filling import FIRST_ID, NOW, USERS, bench_settings, name_of, open_filled
from .measure import Goal, Samples, Section, ratio

BATCH = 64
CHANNELS = 97


def message(number: int) -> tuple[Statement, ...]:
    """What one message writes; made anew for each, as the bot does."""
    user = FIRST_ID + number % USERS
    channel = FIRST_ID + number % USERS % CHANNELS
    now = NOW + timedelta(milliseconds=number)
    return (
        conversations.go_on(Conversation(channel, user, name_of(1), now, now, 1), 1),
        messages.put(Mapping(FIRST_ID + number, user, channel, 1 + number % 60)),
        logins.touch(user, EVERY_PERSONALITY, now),
    )


class Alternative(Protocol):
    """One way to write."""

    name: str

    async def run(self, callers: int, seconds: float, samples: Samples) -> None:
        """Write as fast as so many callers can, and note the rate and every message's time."""

    async def close(self) -> None:
        """End it."""


class Callers:
    """Each caller writes a message, waits until it is durable, and writes the next."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.numbers = itertools.count()

    async def write(self, statements: tuple[Statement, ...]) -> None:
        raise NotImplementedError

    async def run(self, callers: int, seconds: float, samples: Samples) -> None:
        started = perf_counter()
        latencies: list[float] = []
        await asyncio.gather(*(self._call(started + seconds, latencies) for _ in range(callers)))
        samples.rates.append(len(latencies) / (perf_counter() - started))
        samples.latencies_us.extend(latencies)

    async def _call(self, until: float, latencies: list[float]) -> None:
        while (started := perf_counter()) < until:
            await self.write(message(next(self.numbers)))
            latencies.append((perf_counter() - started) * 1e6)


class Ours(Callers):
    """The store."""

    def __init__(self, store: SQLiteStore) -> None:
        super().__init__("store: group commit, each batch isolated")
        self.store = store

    async def write(self, statements: tuple[Statement, ...]) -> None:
        await self.store.write(*statements)

    async def close(self) -> None:
        await self.store.close()


class Naive(Callers):
    """aiosqlite as its examples use it: every statement commits itself."""

    def __init__(self, connection: aiosqlite.Connection, name: str = "aiosqlite: a commit for each statement") -> None:
        super().__init__(name)
        self.connection = connection

    async def write(self, statements: tuple[Statement, ...]) -> None:
        for statement in statements:
            await self.connection.execute(statement.sql, statement.parameters)

    async def close(self) -> None:
        await self.connection.close()


class OneTransactionEach(Naive):
    """aiosqlite with a transaction for each message, so one caller at a time."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        super().__init__(connection, "aiosqlite: a transaction for each message")
        self.lock = asyncio.Lock()

    async def write(self, statements: tuple[Statement, ...]) -> None:
        async with self.lock:
            await self.connection.execute("BEGIN IMMEDIATE")
            await super().write(statements)
            await self.connection.execute("COMMIT")


class TightLoop:
    """The same statements without asyncio, threads or isolation: one transaction for as many messages as callers."""

    def __init__(self, connection: engine.RawConnection) -> None:
        self.name = "tight synchronous loop"
        self.connection = connection
        self.numbers = itertools.count()

    async def run(self, callers: int, seconds: float, samples: Samples) -> None:
        started = perf_counter()
        done = 0
        while (begun := perf_counter()) < started + seconds:
            self.connection.execute("BEGIN IMMEDIATE")
            for _ in range(callers):
                for statement in message(next(self.numbers)):
                    self.connection.execute(statement.sql, statement.parameters)
            self.connection.execute("COMMIT")
            done += callers
            samples.latencies_us.append((perf_counter() - begun) * 1e6)
        samples.rates.append(done / (perf_counter() - started))

    async def close(self) -> None:
        self.connection.close()


async def _plain(path: Path) -> aiosqlite.Connection:
    return await aiosqlite.Connection(partial(engine.connect_writer, path, bench_settings()), iter_chunk_size=64)


async def _open_all(folder: Path) -> list[Alternative]:
    paths = [folder / f"writes-{n}.db" for n in range(4)]
    stores = [await open_filled(path, 66) for path in paths]
    for store in stores[1:]:
        await store.close()
    return [
        Ours(stores[0]),
        Naive(await _plain(paths[1])),
        OneTransactionEach(await _plain(paths[2])),
        TightLoop(engine.connect_writer(paths[3], bench_settings())),
    ]


def _truncate_wals(folder: Path) -> None:
    """What Litestream does in production, between the repetitions."""
    for path in folder.glob("writes-*.db"):
        with closing(engine.connect(path, "rw", 10)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


async def measure_writes(folder: Path, rounds: int, seconds: float) -> list[Section]:
    """One section for a single caller, one for 64."""
    alternatives = await _open_all(folder)
    sections = []
    for callers in (1, BATCH):
        samples = [Samples(alternative.name) for alternative in alternatives]
        for _ in range(rounds):
            for alternative, sample in zip(alternatives, samples, strict=True):
                await alternative.run(callers, seconds, sample)
            _truncate_wals(folder)
        sections.append(_section(callers, samples))
    for alternative in alternatives:
        await alternative.close()
    return sections


def _section(callers: int, samples: list[Samples]) -> Section:
    ours, naive, each, loop = samples
    is_many = callers > 1
    goals = [
        Goal("store / a commit for each statement", ratio(ours, naive), least=20 if is_many else None),
        Goal("store / a transaction for each message", ratio(ours, each)),
        Goal("store / tight loop", ratio(ours, loop), least=0.6 if is_many else 0.5),
    ]
    return Section(f"Message writes, {callers} caller{'s' if is_many else ''}, synchronous=FULL", samples, goals)
