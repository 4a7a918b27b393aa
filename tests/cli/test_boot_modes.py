"""`tzurot boot` in each storage mode: what both sides say, and what may begin."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.durability.lock import VolumeLock
from bot.store import storage
from bot.store.engine import connect, opened, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.plan import Format
from bot.store.migrate import create_database
from tests.cli.conftest import Ended, Run

NOW = datetime(2026, 11, 28, 19, tzinfo=UTC)
PEOPLE = '{"lilith": {"fullName": "lilith", "addedBy": "1", "addedAt": "2025-06-01T00:00:00.000Z"}}'


class Place:
    """A volume with a folder of files on it, and no bucket."""

    def __init__(self, spawn: Run, volume: Path) -> None:
        self.spawn = spawn
        self.database = volume / "tzurot.db"
        self.files = volume / "files"

    def boot(self, mode: str, *arguments: str, **changes: str) -> Ended:
        environment = {"STORAGE_MODE": mode, "JSON_DIR": str(self.files), "LOCK_TIMEOUT_SECONDS": "0.2"}
        environment["ENCRYPTION_KEYS"] = base64.b64encode(bytes(32)).decode()
        return self.spawn("boot", *arguments, "--database", self.database, **(environment | changes))

    def explain(self, mode: str, code: int = 0, **changes: str) -> dict[str, Any]:
        ended = self.boot(mode, "--explain", "--json", **changes)
        assert ended.code == code, ended.err
        found: dict[str, Any] = ended.json
        return found

    def make_database(self, mode: str, counter: int) -> str:
        create_database(self.database)
        with opened(connect(self.database, "rw", 1)) as connection, transaction(connection):
            lineage = storage.read_from(connection).lineage
            served = storage.serve(lineage, counter, mode, folder=str(self.files), now=NOW)
            connection.execute(served.sql, served.parameters)
        return lineage

    def leave_files(self, lineage: str, counter: int) -> None:
        state = FolderState(lineage, "json", counter, Format.GEN1, is_final=True, written_at=NOW)
        JsonFolder(self.files).commit([("personalities.json", [PEOPLE.encode()])], state)


@pytest.fixture
def place(spawn: Run, tmp_path: Path) -> Place:
    return Place(spawn, tmp_path)


def test_files_are_all_that_json_mode_needs(place: Place) -> None:
    place.leave_files("a" * 32, 7)
    found = place.explain("json")
    assert (found["action"], found["exit_code"]) == ("files", 0)
    assert found["storage"] == {
        "mode": "json",
        "folder": str(place.files),
        "database": None,
        "files": {
            "lineage": "a" * 32,
            "counter": 7,
            "is_final": True,
            "is_imported": False,
            "changed": [],
            "lost": [],
        },
    }
    assert "nothing is copied" in place.boot("json").out
    assert not place.database.exists()


def test_both_sides_are_shown_to_a_person(place: Place) -> None:
    place.leave_files(place.make_database("dual", 5), 7)
    ended = place.boot("dual", "--explain")
    assert ended.code == 3
    said = " ".join(ended.out.split())
    assert "dual mode; the database served last in dual mode, at change 5;" in said
    assert "are at change 7" in said
    assert "have at least 2 changes that the database lacks." in said
    assert "tzurot import" in said


@pytest.mark.parametrize(("mode", "counter", "sentence"), [("dual", 7, "2 changes"), ("json", 3, "2 changes")])
def test_older_data_is_refused_and_nothing_is_touched(place: Place, mode: str, counter: int, sentence: str) -> None:
    place.leave_files(place.make_database("dual", 5), counter)
    found = place.explain(mode, code=3)
    assert sentence in found["error"]
    assert "--accept-older" in found["remedy"]
    ended = place.boot(mode)
    assert ended.code == 3
    assert sentence in ended.err


def test_no_database_is_made_beside_files_that_it_would_not_have(place: Place) -> None:
    place.files.mkdir()
    (place.files / "personalities.json").write_text(PEOPLE)
    ended = place.boot("database", ALLOW_INIT="local")
    assert ended.code == 3
    assert f"IMPORT_DIR={place.files}" in ended.err
    assert not place.database.exists()


@pytest.mark.parametrize("mode", ["dual", "shadow"])
def test_a_first_start_imports_the_files_that_are_going_to_follow(place: Place, mode: str) -> None:
    place.files.mkdir()
    (place.files / "personalities.json").write_text(PEOPLE)
    assert place.boot(mode).code == 3
    assert place.explain(mode, ALLOW_INIT="local")["action"] == "import"
    assert "import, because" in place.boot(mode, ALLOW_INIT="local").out
    with opened(connect(place.database, "ro", 1)) as connection:
        assert connection.execute("SELECT full_name FROM personalities").fetchone()[0] == "lilith"
    assert place.explain(mode, ALLOW_INIT="local")["action"] == "alone"


def test_a_folder_of_two_databases_has_one_owner(place: Place) -> None:
    place.leave_files("a" * 32, 7)
    with VolumeLock.take(place.files, 0):
        ended = place.boot("json")
    assert ended.code == 3
    assert f"The data in {place.files} is in use by" in ended.err
