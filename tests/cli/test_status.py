"""`tzurot status`: true, loud about missing copies, and harmless beside a running bot."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import schema
from bot.durability.lineage import Marker, write_marker
from bot.durability.lock import VolumeLock
from bot.durability.presence import LOCK_NAME
from bot.store import census
from bot.store.columns import to_text
from bot.store.engine import connect, opened
from tests.cli.conftest import Run, add_messages, files_under

REPLICA = {
    "REPLICA_BUCKET": "copies",
    "REPLICA_ENDPOINT": "https://bucket.example",
    "REPLICA_PREFIX": "tzurot/test",
    "LITESTREAM_ACCESS_KEY_ID": "invented-id",
    "LITESTREAM_SECRET_ACCESS_KEY": "invented-secret",
}


def confirm(database: Path, age: timedelta) -> None:
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute(
            "INSERT INTO canary VALUES (1, 'n', :now, 4711, :then, 31.4)",
            {"now": to_text(datetime.now(UTC)), "then": to_text(datetime.now(UTC) - age)},
        )


def mark(database: Path, *, is_pending: bool = False) -> None:
    write_marker(
        database,
        Marker(
            install_id="i",
            epoch=3,
            prefix="tzurot/test/e000003",
            claim="c",
            started_at=datetime.now(UTC),
            bucket="copies",
            is_pending=is_pending,
        ),
    )


def test_it_says_what_is_stored(tzurot: Run, database: Path) -> None:
    seen = tzurot("status", "--json", "--database", database).json
    assert seen["tables"]["message_mappings"] == 5
    assert seen["tables"]["personalities"] == 1
    assert seen["tables"]["turn_chunks"] == 0
    assert not [name for name in seen["tables"] if name.startswith("_")]
    assert seen["tables_counted_in_part"] == []
    newest = max(path.stem for path in Path(schema.__file__).parent.glob("[0-9]*.py"))
    assert seen["schema"] == {"current": newest, "pending": [], "unknown": []}
    assert seen["database"]["bytes"] == database.stat().st_size
    assert seen["engine"]["sqlite"].startswith("3.")


def test_no_bucket_is_loud(tzurot: Run, database: Path) -> None:
    assert "NO COPY" in tzurot("status", "--database", database).out
    assert tzurot("status", "--json", "--database", database).json["replication"]["state"] == "none"


def test_a_bucket_without_any_confirmed_write_is_loud(tzurot: Run, database: Path) -> None:
    assert "NOT CONFIRMED" in tzurot("status", "--database", database, **REPLICA).out
    seen = tzurot("status", "--json", "--database", database, **REPLICA).json["replication"]
    assert (seen["state"], seen["confirmed_txid"], seen["bucket"]) == ("unconfirmed", None, "copies")


@pytest.mark.parametrize(("age", "state"), [(5, "current"), (600, "late")])
def test_the_last_confirmed_write_beside_a_running_bot(tzurot: Run, database: Path, age: int, state: str) -> None:
    confirm(database, timedelta(seconds=age))
    mark(database)
    with VolumeLock.take(database.parent, 1):
        seen = tzurot("status", "--json", "--database", database, **REPLICA).json["replication"]
        told = tzurot("status", "--database", database, **REPLICA).out
    assert seen["state"] == state
    assert seen["prefix"] == "tzurot/test/e000003"
    assert (seen["epoch"], seen["confirmed_txid"], seen["lag_ms"]) == (3, 4711, 31.4)
    assert age <= seen["age_seconds"] < age + 30
    assert ("LATE" in told) == (state == "late")
    assert "copies/tzurot/test/e000003" in told


def test_a_late_copy_says_what_the_operator_wanted_of_the_bot(tzurot: Run, database: Path) -> None:
    confirm(database, timedelta(seconds=600))
    with VolumeLock.take(database.parent, 1):
        assert "accepts nothing" not in tzurot("status", "--database", database, **REPLICA).out
        told = tzurot("status", "--database", database, **REPLICA, OUTAGE_MODE="read-only").out
    assert "accepts nothing to save" in " ".join(told.split())


def test_a_new_epoch_that_nobody_would_be_restored_from_yet_is_loud(tzurot: Run, database: Path) -> None:
    confirm(database, timedelta(seconds=1))
    mark(database, is_pending=True)
    assert "NOT YET" in tzurot("status", "--database", database, **REPLICA).out


def test_an_idle_volume_is_no_late_copy(tzurot: Run, database: Path) -> None:
    confirm(database, timedelta(days=3))
    seen = tzurot("status", "--json", "--database", database, **REPLICA).json
    assert seen["replication"]["state"] == "stopped"
    assert seen["process"]["is_running"] is False


def test_it_names_who_holds_the_volume_and_leaves_the_signature_alone(tzurot: Run, database: Path) -> None:
    with VolumeLock.take(database.parent, 1):
        before = (database.parent / LOCK_NAME).read_bytes()
        process = tzurot("status", "--json", "--database", database).json["process"]
        assert (database.parent / LOCK_NAME).read_bytes() == before
    assert process["is_running"] is True
    assert process["pid"] == os.getpid()
    assert process["since"].endswith("Z")


def test_looking_leaves_the_lock_free_and_makes_no_lock_file(tzurot: Run, database: Path) -> None:
    tzurot("status", "--database", database)
    assert LOCK_NAME not in files_under(database.parent)
    VolumeLock.take(database.parent, 1).release()
    tzurot("status", "--database", database)
    VolumeLock.take(database.parent, 0).release()


def test_a_writer_is_neither_stopped_nor_overlooked(tzurot: Run, database: Path) -> None:
    with opened(connect(database, "rw", 0)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM message_mappings")
        during = tzurot("status", "--json", "--database", database).json
        writer.execute("COMMIT")
        after = tzurot("status", "--json", "--database", database).json
    assert during["tables"]["message_mappings"] == 5
    assert after["tables"]["message_mappings"] == 0
    assert after["database"]["wal_bytes"] > 0


def test_large_tables_are_counted_in_pieces(tzurot: Run, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_messages(database, 16)
    monkeypatch.setattr(census, "CHUNK", 7)
    assert tzurot("status", "--json", "--database", database).json["tables"]["message_mappings"] == 21


def test_a_count_that_ran_out_of_time_is_a_lower_bound_and_says_so(
    tzurot: Run, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "CHUNK", 2)
    environment = {"READ_TIMEOUT_SECONDS": "0.000001"}
    monkeypatch.setattr("bot.store.console.STEPS_BETWEEN_LOOKS", 10_000_000)
    seen = tzurot("status", "--json", "--database", database, **environment).json
    assert seen["tables"]["message_mappings"] == 2
    assert "message_mappings" in seen["tables_counted_in_part"]
    assert "≥ 2" in tzurot("status", "--database", database, **environment).out


def test_a_database_of_a_newer_program_is_named(tzurot: Run, database: Path) -> None:
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('tzurot', '0999_future', '')"
        )
    assert tzurot("status", "--json", "--database", database).json["schema"]["unknown"] == ["0999_future"]
    assert "newer version" in tzurot("status", "--database", database).out


@pytest.mark.parametrize("kind", ["missing", "empty", "damaged"])
def test_what_is_no_database_ends_with_1_and_a_sentence(tzurot: Run, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "tzurot.db"
    if kind != "missing":
        path.write_bytes(b"" if kind == "empty" else b"damaged " * 2000)
    ended = tzurot("status", "--json", "--database", path)
    assert ended.code == 1
    assert str(path) in ended.json["error"]
    assert path.exists() == (kind != "missing")


def test_a_pipe_gets_no_colours_and_no_trailing_spaces(tzurot: Run, database: Path) -> None:
    out = tzurot("status", "--database", database, FORCE_COLOR="1").out
    assert "\x1b" not in out
    assert not [line for line in out.splitlines() if line != line.rstrip()]


def test_it_shows_the_receipt_of_the_last_start(tzurot: Run, database: Path) -> None:
    assert tzurot("status", "--json", "--database", database).json["receipt"] is None
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute(
            "INSERT INTO lives (started_at, start, ended_how, last_seen_at, back_at, rows_before, rows_after, lost,"
            " answered, skipped, adopted) VALUES ('2026-11-23T12:00:05.000Z', 'continue', 'handover',"
            """ '2026-11-23T12:00:00.000Z', '2026-11-23T12:00:08.000Z', '{"turns": 5}', '{"turns": 3}', 2,"""
            """ 2, '{"TooOld": 1}', 0)"""
        )
    seen = tzurot("status", "--json", "--database", database).json["receipt"]
    assert seen == {
        "started_at": "2026-11-23T12:00:05.000Z",
        "start": "continue",
        "ended_how": "handover",
        "last_seen_at": "2026-11-23T12:00:00.000Z",
        "back_at": "2026-11-23T12:00:08.000Z",
        "down_seconds": 8.0,
        "rows_before": {"turns": 5},
        "rows_after": {"turns": 3},
        "lost": {"turns": 2},
        "lost_rows": 2,
        "recovered": {"answered": 2, "skipped": {"TooOld": 1}, "adopted": 0, "missed": 3},
        "text": "Back after 8 s (planned stop). 5 rows before, 3 after, 2 LOST (2 of turns)."
        " 3 messages missed: 2 answered, 1 too old.",
    }
    assert "2 LOST (2 of turns)" in tzurot("status", "--database", database).out


def test_it_says_when_the_copy_was_last_restored_on_trial(tzurot: Run, database: Path) -> None:
    def told() -> str:
        return tzurot("status", "--database", database, **REPLICA).out

    def held(outcome: str, finished_at: str, reason: str = "") -> None:
        with opened(connect(database, "rw", 5)) as connection:
            connection.execute(
                "INSERT INTO drills (started_at, finished_at, outcome, reason, steps) VALUES (:at, :at, :o, :r, '{}')",
                {"at": finished_at, "o": outcome, "r": reason},
            )

    assert "never restored on trial" in told()
    assert tzurot("status", "--json", "--database", database, **REPLICA).json["drill"] is None
    long_ago = to_text(datetime.now(UTC) - timedelta(days=3))
    held("verified", long_ago)
    assert "verified 3 days ago" in told()
    held("failed", "2026-11-23T12:00:00.000Z", "A file is damaged.")
    assert "FAILED at 2026-11-23T12:00:00.000Z: A file is damaged. Last verified 3 days ago." in told()
    seen = tzurot("status", "--json", "--database", database, **REPLICA).json["drill"]
    assert (seen["outcome"], seen["reason"], seen["verified_at"]) == ("failed", "A file is damaged.", long_ago)
    assert seen["verified_age_seconds"] == pytest.approx(3 * 86_400, abs=60)
    assert "Last drill" not in tzurot("status", "--database", database).out


def test_it_says_why_the_next_start_would_refuse(tzurot: Run, database: Path) -> None:
    environment = {"DATABASE_PATH": str(database), "JSON_DIR": str(database.parent / "json")}
    assert tzurot("status", "--json", **environment).json["storage"]["refusal"] is None
    told = tzurot("status", "--json", **environment, STORAGE_MODE="shadow").json["storage"]
    assert (told["mode"], told["refusal"], told["is_current"]) == ("shadow", None, None)
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute("UPDATE storage SET mode = 'json'")
    seen = tzurot("status", "--json", **environment).json["storage"]
    assert (seen["mode"], seen["served_mode"]) == ("database", "json")
    assert seen["refusal"] in " ".join(tzurot("status", **environment).out.split())
    with VolumeLock.take(database.parent, 1):
        assert tzurot("status", "--json", **environment).json["storage"]["refusal"] is None


def test_what_shadow_mode_found_is_loud_with_its_first_keys(tzurot: Run, database: Path) -> None:
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute("UPDATE storage SET reads_compared = 7, compared_at = '2026-11-28T03:00:00.000Z'")
        connection.execute(
            "INSERT INTO shadow_mismatches VALUES"
            " ('personalities', 3, 'lilith', '2026-11-28T01:00:00.000Z', '2026-11-28T03:00:00.000Z')"
        )
    assert tzurot("status", "--json", "--database", database).json["storage"]["shadow"] == {
        "compared": 7,
        "compared_at": "2026-11-28T03:00:00.000Z",
        "mismatches": [
            {
                "table": "personalities",
                "reads": 3,
                "first_key": "lilith",
                "first_at": "2026-11-28T01:00:00.000Z",
                "last_at": "2026-11-28T03:00:00.000Z",
            }
        ],
    }
    assert "personalities in 3 reads, first 'lilith'" in tzurot("status", "--database", database).out


def test_an_older_database_has_no_such_tables(tzurot: Run, database: Path) -> None:
    with opened(connect(database, "rw", 5)) as connection:
        for table in ("storage", "imports", "shadow_mismatches"):
            connection.execute(f"DROP TABLE {table}")
    assert tzurot("status", "--json", "--database", database).json["storage"]["served_mode"] is None
