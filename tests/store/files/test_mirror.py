"""Importing a folder that this program has written: the database becomes its state, or says why it was merged."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import UnreadableError
from bot.store import storage
from bot.store.engine import connect, opened
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.plan import Format
from bot.store.legacy.importer import ImportOptions, import_folder, import_into_new
from bot.store.storage import Storage
from tests.store.files.lived import empty_database, live, state_of, write_out

MIRRORED = "The folder was written by this program; the database is now exactly its state."


def storage_of(database: Path) -> Storage:
    with opened(connect(database, "ro", 1)) as connection:
        return storage.read_from(connection)


@pytest.fixture
def lived(flat: Any, folder: JsonFolder) -> Any:
    """A database that lived, and the folder that was written from it at change 7, of its lineage."""
    flat.bring_in()
    live(flat)
    write_out(flat, folder, Format.GEN2)
    state = folder.read()
    assert state is not None
    folder.commit((), replace(state, lineage=storage_of(flat.database).lineage))
    return flat


def serve(legacy: Any, mode: str, counter: int, folder: JsonFolder) -> None:
    """Note that the database was served in the mode, up to the change, beside the folder."""
    legacy.execute(f"UPDATE storage SET mode = '{mode}', counter = {counter}, folder = '{folder.path}'")  # noqa: S608


async def test_a_new_database_becomes_the_folders_state(lived: Any, folder: JsonFolder) -> None:
    database = folder.path.with_name("new.db")
    report = await import_into_new(folder.path, database, ImportOptions(lived.settings))
    expected = state_of(lived.database)
    assert state_of(database) == expected
    assert (storage_of(database).lineage, storage_of(database).counter) == (storage_of(lived.database).lineage, 7)
    assert report.remarks == [MIRRORED]
    assert {name: count.imported for name, count in report.tables.items() if count.read} == {
        name: len(rows) for name, rows in expected.items() if rows and name != "sequences"
    }
    assert report.rejects == []


def test_a_database_that_the_folder_has_left_behind_becomes_its_state(lived: Any, folder: JsonFolder) -> None:
    expected = state_of(lived.database)
    lived.execute("DELETE FROM personality_aliases WHERE alias = 'gúll'")
    lived.execute("UPDATE conversations SET message_count = 1 WHERE id = 77")
    lived.execute("INSERT INTO auto_responses VALUES (5, NULL, NULL), (6, NULL, NULL)")
    serve(lived, "json", 3, folder)
    report = lived.bring_in(folder.path)
    assert state_of(lived.database) == expected
    assert report.remarks == [MIRRORED]
    assert report.notes.deleted == 2
    assert report.count("imported") == 2
    assert report.count("unchanged") == sum(len(rows) for name, rows in expected.items() if name != "sequences") - 2
    kept = storage_of(lived.database)
    assert (kept.counter, kept.mode) == (7, None)


@pytest.mark.parametrize("mode", ["json", "dual", "database"])
def test_a_mirror_is_no_change_of_its_own(lived: Any, folder: JsonFolder, mode: str) -> None:
    serve(lived, mode, 7, folder)
    lived.bring_in(folder.path)
    assert storage_of(lived.database).counter == 7


def test_mirroring_twice_changes_nothing(lived: Any, folder: JsonFolder) -> None:
    lived.bring_in(folder.path)
    before = lived.dump()
    report = lived.bring_in(folder.path)
    assert lived.dump() == before
    assert (report.count("imported"), report.notes.deleted) == (0, 0)


def test_a_dry_run_says_what_a_mirror_would_do(lived: Any, folder: JsonFolder) -> None:
    lived.execute("INSERT INTO auto_responses VALUES (5, NULL, NULL)")
    before = lived.dump()
    report = lived.bring_in(folder.path, is_dry_run=True)
    assert lived.dump() == before
    assert (report.remarks, report.notes.deleted, report.count("imported")) == ([MIRRORED], 1, 0)


def test_a_newer_database_keeps_what_it_has(lived: Any, folder: JsonFolder) -> None:
    lived.execute("INSERT INTO auto_responses VALUES (5, NULL, NULL)")
    lived.execute("DELETE FROM auto_responses WHERE user_id = 200000000000000088")
    serve(lived, "database", 9, folder)
    report = lived.bring_in(folder.path)
    assert lived.rows("SELECT count(*) AS n FROM auto_responses WHERE user_id IN (5, 200000000000000088)")[0]["n"] == 2
    assert report.remarks[-1:] == [
        "The database has at least 2 changes that the folder lacks, so the folder's records were merged into it."
    ]
    assert report.tables["auto_responses"].imported == 1
    kept = storage_of(lived.database)
    assert (kept.counter, kept.mode) == (10, "database")


def test_a_database_that_went_on_without_the_folder_keeps_what_it_has(lived: Any, folder: JsonFolder) -> None:
    lived.execute("INSERT INTO auto_responses VALUES (5, NULL, NULL)")
    serve(lived, "database", 7, folder)
    state = folder.read()
    assert state is not None
    folder.commit((), replace(state, is_final=False))
    report = lived.bring_in(folder.path)
    assert lived.rows("SELECT * FROM auto_responses WHERE user_id = 5") != []
    assert report.remarks[-1] == "The database went on without the folder, so the folder's records were merged into it."


def test_another_installations_folder_is_merged(lived: Any, folder: JsonFolder) -> None:
    lived.execute("UPDATE storage SET lineage = 'other'")
    lived.execute("INSERT INTO auto_responses VALUES (5, NULL, NULL)")
    report = lived.bring_in(folder.path)
    assert lived.rows("SELECT * FROM auto_responses WHERE user_id = 5") != []
    assert "written from another database" in report.remarks[-1]
    assert storage_of(lived.database).lineage == "other"


def test_what_another_program_changed_is_merged_and_nothing_deleted(lived: Any, folder: JsonFolder) -> None:
    serve(lived, "json", 7, folder)
    (folder.path / "auto_response.json").write_text(json.dumps(["5"]))
    report = lived.bring_in(folder.path)
    users = {row["user_id"] for row in lived.rows("SELECT user_id FROM auto_responses")}
    assert {5, 200000000000000088} <= users
    assert report.remarks[-1].startswith("Another program has changed auto_response.json since this program wrote")
    assert lived.rows("SELECT * FROM turns") != []
    kept = storage_of(lived.database)
    assert (kept.counter, kept.mode) == (8, None)


async def test_a_new_database_takes_changed_files_as_they_are(lived: Any, folder: JsonFolder) -> None:
    (folder.path / "auto_response.json").write_text(json.dumps(["5"]))
    database = folder.path.with_name("new.db")
    report = await import_into_new(folder.path, database, ImportOptions(lived.settings))
    loaded, expected = state_of(database), state_of(lived.database)
    assert [row[0] for row in loaded.pop("auto_responses")] == [5]
    expected.pop("auto_responses")
    assert loaded == expected
    assert "from auto_response.json, which another program has changed" in report.remarks[-1]


def test_a_folder_that_a_kill_left_unfinished_is_only_read(
    lived: Any, folder: JsonFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = folder.read()
    assert state is not None
    with monkeypatch.context() as patched:
        patched.setattr("bot.store.files.folder.commit.Committer.finish", lambda *_: None)
        files = [(name, (content,)) for name, content in _emptied(folder)]
        folder.commit(files, replace(state, counter=8), drop=("avatars/metadata.json",))
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    report = lived.bring_in(folder.path)
    assert report.remarks == [MIRRORED]
    assert lived.rows("SELECT * FROM auto_responses") == []
    assert storage_of(lived.database).counter == 8
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before


def _emptied(folder: JsonFolder) -> list[tuple[str, bytes]]:
    heads = {name: (folder.path / f".tzurot/{name}.json").read_bytes() for name in ("auto_responses", "avatars")}
    found = {name: json.loads(content) for name, content in heads.items()}
    return [
        ("auto_response.json", b"[]"),
        *(
            (
                f".tzurot/{name}.json",
                json.dumps({**value, "total": 0, "rows": []}, separators=(",", ":"))[:-2].encode() + b"\n]}\n",
            )
            for name, value in found.items()
        ),
    ]


async def test_a_cancelled_mirror_leaves_the_database_as_it_was(lived: Any, folder: JsonFolder) -> None:
    lived.execute("INSERT INTO auto_responses VALUES (5, NULL, NULL)")
    before = lived.dump()
    await lived.cancel_at("turns", folder.path)
    assert lived.dump() == before


def test_a_damaged_folder_leaves_the_database_as_it_was(lived: Any, folder: JsonFolder) -> None:
    before = lived.dump()
    (folder.path / ".tzurot/turns.json").unlink()
    lived.database.with_name("empty.db").write_bytes(empty_database())
    with pytest.raises(UnreadableError, match=r"turns\.json is missing"):
        asyncio.run(import_folder(folder.path, lived.database.with_name("empty.db"), ImportOptions(lived.settings)))
    assert state_of(lived.database.with_name("empty.db"))["personalities"] == []
    assert lived.dump() == before
