"""Up to which message everything was seen, in memory and in the store."""

import asyncio

import pytest

from bot.errors import StorageError
from bot.model import snowflake_of, snowflake_time
from bot.services.dialogue.watermark import Watermark
from bot.services.operation.upkeep import Upkeep
from bot.services.policy import Policy
from bot.store import marks, turns
from bot.store.driver import SQLiteStore
from bot.store.statement import Outcome, Statement
from tests.services.conftest import Clock, rows


@pytest.fixture
def watermark(store: SQLiteStore, clock: Clock) -> Watermark:
    return Watermark(store=store, interval_seconds=0.01, clock=clock)


def decide(watermark: Watermark, message_id: int) -> None:
    with watermark.deciding(message_id):
        pass


async def test_it_begins_with_nothing_and_goes_on_where_it_stopped(watermark: Watermark, store: SQLiteStore) -> None:
    await watermark.load()
    assert watermark.message_id is None
    decide(watermark, 7)
    await watermark.write()
    again = Watermark(store=store, interval_seconds=1)
    await again.load()
    assert again.message_id == 7


async def test_it_stays_before_the_first_message_that_is_undecided(watermark: Watermark) -> None:
    with watermark.deciding(5):
        decide(watermark, 6)
        assert watermark.message_id == 4
    assert watermark.message_id == 6


async def test_an_older_message_does_not_take_it_back(watermark: Watermark) -> None:
    decide(watermark, 6)
    decide(watermark, 5)
    assert watermark.message_id == 6


async def test_a_command_takes_it_along_and_not_past_what_is_undecided(watermark: Watermark) -> None:
    watermark.pass_over(5)
    assert watermark.message_id == 5
    with watermark.deciding(7):
        watermark.pass_over(8)
        assert watermark.message_id == 6
    assert watermark.message_id == 8


async def test_a_refused_message_is_decided_and_a_cancelled_one_never(watermark: Watermark) -> None:
    with pytest.raises(StorageError), watermark.deciding(5):
        raise StorageError("Refused.")
    assert watermark.message_id == 5
    with pytest.raises(asyncio.CancelledError), watermark.deciding(8):
        raise asyncio.CancelledError
    decide(watermark, 9)
    assert watermark.message_id == 7


async def test_only_a_first_beginning_is_taken(watermark: Watermark) -> None:
    watermark.begin_at(3)
    watermark.begin_at(9)
    assert watermark.message_id == 3


async def test_it_is_written_only_when_it_has_moved(
    watermark: Watermark, store: SQLiteStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Statement] = []
    real = store.write

    async def write(*statements: Statement) -> list[Outcome]:
        written.extend(statements)
        return await real(*statements)

    monkeypatch.setattr(store, "write", write)
    await watermark.write()
    for _ in range(3):
        decide(watermark, 7)
        await watermark.write()
    assert written == [marks.put(7, clock())]


async def test_what_the_database_refuses_is_written_the_next_time(
    watermark: Watermark, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Statement) -> list[Outcome]:
        raise StorageError("The disk is full.")

    decide(watermark, 7)
    with monkeypatch.context() as patch:
        patch.setattr(store, "write", refuse)
        await watermark.write()
    running = asyncio.create_task(watermark.run())
    async with asyncio.timeout(5):
        while await store.first(marks.get()) != 7:  # noqa: ASYNC110 - a row has no event
            await asyncio.sleep(0.01)
    running.cancel()


def test_a_moment_has_its_least_snowflake(clock: Clock) -> None:
    assert snowflake_time(snowflake_of(clock())) == clock()
    assert snowflake_time(snowflake_of(clock()) - 1) < clock()


async def test_ended_turns_are_forgotten_with_their_messages_and_unfinished_ones_never(
    store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    old, new = snowflake_of(clock()), snowflake_of(clock()) + 1000
    await store.write(
        Statement(
            "INSERT INTO personalities (full_name, name_lower, display_name, added_at) VALUES ('l', 'l', 'L', 'x')"
        )
    )
    states = ["done", "failed", "pending", "answered"]
    for number, state in enumerate(states):
        await store.write(_turn(old + number, state), turns.add_chunk(old + number, 0, number))
    await store.write(*(_turn(old + 10 + number, "done") for number in range(450)))
    clock.advance(days=29)
    upkeep = Upkeep(store=store, policy=policy, interval_seconds=1, clock=clock)
    assert await upkeep.forget_old_turns() == 0
    new = snowflake_of(clock())
    await store.write(_turn(new, "done"))
    clock.advance(days=1, seconds=1)
    assert await upkeep.forget_old_turns() == 452
    kept = await rows(store, "SELECT message_id, state FROM turns ORDER BY message_id")
    assert [row["state"] for row in kept] == ["pending", "answered", "done"]
    assert [row["message_id"] for row in await rows(store, "SELECT message_id FROM turn_chunks")] == [2, 3]


def _turn(message_id: int, state: str) -> Statement:
    return Statement(
        "INSERT INTO turns (message_id, channel_id, user_id, personality_id, cause, state, created_at, updated_at)"
        " VALUES (:id, 1, 1, 1, 'mention', :state, 'x', 'x')",
        {"id": message_id, "state": state},
    )


async def test_a_first_life_that_dies_before_it_has_heard_anything_has_noted_when_it_began(
    watermark: Watermark, store: SQLiteStore, clock: Clock
) -> None:
    await watermark.load()
    assert await store.first(marks.get()) == snowflake_of(clock())
