"""The JSON files of before the switch stay as long as anything could still need them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.rules.operation.retirement import RetirementFacts, decide

SWITCHED = datetime(2026, 3, 1, 12, tzinfo=UTC)
MONTH = timedelta(days=30)
ALL_WELL = RetirementFacts(SWITCHED, SWITCHED + timedelta(hours=6), MONTH)


def test_they_may_go_when_their_day_has_come_and_a_drill_has_passed() -> None:
    assert decide(ALL_WELL, SWITCHED + MONTH).is_allowed
    assert not decide(ALL_WELL, SWITCHED + MONTH - timedelta(seconds=1)).is_allowed


@pytest.mark.parametrize(("passed", "left"), [(timedelta(0), 30), (timedelta(hours=1), 30), (timedelta(days=29), 1)])
def test_a_day_that_has_begun_still_counts(passed: timedelta, left: int) -> None:
    found = decide(ALL_WELL, SWITCHED + passed)
    assert found.days_left == left
    assert found.due_at == SWITCHED + MONTH
    assert "2026-03-31 12:00 UTC" in found.missing[0]


@pytest.mark.parametrize("verified_at", [None, SWITCHED - timedelta(days=1), SWITCHED])
def test_a_drill_of_before_the_switch_proves_nothing(verified_at: datetime | None) -> None:
    found = decide(replace(ALL_WELL, verified_at=verified_at), SWITCHED + 2 * MONTH)
    assert found.missing == ("No restore drill of the bot has passed since the switch at 2026-03-01 12:00 UTC.",)


def test_files_that_are_not_what_they_were_stay() -> None:
    found = decide(replace(ALL_WELL, folder_fault="They were changed."), SWITCHED + 2 * MONTH)
    assert found.missing == ("They were changed.",)


def test_everything_that_is_missing_is_named_at_once() -> None:
    facts = replace(ALL_WELL, verified_at=None, folder_fault="They were changed.", has_files=False)
    assert len(decide(facts, SWITCHED).missing) == 4


def test_without_a_switch_there_is_nothing_to_count_down() -> None:
    found = decide(replace(ALL_WELL, switched_at=None), SWITCHED + 2 * MONTH)
    assert not found.is_allowed
    assert found.due_at is None
