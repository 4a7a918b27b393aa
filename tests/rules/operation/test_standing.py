"""What an operator reads of the database and its JSON files: what is so, whether that is well, what to do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.rules.operation.standing import Folder, Imported, Kept, Mismatched, Standing
from bot.rules.operation.standing_text import Level, Line, describe

NOW = datetime(2026, 11, 28, 3, 0, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=2)
FOLDER = Folder("l", "dual", 4711, "gen2", is_final=True, written_at=NOW - timedelta(seconds=1))
IN_STEP = Standing(mode="dual", path="/app/data", served="dual", lineage="l", counter=4711, folder=FOLDER)
MISMATCH = Mismatched("personalities", 3, "lilith", EARLIER, NOW)


def lines(**changes: Any) -> dict[str, Line]:
    return {line.name: line for line in describe(replace(IN_STEP, **changes), NOW)}


def test_files_in_step_are_well_and_nothing_else_is_said() -> None:
    told = lines()
    assert list(told) == ["Storage", "JSON files"]
    assert told["Storage"] == Line("Storage", Level.PLAIN, "dual: the database, and the JSON files follow it")
    assert told["JSON files"].level is Level.OK
    assert told["JSON files"].text == "in step: gen2 in /app/data, up to change 4,711, written 1 s ago"
    assert IN_STEP.is_current


FILES: list[tuple[dict[str, Any], Level, str]] = [
    ({"counter": 4712}, Level.WARN, "1 change behind"),
    ({"counter": 4721}, Level.WARN, "10 changes behind"),
    (
        {"counter": 4721, "error": "The disk is full.", "failed_at": EARLIER},
        Level.FAIL,
        "BEHIND since 2026-11-28 01:00:00 UTC by at least 10 changes: The disk is full. Nothing is lost",
    ),
    ({"changed": ("a.json",)}, Level.FAIL, "ANOTHER PROGRAM HAS CHANGED a.json in /app/data. `tzurot verify"),
    ({"changed": tuple("abcde")}, Level.FAIL, "CHANGED a, b, c and 2 other files in"),
    ({"lineage": "other"}, Level.FAIL, "belong to another database"),
    ({"folder": None}, Level.WARN, "none in /app/data were written here yet"),
    ({"folder": None, "mode": "json"}, Level.PLAIN, "as the original left them; the next start goes on with them"),
    ({"folder": None, "folder_problem": "The mode file is torn. Put it back."}, Level.FAIL, "torn. Put it back."),
    ({"mode": "json", "served": "json"}, Level.OK, "gen2 in /app/data, up to change 4,711"),
    ({"mode": "json", "served": None, "lineage": None, "counter": 0}, Level.OK, "gen2 in /app/data"),
]


def test_no_start_goes_on_with_files_that_it_would_refuse() -> None:
    assert "goes on" not in lines(folder=None, mode="json", refusal="The database is newer.")["JSON files"].text


@pytest.mark.parametrize(("changes", "level", "text"), FILES)
def test_how_the_files_are(changes: dict[str, Any], level: Level, text: str) -> None:
    told = lines(**changes)["JSON files"]
    assert told.level is level
    assert text in told.text


@pytest.mark.parametrize(
    ("mode", "served", "level", "text"),
    [
        ("database", "json", Level.FAIL, "`tzurot import /app/data`"),
        ("database", "dual", Level.WARN, "dual served last"),
        ("shadow", None, Level.PLAIN, "what is read is compared"),
    ],
)
def test_another_mode_served_last(mode: str, served: str | None, level: Level, text: str) -> None:
    told = lines(mode=mode, served=served)["Storage"]
    assert told.level is level
    assert text in told.text


def test_a_start_that_would_refuse_is_the_first_thing_to_know() -> None:
    told = lines(refusal="It is older. Do this.")["Next start"]
    assert told == Line("Next start", Level.FAIL, "IT WOULD REFUSE. It is older. Do this.")


def test_reads_that_were_answered_alike() -> None:
    assert lines(mode="shadow")["Compared"].level is Level.WARN
    told = lines(mode="shadow", compared=12_345, compared_at=NOW - timedelta(seconds=3))["Compared"]
    assert told == Line("Compared", Level.OK, "12,345 reads, the last 3 s ago; the files answered all of them alike")


def test_reads_that_were_answered_differently_in_whatever_mode_it_is_now() -> None:
    found = [replace(MISMATCH, table=f"table{n}", reads=1) for n in range(5)]
    told = lines(mismatches=[MISMATCH, *found])["Compared"]
    assert told.level is Level.FAIL
    assert "personalities in 3 reads, first 'lilith' at 2026-11-28 01:00:00 UTC" in told.text
    assert "table1 in 1 read, " in told.text
    assert "table2" not in told.text
    assert "and 3 other tables" in told.text
    assert "`tzurot verify /app/data`" in told.text


@pytest.mark.parametrize(
    ("kept", "level", "text"),
    [
        (Kept(27, has_drill=False), Level.PLAIN, "27 days more"),
        (Kept(1, has_drill=True), Level.PLAIN, "1 day more"),
        (Kept(0, has_drill=False), Level.WARN, "no restore on trial of the bot's own"),
        (Kept(0, has_drill=True), Level.PLAIN, "`tzurot retire` moves them away"),
    ],
)
def test_files_that_are_kept_for_the_way_back(kept: Kept, level: Level, text: str) -> None:
    told = lines(mode="database", served="database", kept=kept)["JSON files"]
    assert told.level is level
    assert text in told.text


def test_the_last_import_says_whether_both_sides_held_the_same() -> None:
    imported = Imported(EARLIER, "/old", 4_000, 2, 0)
    told = lines(imported=imported)["Last import"]
    assert (told.level, told.text) == (
        Level.OK,
        "2026-11-28 01:00:00 UTC from /old, 4,000 records, 2 of them rejected, and afterwards both sides held the same",
    )
    told = lines(imported=replace(imported, differences=1))["Last import"]
    assert told.level is Level.FAIL
    assert "1 record DIFFERED afterwards. `tzurot verify /old`" in told.text
