"""Drills while the bot runs: when, and who hears of them."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.errors import StorageError, TzurotError, UnavailableError
from bot.rules.operation.drill import Drill, Outcome, Scope
from bot.services.operation.drills import Drills
from bot.store import drills
from bot.store.driver import SQLiteStore
from bot.store.statement import Statement
from tests.services.conftest import rows
from tests.services.operation.test_receipts import FakeOwner

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
VERIFIED = Drill(outcome=Outcome.VERIFIED, scope=Scope.LIVE, started_at=NOON, finished_at=NOON, row_count=3)
FAILED = replace(VERIFIED, outcome=Outcome.FAILED, reason="A file is damaged.")
OPEN = replace(VERIFIED, outcome=Outcome.INCONCLUSIVE, reason="The bucket is away.")


async def run(results: Sequence[Drill | TzurotError], owner: FakeOwner, store: Any) -> list[float]:
    """Hold one drill for each result; the pauses that were made."""
    left, pauses = list(results), []

    async def hold() -> Drill:
        result = left.pop(0)
        if isinstance(result, TzurotError):
            raise result
        return result

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if not left:
            raise asyncio.CancelledError

    job = Drills(store=store, hold=hold, owner=owner, delay_seconds=5, interval_seconds=60, pause=pause)
    with pytest.raises(asyncio.CancelledError):
        await job.run()
    return pauses


async def test_the_first_comes_after_the_delay_and_the_others_at_the_interval_whatever_happens(
    store: SQLiteStore,
) -> None:
    assert await run([VERIFIED, OPEN, UnavailableError("It hung."), FAILED], FakeOwner(), store) == [5, 60, 60, 60, 60]


async def test_only_a_failed_one_is_told_to_the_owner_and_is_an_error(
    store: SQLiteStore, caplog: pytest.LogCaptureFixture
) -> None:
    owner = FakeOwner()
    with caplog.at_level(logging.INFO):
        await run([VERIFIED, OPEN, UnavailableError("It hung."), FAILED], owner, store)
    (told,) = owner.heard
    assert told == (
        "⚠️ The restore on trial FAILED: A file is damaged."
        " Until it succeeds, the volume may be the only whole copy; the README says how to begin a new one."
    )
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "WARNING", "ERROR"]
    latest = await store.first(drills.latest())
    assert latest is not None
    assert (latest.outcome, latest.reason, latest.verified_at) == (Outcome.FAILED, "A file is damaged.", NOON)


async def test_the_newest_hundred_and_the_last_that_succeeded_are_kept(store: SQLiteStore) -> None:
    await run([OPEN, VERIFIED, *[OPEN] * 101], FakeOwner(), store)
    outcomes = [row["outcome"] for row in await rows(store, "SELECT outcome FROM drills ORDER BY id")]
    assert len(outcomes) == 101
    assert outcomes[:2] == ["verified", "inconclusive"]


async def test_a_result_that_can_not_be_noted_is_told_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    class FullDisk:
        async def write(self, *statements: Statement) -> None:
            del statements
            raise StorageError("The disk is full.")

    owner = FakeOwner()
    await run([FAILED], owner, FullDisk())
    assert len(owner.heard) == 1
    assert "could not be noted: The disk is full." in caplog.text
