"""What JSON files that follow the database cost a message's writes, and what they do to the event loop."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from time import perf_counter

from pydantic import SecretStr

from bot.model import EVERY_PERSONALITY, Cause, Conversation, Mapping, Turn, TurnState, snowflake_of, utc_now
from bot.store import conversations, logins, messages, turns
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, connect, opened
from bot.store.files.modes.backend import Backend, open_backend
from bot.store.statement import Statement

from .filling import ENCRYPTION_KEY, FIRST_ID, USERS, bench_settings, name_of, open_filled
from .measure import Goal, Samples, Section, ratio

KEPT = 20_000
APART = timedelta(minutes=2)
STEADY_A_SECOND = 200
PROBE_SECONDS = 0.001
FLOOR = 0.9
SENT = 1 << 21
"""How far the id of an answer is from its question's: half a second."""

Steps = tuple[tuple[Statement, ...], ...]


def steps(number: int, message_id: int) -> Steps:
    """A message's three transactions: pending, answered, and said."""
    now = utc_now()
    user = FIRST_ID + number % USERS
    turn = Turn(message_id, user, user, 1, Cause.ACTIVATION, TurnState.PENDING, now, now)
    spoken = message_id + SENT
    return (
        (turns.add(turn),),
        (turns.answer(message_id, "An answer. " * 20, 1, now),),
        (
            turns.add_chunk(message_id, 0, spoken),
            messages.put(Mapping(spoken, user, user, 1)),
            turns.finish(message_id, now),
            conversations.go_on(Conversation(user, user, name_of(0), now, now, 1), 1),
            logins.touch(user, EVERY_PERSONALITY, now),
        ),
    )


class Followed:
    """A backend in one mode with 20,000 turns behind it, its files written in the background."""

    def __init__(self, name: str, backend: Backend, path: Path) -> None:
        self.calls, self.steady, self.late = Samples(name), Samples(name), Samples(name)
        self.backend = backend
        self.path = path
        self.ids = enumerate(itertools.count(snowflake_of(utc_now()), 4096))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Rounds go on while the block runs; what it wrote is gone afterwards, from the files too."""
        behind = self.backend.behind
        rounds = asyncio.create_task(behind.run()) if behind else None
        yield
        if behind and rounds:
            rounds.cancel()
            await asyncio.wait([rounds])
        await self.backend.store.transact(_forget)
        if behind:
            await behind.catch_up()
        with opened(connect(self.path, "rw", 10)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    async def message(self) -> float:
        """The microseconds that one message's writes take."""
        started = perf_counter()
        for batch in steps(*next(self.ids)):
            await self.backend.store.write(*batch)
        return (perf_counter() - started) * 1e6

    async def call(self, seconds: float) -> None:
        """One caller, as fast as it can."""
        started, done = perf_counter(), 0
        while not done or perf_counter() < started + seconds:
            self.calls.latencies_us.append(await self.message())
            done += 1
        self.calls.rates.append(done / (perf_counter() - started))

    async def go_steady(self, seconds: float) -> None:
        """So many messages a second, however long each takes; meanwhile a probe notes how late the loop is.

        The rate that counts is that of the median message: the mean is what few of them wait for a busy disk.
        """
        probe = asyncio.create_task(_probe(self.late))
        loop, count = asyncio.get_running_loop(), int(seconds * STEADY_A_SECOND)
        begun = loop.time()
        tasks = []
        for number in range(count):
            await asyncio.sleep(begun + number / STEADY_A_SECOND - loop.time())
            tasks.append(asyncio.create_task(self.message()))
        latencies = await asyncio.gather(*tasks)
        probe.cancel()
        await asyncio.wait([probe])
        self.steady.latencies_us.extend(latencies)
        self.steady.rates.append(1e6 / median(latencies))
        self.late.rates.append(len(self.late.latencies_us) / seconds)


async def _probe(late: Samples) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PROBE_SECONDS
        await asyncio.sleep(PROBE_SECONDS)
        late.latencies_us.append((loop.time() - due) * 1e6)


async def _open(folder: Path, mode: str) -> Followed:
    path = folder / f"{mode}.db"
    store = await open_filled(path, USERS)
    await store.transact(_speak)
    await store.close()
    return Followed(mode, await _serve(path, mode), path)


async def _serve(path: Path, mode: str) -> Backend:
    settings = bench_settings().model_copy(
        update={"database_path": path, "storage_mode": mode, "json_dir": path.with_suffix(".files")}
    )
    return await open_backend(settings, Cipher([SecretStr(ENCRYPTION_KEY)]))


def _speak(connection: RawConnection) -> None:
    """So many messages were answered, one every two minutes."""
    begun = utc_now() - APART * (KEPT + 1)
    for number in range(KEPT):
        for batch in steps(number, snowflake_of(begun + APART * number)):
            for statement in batch:
                connection.execute(statement.sql, statement.parameters)


def _forget(connection: RawConnection) -> None:
    """Leave as many as there were, or one repetition would have more to write than the one before."""
    for table in ("turns", "message_mappings"):
        connection.execute(f"DELETE FROM {table} WHERE message_id > ?", (snowflake_of(utc_now() - APART),))  # noqa: S608


async def measure_dual(folder: Path, rounds: int, seconds: float) -> list[Section]:
    """The database alone and with its files in turns, then what an acknowledged write costs without a database."""
    ways = [await _open(folder, mode) for mode in ("database", "dual")]
    for _ in range(rounds):
        for way in ways:
            async with way.following():
                await way.call(seconds)
            async with way.following():
                await way.go_steady(seconds)
    for way in ways:
        await way.backend.close()
    alone, dual = ways
    kept = f"{KEPT:,} messages before"
    return [
        _section(f"A message's three transactions, 1 caller, {kept}", alone.calls, dual.calls),
        _section(f"The same, {STEADY_A_SECOND} messages a second", alone.steady, dual.steady),
        Section("How late the event loop is meanwhile", [_with_worst(way.late) for way in ways], []),
        await _measure_json(dual.path, rounds),
    ]


async def _measure_json(path: Path, rounds: int) -> Section:
    """The same folder in json mode: a transaction is acknowledged when its files are renamed and synced."""
    backend = await _serve(path, "json")
    served = Followed("json", backend, path)
    await served.message()  # the first one writes every file
    for _ in range(rounds):
        await served.call(0)
    await backend.close()
    return Section(f"The same in json mode, 1 caller, {KEPT:,} messages before", [served.calls], [])


def _section(title: str, alone: Samples, dual: Samples) -> Section:
    return Section(title, [alone, dual], [Goal("dual / database", ratio(dual, alone), least=FLOOR)])


def _with_worst(late: Samples) -> Samples:
    return replace(late, name=f"{late.name}, at worst {max(late.latencies_us) / 1000:.1f} ms")
