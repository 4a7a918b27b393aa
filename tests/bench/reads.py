"""A message's reads: alias, activation, token, verification, and for the store everything else it asks at once."""

import random
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from time import perf_counter

import aiosqlite

from bot.model import Heard, Place, utc_now
from bot.store import engine, situation
from bot.store.driver import SQLiteStore
from bot.store.statement import Query

from .filling import FIRST_ID, open_filled
from .measure import Goal, Samples, Section, ratio

PERSONALITIES = 10_000
READS = 300

ALIAS = """
SELECT p.* FROM personality_aliases AS a JOIN personalities AS p ON p.full_name = a.personality_name
WHERE a.alias = ?
"""
ACTIVATION = """
SELECT p.* FROM channel_activations AS a JOIN personalities AS p ON p.full_name = a.personality_name
WHERE a.channel_id = ?
"""
TOKEN = "SELECT token, expires_at FROM auth_tokens WHERE user_id = ?"
VERIFICATION = "SELECT is_verified FROM nsfw_verifications WHERE user_id = ?"

Read = Callable[[int], Awaitable[None]]


HEARD = [Heard(FIRST_ID, FIRST_ID + n, Place(FIRST_ID + n, 1), "") for n in range(PERSONALITIES)]


def _query(number: int) -> Query[situation.Situation]:
    return situation.find(HEARD[number], utc_now(), (f"alias {number}",))


async def _ours(store: SQLiteStore, number: int) -> None:
    [found] = await store.look_up(_query(number))
    assert found.activated is not None
    assert found.mentioned
    assert found.login_for("any") is not None


async def _combined(store: SQLiteStore, number: int) -> None:
    [found] = await store.fetch(_query(number))
    assert found.activated is not None
    assert found.mentioned


async def _by_cursors(connection: aiosqlite.Connection, number: int) -> None:
    snowflake = FIRST_ID + number
    for sql, key in (
        (ALIAS, f"alias {number}"),
        (ACTIVATION, snowflake),
        (TOKEN, snowflake),
        (VERIFICATION, snowflake),
    ):
        async with connection.execute(sql, (key,)) as cursor:
            assert await cursor.fetchone()


async def _repeat(read: Read, samples: Samples) -> None:
    numbers = [random.randrange(PERSONALITIES) for _ in range(READS)]  # noqa: S311 - not secret
    begun = perf_counter()
    for number in numbers:
        started = perf_counter()
        await read(number)
        samples.latencies_us.append((perf_counter() - started) * 1e6)
    samples.rates.append(READS / (perf_counter() - begun))


async def measure_reads(folder: Path, rounds: int) -> Section:
    """One message's reads at a time."""
    path = folder / "reads.db"
    store = await open_filled(path, PERSONALITIES)
    plain = await aiosqlite.Connection(partial(engine.connect_reader, path, 1), iter_chunk_size=64)
    ways: list[tuple[str, Read]] = [
        ("store: one query on the event loop", partial(_ours, store)),
        ("the same query through aiosqlite's thread", partial(_combined, store)),
        ("aiosqlite: four cursors", partial(_by_cursors, plain)),
    ]
    samples = [Samples(name) for name, _ in ways]
    for _ in range(rounds):
        for (_, read), sample in zip(ways, samples, strict=True):
            await _repeat(read, sample)
    await plain.close()
    await store.close()
    ours, combined, cursors = samples
    goals = [
        Goal("store / aiosqlite cursors", ratio(ours, cursors), least=30),
        Goal("store / combined through a thread", ratio(ours, combined)),
    ]
    return Section(f"Message reads, one at a time, {PERSONALITIES:,} personalities", samples, goals)
