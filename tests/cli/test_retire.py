"""`tzurot retire` as an operator meets it: never before the day, never without a drill."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.sandbox.sample import write_sample_folder
from bot.store.columns import to_text
from bot.store.engine import connect, opened
from tests.cli.conftest import Run


def switch(database: Path, *, days_ago: int, with_drill: bool) -> None:
    then = datetime.now(UTC) - timedelta(days=days_ago)
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute("UPDATE storage SET mode = 'database', switched_at = ?", (to_text(then),))
        if with_drill:
            connection.execute(
                "INSERT INTO drills (started_at, finished_at, outcome, reason, steps)"
                " VALUES (:at, :at, 'verified', '', '{}')",
                {"at": to_text(then + timedelta(hours=1))},
            )


def test_before_its_day_it_refuses_and_says_when_that_is(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    switch(imported, days_ago=29, with_drill=True)
    ended = tzurot("retire", tmp_path / "old", "--json", "--database", imported)
    assert (ended.code, ended.json["exit_code"]) == (3, 3)
    assert "1 day from now" in ended.json["error"]
    assert (tmp_path / "old" / "personalities.json").exists()


def test_without_a_drill_it_refuses_at_any_time(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    switch(imported, days_ago=310, with_drill=False)
    ended = tzurot("retire", tmp_path / "old", "--database", imported)
    assert ended.code == 3
    assert "No restore drill of the bot has passed since the switch" in ended.err
    assert (tmp_path / "old" / "personalities.json").exists()


def test_it_refuses_while_the_files_are_still_in_use(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    switch(imported, days_ago=31, with_drill=True)
    ended = tzurot("retire", tmp_path / "old", "--database", imported, STORAGE_MODE="dual")
    assert ended.code == 3
    assert "does not serve alone" in ended.err


def test_when_all_is_well_it_moves_them_and_says_where(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    switch(imported, days_ago=31, with_drill=True)
    ended = tzurot("retire", tmp_path / "old", "--to", tmp_path / "away", "--json", "--database", imported)
    assert ended.code == 0
    assert ended.json["target"] == str(tmp_path / "away")
    assert set(ended.json["files"]) == {path.name for path in (tmp_path / "away").iterdir()}
    assert list((tmp_path / "old").iterdir()) == []
    assert imported.exists()


@pytest.mark.usefixtures("may_begin")
def test_beside_the_database_only_the_files_go(tzurot: Run, tmp_path: Path) -> None:
    database = tmp_path / "old" / "tzurot.db"
    write_sample_folder(tmp_path / "old")
    assert tzurot("import", tmp_path / "old", "--database", database).code == 0
    switch(database, days_ago=31, with_drill=True)
    ended = tzurot("retire", "--database", database)
    assert ended.code == 0
    assert "none was deleted" in ended.out
    assert not (tmp_path / "old" / "personalities.json").exists()
    assert tzurot("status", "--database", database).code == 0
    assert tzurot("retire", "--database", database).code == 3


def test_the_status_counts_the_days_down(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    switch(imported, days_ago=10, with_drill=True)
    ended = tzurot("status", "--database", imported, JSON_DIR=str(tmp_path / "old"))
    assert "20 days more" in ended.out
    assert (
        tzurot("status", "--json", "--database", imported, JSON_DIR=str(tmp_path / "old")).json["storage"]["days_left"]
        == 20
    )
