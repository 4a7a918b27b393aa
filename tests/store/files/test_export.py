"""An export is a whole folder in a place where it takes nothing away, and an import brings it back."""

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ProtectedError, StorageError
from bot.store.files.export import ExportOptions, export
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.plan import Format
from tests.store.files.exported import everything_in, export_to
from tests.store.files.lived import live, read_in, state_of
from tests.store.legacy.conftest import Legacy, write_nested

FORMATS = pytest.mark.parametrize("target", list(Format))


@FORMATS
def test_an_export_read_into_a_new_database_is_the_same_database(
    legacy: Legacy, tmp_path: Path, target: Format
) -> None:
    legacy.bring_in()
    live(legacy)
    export_to(legacy, tmp_path / "out", target)
    read_in(legacy, JsonFolder(tmp_path / "out"), tmp_path / "again.db")
    assert state_of(tmp_path / "again.db") == state_of(legacy.database)


@FORMATS
def test_nobody_else_can_read_the_tokens(legacy: Legacy, tmp_path: Path, target: Format) -> None:
    legacy.bring_in()
    export_to(legacy, tmp_path / "out", target)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert any(b"tok-one" in content for content in everything_in(tmp_path / "out").values())


def test_it_tells_what_the_original_has_no_place_for(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    live(legacy)
    flat = export_to(legacy, tmp_path / "flat", Format.GEN1)
    nested = export_to(legacy, tmp_path / "nested", Format.GEN2)
    assert flat.kept["turns"] == nested.kept["turns"] == 700
    assert flat.kept["auth_tokens"] == nested.kept["auth_tokens"] == 1
    removed = len(legacy.rows("SELECT 1 FROM personalities WHERE is_active = 0"))
    assert flat.kept["personalities"] == removed
    assert "personalities" not in nested.kept
    assert nested.records["message_map.json"] == len(legacy.rows("SELECT 1 FROM message_mappings WHERE message_id > 0"))


def test_the_format_is_the_settings_else_the_folders_own_else_the_last_one(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    assert export_to(legacy, tmp_path / "new").state.format == Format.GEN2
    export_to(legacy, tmp_path / "own", Format.GEN1)
    assert export_to(legacy, tmp_path / "own").state.format == Format.GEN1
    legacy.settings = legacy.settings.model_copy(update={"json_format": "gen1"})
    assert export_to(legacy, tmp_path / "new").state.format == Format.GEN1


def test_the_original_gets_its_own_generation_back_in_its_own_folder(legacy: Legacy) -> None:
    is_nested = (legacy.path / "auth.json").exists()
    legacy.bring_in()
    assert export_to(legacy, legacy.path).state.format == (Format.GEN2 if is_nested else Format.GEN1)


def test_an_export_in_the_other_format_leaves_no_file_of_the_first(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    export_to(legacy, tmp_path / "out", Format.GEN1)
    export_to(legacy, tmp_path / "out", Format.GEN2)
    export_to(legacy, tmp_path / "new", Format.GEN2)
    assert everything_in(tmp_path / "out").keys() == everything_in(tmp_path / "new").keys()


def test_beside_a_bot_it_is_a_snapshot_and_else_the_end(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    legacy.execute("UPDATE storage SET counter = 12")
    assert not export_to(legacy, tmp_path / "beside", is_served=True).state.is_final
    state = export_to(legacy, tmp_path / "end").state
    assert (state.is_final, state.counter) == (True, 12)


def test_what_nobody_counted_gets_a_number_when_it_is_exported_for_good(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    legacy.execute("UPDATE storage SET counter = 12, mode = 'database'")
    assert export_to(legacy, tmp_path / "beside", is_served=True).state.counter == 12
    assert export_to(legacy, tmp_path / "end").state.counter == 13
    assert legacy.rows("SELECT counter FROM storage")[0]["counter"] == 13


def test_files_that_a_database_was_served_beside_are_kept_before_an_export_replaces_them(
    legacy: Legacy, tmp_path: Path
) -> None:
    legacy.bring_in()
    done = export_to(legacy, tmp_path / "out")
    JsonFolder(tmp_path / "out").commit((), replace(done.state, is_final=False))
    assert export_to(legacy, tmp_path / "out").aside is not None
    assert export_to(legacy, tmp_path / "out").aside is None


def refuse(legacy: Legacy, folder: Path, sentence: str, **options: Any) -> None:
    """It is refused, and nothing is touched."""
    before = everything_in(folder) if folder.exists() else None
    with pytest.raises(ProtectedError, match=sentence):
        export_to(legacy, folder, **options)
    assert (everything_in(folder) if folder.exists() else None) == before


def test_a_folder_with_something_in_it_is_refused(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    refuse(legacy, tmp_path / "full", r"not empty, notes\.txt is there")


def test_files_that_were_never_imported_are_refused(legacy: Legacy) -> None:
    legacy.bring_in()
    (legacy.path / "auto_response.json").write_text("[]")
    refuse(legacy, legacy.path, "never imported into this database, or were changed since")


def test_files_that_were_imported_as_they_are_give_way_and_copies_are_kept(legacy: Legacy) -> None:
    legacy.bring_in()
    before = everything_in(legacy.path)
    done = export_to(legacy, legacy.path)
    assert done.aside is not None
    assert everything_in(done.aside) == before
    assert JsonFolder(legacy.path).read() == done.state
    assert export_to(legacy, legacy.path).aside is None


def test_a_folder_that_another_program_has_changed_is_refused(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    export_to(legacy, tmp_path / "out")
    (tmp_path / "out" / "auto_response.json").write_text("[]")
    refuse(legacy, tmp_path / "out", r"Another program has changed .*auto_response\.json")


def test_the_folder_of_another_database_is_refused(make_legacy: Any, tmp_path: Path) -> None:
    for name in ("one", "two"):
        legacy = make_legacy(name)
        write_nested(legacy)
        legacy.bring_in()
        if name == "one":
            export_to(legacy, tmp_path / "out")
    refuse(legacy, tmp_path / "out", "another installation's")


def test_a_folder_that_is_newer_than_the_database_is_refused(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    legacy.execute("UPDATE storage SET counter = 12")
    export_to(legacy, tmp_path / "out")
    legacy.execute("UPDATE storage SET counter = 10")
    refuse(legacy, tmp_path / "out", "2 changes that the database lacks")


def test_the_folder_that_the_running_bot_writes_is_refused(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    export_to(legacy, tmp_path / "out")
    legacy.execute(f"UPDATE storage SET mode = 'dual', folder = '{tmp_path / 'out'}'")  # noqa: S608
    refuse(legacy, tmp_path / "out", "the running bot's own folder", is_served=True)
    assert export_to(legacy, tmp_path / "out").state.is_final


def test_a_database_that_is_older_than_the_files_that_were_served_is_not_exported(
    legacy: Legacy, tmp_path: Path
) -> None:
    legacy.bring_in()
    legacy.execute("UPDATE storage SET mode = 'json', folder = '/files'")
    refuse(legacy, tmp_path / "out", "The files in /files were served last")


def test_an_export_beside_the_database_itself_leaves_that_alone(legacy: Legacy) -> None:
    legacy.bring_in()
    export_to(legacy, legacy.database.parent)
    assert legacy.rows("PRAGMA integrity_check") == [{"integrity_check": "ok"}]
    assert JsonFolder(legacy.database.parent).has_data()


@pytest.mark.parametrize("was_there", [False, True], ids=["new", "exported before"])
def test_one_that_fails_leaves_nothing_half(
    legacy: Legacy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was_there: bool
) -> None:
    legacy.bring_in()
    if was_there:
        export_to(legacy, tmp_path / "out")
    before = everything_in(tmp_path / "out")
    live(legacy)

    def interrupt(stage: str, _done: int) -> None:
        if stage.endswith(".tzurot/turns.json"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(tmp_path / "out", ExportOptions(legacy.settings, interrupt))
    assert everything_in(tmp_path / "out") == before
    assert (tmp_path / "out").exists() == was_there


def test_a_place_that_can_not_be_written_is_named(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="can't be written"):
        export_to(legacy, tmp_path / "file" / "out")
