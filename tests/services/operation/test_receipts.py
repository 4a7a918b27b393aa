"""Receipts through a real store: what a life leaves behind, and what the next one makes of it."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import StorageError
from bot.model import Recovered, ReplicationState
from bot.rules.operation.receipt import Ending, Origin, Receipt, Start
from bot.rules.undo import Kind
from bot.services.operation.receipts import Receipts
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.results import Wish
from bot.services.policy import Policy
from bot.services.undo import OperatorUndo, Wanted
from bot.store import canary, lives
from bot.store.driver import SQLiteStore
from bot.store.statement import Query, Statement
from tests.services.conftest import MODERATOR, Clock, rows

INTERVAL = timedelta(minutes=10)


@dataclass
class FakeOwner:
    """Hears what it is told, unless it is away."""

    heard: list[str] = field(default_factory=list)
    is_away: bool = False

    async def tell(self, text: str) -> bool:
        if not self.is_away:
            self.heard.append(text)
        return not self.is_away


@dataclass
class Lives:
    """Lives of one bot, one after the other on one clock."""

    store: Any
    clock: Clock
    owner: FakeOwner = field(default_factory=FakeOwner)

    def next(self, origin: Origin | None = None, **changes: Any) -> Receipts:
        return Receipts(
            store=changes.pop("store", self.store),
            origin=origin or Origin(epoch=1),
            come_online=changes.pop("come_online", _at_once),
            owner=self.owner,
            interval=INTERVAL,
            count_limit_seconds=changes.pop("count_limit_seconds", 2),
            clock=self.clock,
        )

    async def receipt(self) -> Receipt:
        receipt = await self.store.first(lives.newest())
        assert isinstance(receipt, Receipt)
        return receipt


async def _at_once() -> None:
    pass


@pytest.fixture
def bot(store: SQLiteStore, clock: Clock) -> Lives:
    return Lives(store, clock)


async def ban(store: SQLiteStore, *user_ids: int) -> None:
    for user_id in user_ids:
        await store.write(
            Statement(
                "INSERT INTO blacklist (user_id, blacklisted_at) VALUES (:user_id, '2026-11-23')", {"user_id": user_id}
            )
        )


async def test_a_stop_and_a_start_make_a_receipt(bot: Lives, store: SQLiteStore) -> None:
    first = bot.next()
    await first.begin()
    await ban(store, 1, 2)
    await first.hand_over()
    bot.clock.advance(seconds=8)
    second = bot.next()
    await second.begin()
    bot.clock.advance(seconds=1)
    await second.complete(Recovered(answered=2, skipped={"TooOld": 1}))
    receipt = await bot.receipt()
    assert (receipt.start, receipt.ended_how, receipt.lost) == (Start.CONTINUE, Ending.HANDOVER, {})
    assert receipt.down == timedelta(seconds=9)
    assert receipt.recovered == Recovered(answered=2, skipped={"TooOld": 1})
    assert bot.owner.heard == [
        "Back after 9 s (planned stop). 2 rows before, 2 after, 0 lost. 3 messages missed: 2 answered, 1 too old."
    ]


async def test_rows_that_vanished_in_between_are_lost(
    bot: Lives, store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    first = bot.next()
    await first.begin()
    await ban(store, 1, 2, 3)
    await first.hand_over()
    await store.write(Statement("DELETE FROM blacklist WHERE user_id < 3"))
    await bot.next().begin()
    assert (await bot.receipt()).lost == {"blacklist": 2}
    assert (await rows(store, "SELECT lost FROM lives ORDER BY id DESC LIMIT 1")) == [{"lost": 2}]
    assert "ROWS ARE MISSING" in caplog.text


async def test_what_the_operator_takes_back_while_the_bot_is_stopped_is_not_lost(
    bot: Lives, store: SQLiteStore, policy: Policy
) -> None:
    people = Personalities(store=store, policy=policy, profiles=None, clock=bot.clock)
    await people.add(MODERATOR, Wish(full_name="lilith", alias="lil"))
    await people.alias(MODERATOR, "lilith", "queen")
    first = bot.next()
    await first.begin()
    await first.hand_over()
    bot.clock.advance(seconds=60)
    operator = OperatorUndo(store=store, policy=policy, clock=bot.clock)
    wanted = Wanted(Kind.ALIAS, "queen")
    await operator.undo(wanted, await operator.preview(wanted))
    await bot.next().begin()
    assert (await bot.receipt()).lost == {}


async def test_without_a_handover_the_canary_tells_when_it_was_last_alive(bot: Lives, store: SQLiteStore) -> None:
    await bot.next().begin()
    bot.clock.advance(seconds=40)
    await store.write(canary.put("nonce", bot.clock.now, ReplicationState(is_configured=True)))
    bot.clock.advance(seconds=12)
    second = bot.next()
    await second.begin()
    await second.watch_return()
    receipt = await bot.receipt()
    assert (receipt.ended_how, receipt.down) == (Ending.CRASH, timedelta(seconds=12))


async def test_a_restored_database_is_told_by_its_epoch_at_each_try_to_start(bot: Lives) -> None:
    await bot.next().begin()
    restored = Origin(epoch=2, is_restored=True)
    await bot.next(restored).begin()
    assert (await bot.receipt()).start is Start.RESTORE
    await bot.next(restored).begin()
    assert (await bot.receipt()).start is Start.CONTINUE


async def test_only_the_first_connection_counts_as_the_return(bot: Lives) -> None:
    await bot.next().begin()
    second = bot.next()
    await second.begin()
    bot.clock.advance(seconds=3)
    await second.watch_return()
    bot.clock.advance(seconds=60)
    await second.complete(Recovered())
    assert (await bot.receipt()).down == timedelta(seconds=3)


async def test_a_crash_loop_is_told_once_and_an_owner_who_was_away_is_told_next_time(bot: Lives) -> None:
    await bot.next().begin()
    bot.owner.is_away = True
    for is_away in (True, False, False, False):
        bot.owner.is_away = is_away
        bot.clock.advance(seconds=5)
        life = bot.next()
        await life.begin()
        await life.complete(Recovered())
    assert len(bot.owner.heard) == 1


async def test_a_count_that_takes_too_long_holds_neither_start_nor_stop_up(bot: Lives, store: SQLiteStore) -> None:
    slow = SlowCounts(store)
    life = bot.next(store=slow, count_limit_seconds=0.01)
    async with asyncio.timeout(1):
        await life.begin()
        await life.hand_over()
    receipt = await bot.receipt()
    assert receipt.rows_after is None
    second = bot.next()
    await second.begin()
    assert (await bot.receipt()).ended_how is Ending.HANDOVER


@dataclass
class SlowCounts:
    """A store in which counting never ends."""

    inner: SQLiteStore

    async def fetch(self, query: Query[Any]) -> list[Any]:
        await asyncio.Event().wait()
        return await self.inner.fetch(query)

    async def first(self, query: Query[Any]) -> Any:
        return await self.inner.first(query)

    async def write(self, *statements: Statement) -> Any:
        return await self.inner.write(*statements)


async def test_a_disk_that_takes_no_handover_does_not_break_the_stop(
    bot: Lives, store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    class FullDisk(SlowCounts):
        async def write(self, *statements: Statement) -> Any:
            if "stopped_at" in statements[0].sql:
                raise StorageError("The disk is full.")
            return await super().write(*statements)

    life = bot.next(store=FullDisk(store), count_limit_seconds=0.01)
    await life.begin()
    await life.hand_over()
    assert "This stop could not be noted: The disk is full." in caplog.text


async def test_a_disk_that_takes_nothing_does_not_keep_the_bot_from_starting(
    bot: Lives, store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    class ReadOnly(SlowCounts):
        async def write(self, *statements: Statement) -> Any:
            del statements
            raise StorageError("The disk is full.")

    life = bot.next(store=ReadOnly(store), count_limit_seconds=0.01)
    await life.begin()
    await life.watch_return()
    await life.complete(Recovered())
    await life.hand_over()
    assert "This start could not be noted: The disk is full." in caplog.text
    assert bot.owner.heard == []


async def test_the_newest_hundred_lives_are_kept(bot: Lives, store: SQLiteStore) -> None:
    for _ in range(103):
        await bot.next().begin()
    assert await rows(store, "SELECT count(*) AS n, max(id) AS newest FROM lives") == [{"n": 100, "newest": 103}]
