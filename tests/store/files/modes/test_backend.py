"""What a start in each mode makes of the folder and of the database, and what a stop leaves."""

import errno
import os
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

from bot.errors import ProtectedError, StorageError, UnreadableError
from bot.model import Alias, Personality
from bot.store import aliases, personalities
from bot.store.driver import open_store
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.modes.backend import open_backend
from bot.store.files.modes.scratch import make_private, scratch_path
from bot.store.statement import Statement
from tests.store.modes import NOW, ModeBackend, cipher, rows_of, rows_of_files, settings_of

LILITH = personalities.put(Personality("lilith", "Lilith", 7, NOW))
ALIAS = aliases.add(Alias("lil", "lilith", 7, NOW))
ECHO = personalities.put(Personality("echo", "Echo", 7, NOW))


def made(folder: Path, mode: str, **settings: object) -> ModeBackend:
    backend = ModeBackend(settings_of(folder, mode).model_copy(update=settings))
    if not backend.settings.database_path.exists():
        backend.create()
    return backend


async def write(backend: ModeBackend, *statements: Statement) -> None:
    opened = await backend.open()
    if statements:
        await opened.store.write(*statements)
    await opened.close()


def places(folder: Path) -> dict[str, int]:
    """Every file, and which one it is: a rewritten one is another."""
    return {path.name: path.stat().st_ino for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("mode", ["dual", "shadow"])
async def test_a_start_that_finds_the_files_as_new_as_the_database_writes_none(tmp_path: Path, mode: str) -> None:
    backend = made(tmp_path, mode)
    await write(backend, LILITH)
    before = places(backend.settings.json_folder)
    await write(backend)
    assert places(backend.settings.json_folder) == before


async def test_a_start_in_dual_catches_up_with_what_was_not_flushed(tmp_path: Path) -> None:
    backend = made(tmp_path, "dual")
    await write(backend, LILITH)
    store = await open_store(backend.path, settings=backend.settings)
    await store.write(ECHO)
    await store.close()
    assert rows_of_files(backend.settings) != rows_of(backend.path)
    await write(backend)
    assert rows_of_files(backend.settings) == rows_of(backend.path)


async def test_another_format_rewrites_everything_and_leaves_no_file_of_the_old_one(tmp_path: Path) -> None:
    await write(made(tmp_path, "dual", json_format="gen1"), LILITH, ALIAS)
    assert (tmp_path / "files" / "aliases.json").exists()
    await write(made(tmp_path, "dual", json_format="gen2"))
    assert not (tmp_path / "files" / "aliases.json").exists()
    assert "lil" in (tmp_path / "files" / "personalities.json").read_text()
    await write(made(tmp_path, "dual"), ECHO)  # and stays what it is
    assert not (tmp_path / "files" / "aliases.json").exists()


async def test_in_database_mode_no_folder_is_made(tmp_path: Path) -> None:
    await write(made(tmp_path, "database"), LILITH)
    assert not (tmp_path / "files").exists()


async def test_what_the_original_left_is_served_kept_aside_and_rewritten_in_its_format(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "personalities.json").write_text('{"lilith": {"displayName": "Lilith", "odd": 1}}')
    (folder / "aliases.json").write_text('{"lil": "lilith"}')
    backend = made(tmp_path, "json")
    opened = await backend.open()
    assert [row.full_name for row in await opened.store.look_up(personalities.find_by_name("lil"))] == ["lilith"]
    await opened.store.write(ECHO)
    written = orjson.loads((folder / "personalities.json").read_bytes())
    assert written["lilith"]["odd"] == 1
    assert written["echo"]["displayName"] == "Echo"
    [kept] = folder.glob(".tzurot-original-*")
    assert (kept / "aliases.json").read_text() == '{"lil": "lilith"}'
    await opened.close()


async def test_the_scratch_database_is_private_and_gone_after_the_stop(tmp_path: Path) -> None:
    backend = made(tmp_path, "json")
    opened = await backend.open()
    assert backend.path.exists()
    assert backend.path.parent.stat().st_mode & 0o777 == 0o700
    await opened.store.write(LILITH)
    await opened.close()
    assert not list(backend.path.parent.glob(f"{backend.path.name}*"))
    assert not backend.settings.database_path.exists()


async def test_what_a_killed_bot_left_of_it_is_gone_with_the_next_start_in_any_mode(tmp_path: Path) -> None:
    left = made(tmp_path, "json").path
    make_private(left.parent)
    left.write_bytes(b"of a bot that was killed")
    await write(made(tmp_path, "dual"))
    assert not left.exists()


async def test_a_scratch_folder_that_others_may_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    backend = made(tmp_path, "json")
    backend.path.parent.mkdir(mode=0o755)
    with pytest.raises(ProtectedError, match="others may read it") as caught:
        await backend.open()
    assert caught.value.exit_code == 3


async def test_a_mode_that_would_serve_older_data_is_refused_and_accepted_when_asked(tmp_path: Path) -> None:
    await write(made(tmp_path, "dual"), LILITH)
    await write(made(tmp_path, "json"), ECHO)
    settings = made(tmp_path, "database").settings
    with pytest.raises(ProtectedError, match="served last") as caught:
        await open_backend(settings, cipher())
    assert caught.value.exit_code == 3
    accepted = await open_backend(settings, cipher(), accept_older=True)
    assert await accepted.store.fetch(personalities.get("echo")) == []
    await accepted.close()


async def test_the_folder_says_which_mode_serves_it(tmp_path: Path) -> None:
    for mode in ("dual", "shadow", "json"):
        await write(made(tmp_path, mode), personalities.put(Personality(mode, mode, 7, NOW)))
        state = JsonFolder(tmp_path / "files").read()
        assert state is not None
        assert (state.mode, state.is_final) == (mode, True)


async def test_records_that_make_no_sense_are_named_before_the_files_are_rewritten_without_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "personalities.json").write_text('{"lilith": {"displayName": "Lilith"}, "bad": 7}')
    (folder / "channel_activations.json").write_text('{"123456789012345678": "nobody"}')
    await write(made(tmp_path, "json"), ECHO)
    assert "1 of personalities.json, 1 of channel_activations.json" in caplog.text
    [kept] = folder.glob(".tzurot-original-*")
    assert "nobody" in (kept / "channel_activations.json").read_text()


def test_two_folders_of_one_path_have_each_their_own_scratch_database(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    ours = scratch_path(folder)
    assert scratch_path(folder) == ours
    folder.rename(tmp_path / "another containers")
    folder.mkdir()
    assert scratch_path(folder) != ours


@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS])
async def test_without_a_temporary_directory_json_mode_says_so_and_the_others_do_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    make = Path.mkdir

    def fail(path: Path, *args: Any, **more: Any) -> None:
        if path.name.startswith("tzurot-"):
            raise OSError(fault, os.strerror(fault))
        make(path, *args, **more)

    monkeypatch.setattr(Path, "mkdir", fail)
    with pytest.raises(StorageError, match=r"tzurot-\d+ can't be written"):
        await made(tmp_path, "json").open()
    await write(made(tmp_path / "files", "database"), LILITH)


async def test_where_there_is_no_temporary_directory_at_all_it_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> str:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", fail)
    with pytest.raises(StorageError, match="Set TMPDIR"):
        await made(tmp_path, "json").open()
    await write(made(tmp_path / "files", "database"), LILITH)


async def test_a_start_that_fails_again_and_again_sets_the_files_aside_once(tmp_path: Path) -> None:
    backend = made(tmp_path, "json")
    await write(backend, LILITH)
    folder = backend.settings.json_folder
    (folder / "conversations.json").write_text('{"torn": ')
    for now in (NOW, NOW + timedelta(days=1), NOW + timedelta(days=2)):
        with pytest.raises(UnreadableError):
            await open_backend(backend.settings, cipher(), clock=Mock(return_value=now))
    assert len(list(folder.glob(".tzurot-original-*"))) == 1


@pytest.mark.usefixtures("obeying_permissions")
@pytest.mark.parametrize("name", ["", ".tzurot", ".tzurot-new", "personalities.json", ".tzurot-mode.json"])
async def test_whatever_may_not_be_read_fails_the_write_with_a_sentence(tmp_path: Path, name: str) -> None:
    backend = made(tmp_path, "json")
    opened = await backend.open()
    await opened.store.write(LILITH)
    place = backend.settings.json_folder / name
    mode = place.stat().st_mode
    place.chmod(0)
    with pytest.raises((StorageError, UnreadableError), match=r"can't be (read|written): "):
        await opened.store.write(ECHO)
    place.chmod(mode)
    await opened.store.write(ALIAS)
    await opened.close()
    assert [row[1] for row in rows_of_files(backend.settings)["personalities"]] == ["lilith"]


async def test_what_was_set_aside_at_the_start_is_not_said_to_have_changed_since(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write(made(tmp_path, "dual"), LILITH)
    (tmp_path / "files" / "conversations.json").write_text('{"1-2": {}}')
    again = await open_backend(made(tmp_path, "dual").settings, cipher(), accept_older=True, clock=lambda: NOW)
    await again.close()
    assert "copies of all that is there are in" in caplog.text
    assert "gives way" not in caplog.text
    assert not (tmp_path / "files" / ".tzurot-overtaken").exists()
