"""What both sides are found to say, and what a mode that begins leaves written down on them."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot.errors import ConfigurationError, ExitCode, ProtectedError, StorageError
from bot.rules.operation.storage_mode import DatabaseSide, FolderRecord, Mode
from bot.settings import Settings, load_settings
from bot.store import storage
from bot.store.engine import connect, opened, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.set_aside import PREFIX as ASIDE
from bot.store.files.folder.state import MODE_FILE, FolderState
from bot.store.files.modes.facts import import_source
from bot.store.files.modes.switch import Switch, begin, leave_database, look, record, require_switch
from bot.store.files.plan import Format
from bot.store.migrate import create_database, migrate
from bot.store.statement import Statement
from tests.store.conftest import file_size_limit
from tests.store.files.conftest import NOW, contents

LATER = NOW + timedelta(days=1)
ADD = Statement("INSERT INTO lives (started_at, start) VALUES ('2026-11-23T19:00:00.000Z', 'first')")
AGE = [
    *(Statement(f"DROP TABLE {table}") for table in ("storage", "imports", "shadow_mismatches")),
    Statement("DELETE FROM _sqlite_migrations WHERE name = '0007_storage'"),
]
SERVED: dict[str, Any] = {"personalities": {}, "conversations": {}, ".tzurot__turns": {}}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    create_database(tmp_path / "tzurot.db")
    return tmp_path


def settings(place: Path, mode: str, **changes: Any) -> Settings:
    given = {"database_path": place / "tzurot.db", "json_dir": place / "files", "storage_mode": mode}
    return load_settings(given | changes, env_file=None)


def run(place: Path, *statements: Statement) -> None:
    with opened(connect(place / "tzurot.db", "rw", 1)) as connection, transaction(connection):
        for statement in statements:
            connection.execute(statement.sql, statement.parameters)


def row(place: Path) -> storage.Storage:
    with opened(connect(place / "tzurot.db", "ro", 1)) as connection:
        return storage.read_from(connection)


def files(place: Path) -> JsonFolder:
    return JsonFolder(place / "files")


def leave_files(place: Path, **changes: Any) -> FolderState:
    """The folder as a mode left it at the database's change."""
    kept = row(place)
    state = FolderState(kept.lineage, "dual", kept.counter, Format.GEN1, is_final=True, written_at=NOW)
    return files(place).commit(contents(**SERVED), replace(state, **changes))


def leave_originals(place: Path) -> None:
    (place / "files").mkdir()
    (place / "files/personalities.json").write_text('{"lilith": {"fullName": "lilith"}}')


def serve(place: Path, mode: str, *, accept_older: bool = False, **changes: Any) -> Switch:
    asked = settings(place, mode, **changes)
    switch = require_switch(asked, accept_older=accept_older)
    begin(asked, switch, LATER)
    if switch.mode is Mode.JSON:
        leave_database(asked, switch, LATER)
    return switch


def manifest(place: Path, folder: str, names: Sequence[str]) -> Statement:
    digests = files(place).data_files()
    found = {name: {"sha256": digests[name].sha256, "bytes": digests[name].size_bytes} for name in names}
    return Statement(
        "INSERT INTO imports (imported_at, folder, manifest) VALUES ('', :folder, :manifest)",
        {"folder": folder, "manifest": orjson.dumps({"files": found}).decode()},
    )


def refusal(asked: Settings) -> ProtectedError:
    with pytest.raises(ProtectedError) as caught:
        require_switch(asked)
    return caught.value


def asides(place: Path) -> list[Path]:
    return sorted((place / "files").glob(f"{ASIDE}*"))


def test_a_new_database_and_no_folder_say_nothing(place: Path) -> None:
    found = look(settings(place, "dual"))
    assert found.database == DatabaseSide(row(place).lineage)
    assert found.database.is_blank
    assert found.folder.is_empty


def test_no_database_is_none(tmp_path: Path) -> None:
    assert look(settings(tmp_path, "json")).database is None


def test_a_database_that_lived_without_a_record_is_told_apart(place: Path) -> None:
    run(place, ADD)
    found = look(settings(place, "database")).database
    assert found is not None
    assert found.is_unrecorded


def test_a_database_of_an_older_schema_is_told_apart(place: Path) -> None:
    run(place, ADD, *AGE)
    assert look(settings(place, "database")).database == DatabaseSide("", is_unrecorded=True)
    files(place).commit(contents(**SERVED), FolderState("x", "dual", 1, Format.GEN1, is_final=True, written_at=NOW))
    assert "another installation's" in refusal(settings(place, "database")).message


def test_a_database_of_an_older_schema_can_be_left_for_the_files_but_not_told(place: Path) -> None:
    run(place, ADD, *AGE)
    leave_originals(place)
    assert "has served" in refusal(settings(place, "json")).message
    serve(place, "json", accept_older=True)
    assert len(asides(place)) == 1


def test_the_mode_that_begins_is_written_into_the_database(place: Path) -> None:
    serve(place, "dual")
    kept = row(place)
    assert (kept.mode, kept.counter, kept.folder) == ("dual", 0, str(place / "files"))
    assert kept.switched_at == LATER


def test_the_same_mode_again_is_no_switch(place: Path) -> None:
    serve(place, "dual")
    asked = settings(place, "dual")
    begin(asked, require_switch(asked), LATER + timedelta(days=1))
    assert row(place).switched_at == LATER


def test_each_start_in_database_mode_leaves_the_files_further_behind(place: Path) -> None:
    leave_files(place)
    serve(place, "database")
    serve(place, "database")
    assert row(place).counter == 2
    state = files(place).read()
    assert state is not None
    assert (state.mode, state.counter, state.is_final) == ("database", 0, False)
    assert sorted(state.files) == [".tzurot/turns.json", "conversations.json", "personalities.json"]
    assert "lack everything that the database" in refusal(settings(place, "json")).message


def test_files_that_the_database_went_on_without_are_refused_also_when_it_is_lost(place: Path) -> None:
    leave_files(place)
    serve(place, "database")
    for left in place.glob("tzurot.db*"):
        left.unlink()
    assert "went on without" in refusal(settings(place, "json")).message


def test_imported_files_that_the_database_goes_on_from_are_known_as_older(place: Path) -> None:
    leave_originals(place)
    run(place, manifest(place, str(place / "files"), ["personalities.json"]))
    serve(place, "database")
    state = files(place).read()
    assert state is not None
    assert (state.lineage, state.format, state.is_final) == (row(place).lineage, Format.GEN1, False)
    serve(place, "database")
    assert asides(place) == []
    for left in place.glob("tzurot.db*"):
        left.unlink()
    assert "went on without" in refusal(settings(place, "json")).message


def test_a_database_from_before_the_record_goes_on_beside_the_files_that_it_came_from(place: Path) -> None:
    run(place, ADD, *AGE)
    leave_originals(place)
    assert require_switch(settings(place, "database")).verdict.notice
    migrate(place / "tzurot.db")
    for _ in range(2):
        serve(place, "database")
    assert asides(place) == []
    serve(place, "dual")
    assert len(asides(place)) == 1


def test_a_torn_file_keeps_no_database_from_serving(place: Path) -> None:
    leave_originals(place)
    (place / "files/personalities.json").write_text('{"lil')
    run(place, manifest(place, "elsewhere", ["personalities.json"]))
    serve(place, "database")
    assert row(place).mode == "database"


def test_a_folder_that_can_not_be_marked_keeps_no_database_from_serving(
    place: Path, caplog: pytest.LogCaptureFixture, obeying_permissions: None
) -> None:
    leave_originals(place)
    run(place, manifest(place, "elsewhere", ["personalities.json"]))
    (place / "files").chmod(0o500)
    serve(place, "database")
    (place / "files").chmod(0o700)
    assert "can't be noted" in caplog.text
    assert row(place).mode == "database"


@pytest.mark.parametrize("names", [["personalities.json"], ["personalities.json", "aliases.json"]])
def test_only_exactly_what_was_imported_counts_as_imported(place: Path, names: list[str]) -> None:
    leave_originals(place)
    (place / "files/aliases.json").write_text('{"lil": "lilith"}')
    run(place, manifest(place, str(place / "files"), names))
    assert look(settings(place, "dual")).folder.is_imported is (len(names) == 2)
    (place / "files/aliases.json").write_text("{}")
    assert not look(settings(place, "dual")).folder.is_imported


def test_of_the_imports_from_the_folder_itself_only_the_last_one_counts(place: Path) -> None:
    leave_originals(place)
    first = manifest(place, str(place / "files"), ["personalities.json"])
    (place / "files/personalities.json").write_text("{}")
    run(place, first, manifest(place, str(place / "files"), ["personalities.json"]))
    assert look(settings(place, "dual")).folder.is_imported
    leave = place / "files/personalities.json"
    leave.write_text('{"lilith": {"fullName": "lilith"}}')
    assert not look(settings(place, "dual")).folder.is_imported


def test_images_are_told_apart_by_the_file_that_lists_them(place: Path) -> None:
    leave_originals(place)
    run(place, manifest(place, str(place / "files"), ["personalities.json"]))
    (place / "files/avatars/images").mkdir(parents=True)
    (place / "files/avatars/images/lilith.png").write_bytes(b"x")
    assert look(settings(place, "dual")).folder.is_imported


def test_imported_files_are_kept_before_others_follow(place: Path) -> None:
    leave_originals(place)
    run(place, manifest(place, str(place / "files"), ["personalities.json"]))
    serve(place, "dual")
    [kept] = asides(place)
    assert (kept / "personalities.json").read_bytes() == (place / "files/personalities.json").read_bytes()
    state = files(place).read()
    assert state is not None
    assert not state.is_final


def test_accepting_keeps_the_newer_files_and_asks_no_second_time(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    lineage = row(place).lineage
    leave_files(place, counter=7)
    assert "7 changes that the database lacks" in refusal(settings(place, "dual")).message
    serve(place, "dual", accept_older=True)
    assert "as --accept-older asks for" in caplog.text
    [kept] = asides(place)
    assert sorted(str(path.relative_to(kept)) for path in kept.rglob("*.json")) == [
        ".tzurot-mode.json",
        ".tzurot/turns.json",
        "conversations.json",
        "personalities.json",
    ]
    assert row(place).counter == 8
    assert row(place).lineage != lineage
    assert not require_switch(settings(place, "dual")).verdict.warning


def test_accepting_in_database_mode_leaves_the_files_where_they_are(place: Path) -> None:
    leave_files(place, counter=7)
    serve(place, "database", accept_older=True)
    assert asides(place) == []
    assert not require_switch(settings(place, "database")).verdict.warning


def test_what_stood_beside_a_changed_file_does_not_count_any_more(place: Path) -> None:
    leave_files(place)
    (place / "files/conversations.json").write_text('{"1-2": {}}')
    serve(place, "database", accept_older=True)
    state = files(place).read()
    assert state is not None
    assert sorted(state.files) == ["conversations.json", "personalities.json"]
    assert (place / "files/.tzurot/turns.json").exists()


def test_files_that_are_served_are_noted_in_the_database_and_in_the_mode_file(place: Path) -> None:
    serve(place, "dual")
    leave_files(place)
    switch = serve(place, "json")
    assert (switch.counter, switch.has_files) == (0, True)
    assert (row(place).mode, row(place).counter) == ("json", 0)
    state = files(place).read()
    assert state is not None
    assert (state.mode, state.is_final) == ("json", True)
    for mode in ("database", "dual", "shadow"):
        assert "were served last" in refusal(settings(place, mode)).message
    assert not require_switch(settings(place, "json")).verdict.warning


def test_either_side_alone_is_enough_to_refuse(place: Path) -> None:
    serve(place, "dual")
    leave_files(place)
    serve(place, "json")
    (place / "files" / MODE_FILE).unlink()
    assert "served last" in refusal(settings(place, "database")).message
    assert "no mode file" in refusal(settings(place, "json")).message
    leave_files(place)
    for left in place.glob("tzurot.db*"):
        left.unlink()
    create_database(place / "tzurot.db")
    assert "another installation's" in refusal(settings(place, "database")).message


def test_accepting_older_files_asks_no_second_time(place: Path) -> None:
    leave_files(place)
    serve(place, "database")
    switch = serve(place, "json", accept_older=True)
    assert switch.counter == 2
    state = files(place).read()
    assert state is not None
    assert (state.counter, state.is_final, state.lineage) == (2, True, row(place).lineage)
    assert not require_switch(settings(place, "json")).verdict.warning


def test_a_file_that_another_program_changed_is_served_and_still_told(place: Path) -> None:
    leave_files(place)
    serve(place, "json")
    (place / "files/conversations.json").write_text('{"1-2": {}}')
    serve(place, "json")
    state = files(place).read()
    assert state is not None
    assert files(place).changed(state) == ("conversations.json",)


@pytest.mark.parametrize("name", ["conversations.json", ".tzurot/turns.json"])
def test_a_lost_file_is_not_an_empty_one(place: Path, name: str) -> None:
    leave_files(place)
    (place / "files" / name).unlink()
    assert f"{name} in {place / 'files'} is gone or damaged." in refusal(settings(place, "json")).message
    serve(place, "json", accept_older=True)
    assert not require_switch(settings(place, "json")).verdict.warning


def test_a_damaged_file_of_our_own_is_refused(place: Path) -> None:
    leave_files(place)
    (place / "files/.tzurot/turns.json").write_text("{")
    assert "is gone or damaged" in refusal(settings(place, "json")).message


def test_a_file_that_the_originals_last_release_took_over_is_not_lost(place: Path) -> None:
    leave_files(place)
    (place / "files/conversations.json").rename(place / "files/conversations.json.migrated")
    assert require_switch(settings(place, "json")).counter == 0


def test_files_that_can_not_be_loaded_leave_the_database_free_to_serve(place: Path) -> None:
    serve(place, "dual")
    leave_files(place)
    asked = settings(place, "json")
    begin(asked, require_switch(asked), LATER)
    assert row(place).mode == "dual"
    assert serve(place, "database").counter == 1


def test_files_without_any_database_begin_a_lineage(tmp_path: Path) -> None:
    leave_originals(tmp_path)
    switch = serve(tmp_path, "json")
    assert len(switch.lineage) == 32
    assert not (tmp_path / "tzurot.db").exists()
    state = files(tmp_path).read()
    assert state is not None
    assert (state.lineage, state.mode, list(state.files)) == (switch.lineage, "json", ["personalities.json"])
    assert serve(tmp_path, "json").lineage == switch.lineage
    assert len(asides(tmp_path)) == 1


def test_the_database_that_is_made_of_the_files_gets_the_record(place: Path) -> None:
    leave_originals(place)
    switch = require_switch(settings(place, "json"))
    with opened(connect(place / "tzurot.db", "rw", 1)) as connection, transaction(connection):
        record(connection, replace(switch, lineage="new"), LATER)
    assert (row(place).lineage, row(place).mode) == ("new", "json")


def test_a_torn_mode_file_is_refused(place: Path) -> None:
    (place / "files").mkdir()
    (place / "files" / MODE_FILE).write_text("{")
    said = refusal(settings(place, "database"))
    assert said.exit_code == ExitCode.PROTECTED
    assert MODE_FILE in said.message


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be looked at"])
def test_a_database_that_can_not_be_read_is_refused_in_every_mode(place: Path, content: bytes) -> None:
    (place / "tzurot.db").write_bytes(content)
    for mode in Mode:
        assert "Which mode served last can't be read" in refusal(settings(place, mode.value)).message


def test_a_json_dir_that_is_no_folder_is_a_wrong_setting(place: Path) -> None:
    (place / "files").touch()
    with pytest.raises(ConfigurationError, match=r"JSON_DIR names .*files, which is no folder"):
        look(settings(place, "json"))


@pytest.mark.parametrize(
    ("mode", "line"),
    [
        ("database", "Storage mode database: the database alone is the truth, JSON files are neither read nor written"),
        ("dual", "Storage mode dual: the database is the truth, the files in {} follow it within a second"),
        ("json", "Storage mode json: the files in {} are the truth and all there is, nothing is copied elsewhere"),
    ],
)
def test_one_line_says_which_mode_runs(place: Path, caplog: pytest.LogCaptureFixture, mode: str, line: str) -> None:
    caplog.set_level(logging.INFO)
    leave_files(place)
    run(place, storage.serve(row(place).lineage, 0, "dual", folder="", now=NOW))
    serve(place, mode)
    assert caplog.messages == [line.format(place / "files")]


def test_a_mode_that_is_followed_imports_its_own_files(tmp_path: Path) -> None:
    assert import_source(settings(tmp_path, "dual")) is None
    leave_originals(tmp_path)
    assert import_source(settings(tmp_path, "database")) is None
    assert import_source(settings(tmp_path, "dual")) == tmp_path / "files"
    assert look(settings(tmp_path, "shadow")).is_importing
    other = settings(tmp_path, "dual", import_dir=tmp_path / "other")
    assert import_source(other) == tmp_path / "other"
    assert not look(other).is_importing
    assert look(settings(tmp_path, "database", import_dir=tmp_path / "files")).is_importing


def test_a_database_that_became_the_folders_state_is_free_to_serve(place: Path) -> None:
    leave_files(place)
    serve(place, "json")
    leave_files(place, counter=5, mode="json")
    assert "5 changes" in refusal(settings(place, "dual")).message
    run(place, storage.take_over(row(place).lineage, 5))
    assert serve(place, "dual").counter == 5


def test_what_was_taken_in_from_elsewhere_does_not_free_the_database(place: Path) -> None:
    serve(place, "json", allow_init="local")
    run(place, storage.take_in("/elsewhere"))
    assert (row(place).mode, row(place).counter) == ("json", 1)
    run(place, storage.take_in(str(place / "files")))
    assert (row(place).mode, row(place).counter) == (None, 2)


def test_the_folders_record_is_read_as_it_is(place: Path) -> None:
    leave_files(place, counter=3, is_final=False)
    assert look(settings(place, "json")).folder.record == FolderRecord(row(place).lineage, 3, is_final=False)


@pytest.mark.parametrize("mode", ["database", "dual"])
def test_a_full_disk_stops_no_start_that_goes_on_as_before(
    place: Path, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    leave_files(place)
    serve(place, mode)
    with opened(connect(place / "tzurot.db", "rw", 1)) as full:
        full.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        for _ in range(20):  # the files beside the database are larger than what may be written
            with transaction(full):
                full.execute(storage.COUNT)
        before = row(place)
        with file_size_limit((place / "tzurot.db-wal").stat().st_size):
            serve(place, mode)
            assert ("can't be noted" in caplog.text) is (mode == "database")
            with pytest.raises(StorageError):
                serve(place, "shadow")
        assert row(place) == before
