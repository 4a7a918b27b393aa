"""When a copy counts as the same as the live database, and how a drill is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.rules.operation.drill import Bracket, Drill, Outcome, Scope, describe, differing

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DRILL = Drill(
    outcome=Outcome.VERIFIED,
    scope=Scope.LIVE,
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2.14),
    row_count=1315,
)


@pytest.mark.parametrize(
    ("before", "after", "restored", "strays"),
    [
        ({"a": 3}, {"a": 3}, {"a": 3}, []),
        ({"a": 3}, {"a": 3}, {"a": 2}, ["a"]),
        ({"a": 3}, {"a": 3}, {"a": 4}, ["a"]),
        ({"a": 3}, {"a": 5}, {"a": 4}, []),
        ({"a": 5}, {"a": 3}, {"a": 4}, []),
        ({"a": 3}, {"a": 5}, {"a": 6}, ["a"]),
        ({"a": 3, "b": 1}, {"a": 3, "b": 1}, {"a": 3}, ["b"]),
        ({"a": 3, "b": 0}, {"a": 3, "b": 0}, {"a": 3}, []),
        ({"a": 3}, {"a": 3}, {"a": 3, "c": 1}, ["c"]),
    ],
)
def test_a_copy_has_as_many_rows_as_the_live_database_had_around_it(
    before: dict[str, int], after: dict[str, int], restored: dict[str, int], strays: list[str]
) -> None:
    assert Bracket(before, after, is_quiet=True).strays(restored) == strays


def test_two_restores_differ_in_a_table_that_one_of_them_lacks() -> None:
    assert differing({"a": "1", "b": "2"}, {"a": "1", "c": "2"}) == ["b", "c"]
    assert differing({"a": "1"}, {"a": "1"}) == []


@pytest.mark.parametrize(
    ("drill", "text"),
    [
        (DRILL, "Restored 1,315 rows on trial in 2.1 s; the copy matches the live database."),
        (
            replace(DRILL, scope=Scope.COPY),
            "Restored 1,315 rows on trial in 2.1 s; the copy is sound; no bot runs here to compare with.",
        ),
        (replace(DRILL, outcome=Outcome.FAILED, reason="It broke."), "The restore on trial FAILED: It broke."),
        (
            replace(DRILL, outcome=Outcome.INCONCLUSIVE, reason="It is away."),
            "The restore on trial could not be finished: It is away.",
        ),
    ],
)
def test_a_drill_is_told_in_one_sentence(drill: Drill, text: str) -> None:
    assert describe(drill) == text
