"""The JSON files of before the switch are moved away all together, and no death in between loses one."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ConflictError, StorageError
from bot.rules.operation.retirement import Retirement, decide
from bot.settings import Settings
from bot.store.cipher import cipher_from
from bot.store.columns import to_text
from bot.store.engine import connect, connect_reader, opened
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import MODE_FILE
from bot.store.files.modes.backend import open_backend
from bot.store.files.plan import Format
from bot.store.files.retire import Retired, look_at_retirement, retire
from bot.store.migrate import create_database
from tests.store.files.conftest import NOW
from tests.store.files.exported import everything_in, export_to, verify
from tests.store.files.lived import live
from tests.store.legacy.conftest import Legacy

SWITCHED = NOW - timedelta(days=31)
DRILL = """
INSERT INTO drills (started_at, finished_at, outcome, reason, steps) VALUES (:at, :at, 'verified', '', '{}')
"""


class Switched:
    """A database that serves alone, and the folder that followed it before."""

    def __init__(self, legacy: Legacy, folder: Path) -> None:
        legacy.bring_in()
        live(legacy)
        export_to(legacy, folder, Format.GEN2)
        self.legacy, self.folder = legacy, folder
        legacy.settings = legacy.settings.model_copy(update={"json_dir": folder})
        with opened(connect(legacy.database, "rw", 1)) as connection:
            connection.execute(
                "UPDATE storage SET mode = 'database', counter = 1, switched_at = ?", (to_text(SWITCHED),)
            )
            connection.execute(DRILL, {"at": to_text(SWITCHED + timedelta(days=1))})

    def decide(self) -> Retirement:
        with opened(connect_reader(self.legacy.database, 1)) as connection:
            return decide(look_at_retirement(connection, self.legacy.settings), NOW)

    def retire(self, target: Path | None = None) -> Retired:
        with opened(connect_reader(self.legacy.database, 1)) as connection:
            return retire(JsonFolder(self.folder), connection, target, NOW)


@pytest.fixture
def switched(legacy: Legacy, tmp_path: Path) -> Switched:
    return Switched(legacy, tmp_path / "files")


def test_what_this_program_wrote_and_nobody_changed_may_go(switched: Switched) -> None:
    assert switched.decide().is_allowed


def test_the_original_s_files_may_go_if_they_are_what_was_imported(switched: Switched) -> None:
    switched.legacy.settings = switched.legacy.settings.model_copy(update={"json_dir": switched.legacy.path})
    assert switched.decide().is_allowed
    (switched.legacy.path / "auto_response.json").write_text("[]")
    assert "were never imported into this database, or were changed since" in switched.decide().missing[0]


@pytest.mark.parametrize("was", ["the original's", "dual"])
def test_after_real_switches_they_go_and_the_next_start_goes_on(legacy: Legacy, tmp_path: Path, was: str) -> None:
    legacy.bring_in()
    folder = legacy.path if was == "the original's" else tmp_path / "files"
    settings = legacy.settings.model_copy(update={"json_dir": folder})
    if was == "dual":
        asyncio.run(serve(settings.model_copy(update={"storage_mode": "dual"})))
    legacy.settings = settings
    asyncio.run(serve(settings))
    legacy.execute("UPDATE storage SET switched_at = '2026-01-01T00:00:00.000Z'")
    with opened(connect(legacy.database, "rw", 1)) as connection:
        connection.execute(DRILL, {"at": to_text(SWITCHED)})
        assert decide(look_at_retirement(connection, settings), NOW).is_allowed
        retire(JsonFolder(folder), connection, tmp_path / "away", NOW)
    asyncio.run(serve(settings))
    assert not JsonFolder(folder).has_data()


async def serve(settings: Settings) -> None:
    """One start and stop of a bot's store."""
    backend = await open_backend(settings, cipher_from(settings))
    await backend.close()


def test_a_file_that_another_program_changed_stays(switched: Switched) -> None:
    (switched.folder / "auto_response.json").write_text("[]")
    assert "auto_response.json" in switched.decide().missing[0]


def test_files_that_are_newer_than_the_database_stay(switched: Switched) -> None:
    folder = JsonFolder(switched.folder)
    state = folder.read()
    assert state is not None
    folder.commit((), replace(state, counter=5))
    assert "4 changes that the database lacks" in switched.decide().missing[0]


def test_a_drill_that_failed_last_does_not_undo_one_that_passed(switched: Switched) -> None:
    switched.legacy.execute(
        "INSERT INTO drills (started_at, finished_at, outcome, reason, steps)"
        " VALUES ('2026-03-03T00:00:00.000Z', '2026-03-03T00:00:00.000Z', 'failed', 'x', '{}')"
    )
    assert switched.decide().is_allowed


def test_every_file_is_moved_and_nothing_else(switched: Switched) -> None:
    (switched.folder / "notes.txt").write_text("mine")
    before = everything_in(switched.folder)
    done = switched.retire()
    assert done.target is not None
    assert done.target == switched.folder / "retired-json-2026-03-04"
    assert everything_in(done.target) == {name: content for name, content in before.items() if name != "notes.txt"}
    assert {path.name for path in switched.folder.iterdir()} == {"notes.txt", "retired-json-2026-03-04"}
    assert {path.stat().st_mode & 0o777 for path in done.target.rglob("*") if path.is_file()} == {0o600}
    assert not JsonFolder(switched.folder).has_data()


def test_what_was_moved_is_still_the_whole_state(switched: Switched, tmp_path: Path) -> None:
    switched.retire(tmp_path / "elsewhere")
    assert verify(switched.legacy, tmp_path / "elsewhere").is_equal


def test_the_original_s_converted_files_go_too_for_there_are_logins_in_them(switched: Switched) -> None:
    switched.folder = switched.legacy.path
    (switched.folder / "auth_tokens.json.migrated").write_text("{}")
    done = switched.retire()
    assert done.target is not None
    assert "auth_tokens.json.migrated" in done.files
    assert not JsonFolder(done.target).read()
    assert [path.name for path in switched.folder.iterdir()] == [done.target.name]


def test_a_target_that_holds_something_else_is_refused(switched: Switched, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    before = everything_in(switched.folder)
    with pytest.raises(ConflictError, match="holds something else"):
        switched.retire(tmp_path / "full")
    assert everything_in(switched.folder) == before


def test_a_second_time_on_one_day_takes_another_name(switched: Switched) -> None:
    switched.retire()
    export_to(switched.legacy, switched.folder.with_name("again"), Format.GEN1)
    for path in switched.folder.with_name("again").iterdir():
        path.rename(switched.folder / path.name)
    assert switched.retire().target == switched.folder / "retired-json-2026-03-04-2"


def test_a_place_without_room_leaves_the_files_where_they_are(
    switched: Switched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copy(source: Path, _target: Path) -> None:
        if source.name == "message_map.json":
            raise OSError(28, "No space left on device")

    before = everything_in(switched.folder)
    monkeypatch.setattr(shutil, "copyfile", copy)
    with pytest.raises(StorageError):
        switched.retire(tmp_path / "elsewhere")
    assert everything_in(switched.folder) == before
    assert not (tmp_path / "elsewhere").exists()


class Death:
    """Of a process that changes files and folders, before the change of that number; afterwards it does nothing."""

    def __init__(self, before: int) -> None:
        self.before = before
        self.done = 0

    @contextmanager
    def coming(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        with monkeypatch.context() as patch:
            for name in ("rename", "replace", "unlink", "rmdir", "mkdir"):
                patch.setattr(os, name, self._counted(getattr(os, name)))
            with suppress(SystemExit):
                yield

    def _counted(self, real: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            self.done += 1
            if self.done >= self.before:
                raise SystemExit
            return real(*arguments, **named)

        return call


@pytest.mark.usefixtures("written")
def test_killed_at_any_step_it_can_be_run_again_and_loses_nothing(
    folder: JsonFolder, make_legacy: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    legacy = make_legacy("empty")
    create_database(legacy.database)
    expected = everything_in(folder.path)
    death = Death(0)
    while death.done >= death.before:
        death = Death(death.before + 1)
        here, target = JsonFolder(tmp_path / f"files-{death.before}"), tmp_path / f"target-{death.before}"
        shutil.copytree(folder.path, here.path)
        with opened(connect_reader(legacy.database, 1)) as connection:
            with death.coming(monkeypatch):
                retire(here, connection, target, NOW)
            assert_nothing_is_lost(here.path, target, expected)
            retire(here, connection, target, NOW)
        assert everything_in(target) == expected
        assert list(here.path.iterdir()) == []
    assert death.before > len(expected)


def assert_nothing_is_lost(folder: Path, target: Path, expected: dict[str, bytes]) -> None:
    """Each file is whole in one of the two places."""
    found = {**everything_in(target), **everything_in(folder)}
    assert expected.keys() <= found.keys()
    assert all(found[name] == content for name, content in expected.items() if name != MODE_FILE)
