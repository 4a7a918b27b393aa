"""A folder held still is what a reader would find in it, whatever its writer does meanwhile."""

import os
from pathlib import Path

import pytest

from bot.errors import StorageError
from bot.store.files.folder import JsonFolder
from bot.store.files.state import FolderState
from bot.store.files.still import clear, hold_still, link
from tests.store.files.conftest import contents


def held(folder: JsonFolder, target: Path) -> dict[str, bytes]:
    return {name: (target / name).read_bytes() for name in folder.names()}


@pytest.fixture
def target(folder: JsonFolder) -> Path:
    return folder.path / ".tzurot-shadow"


def test_its_files_stay_as_they_were_while_the_folder_goes_on(
    folder: JsonFolder, written: FolderState, target: Path
) -> None:
    hold_still(folder.path, target, link)
    before = held(folder, target)
    folder.commit(contents(aliases={"new": "er"}), written, drop=("blacklist.json",))
    assert {name: (target / name).read_bytes() for name in before} == before
    assert JsonFolder(target).read() == written
    assert JsonFolder(target).changed(written) == ()


def test_what_a_killed_commit_has_still_to_rename_and_delete_is_done_there_and_only_there(
    folder: JsonFolder, written: FolderState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("bot.store.files.commit.Committer.finish", lambda *_: None)
        state = folder.commit(contents(aliases={"new": "er"}), written, drop=("blacklist.json",))
    before = {path: path.stat().st_mtime_ns for path in sorted(folder.path.rglob("*"))}
    hold_still(folder.path, tmp_path / "held")
    assert (tmp_path / "held/aliases.json").read_bytes() == b'{"new": "er"}'
    assert not (tmp_path / "held/blacklist.json").exists()
    assert JsonFolder(tmp_path / "held").changed(state) == ()
    assert {path: path.stat().st_mtime_ns for path in sorted(folder.path.rglob("*"))} == before


def test_it_is_for_this_user_alone_and_takes_the_place_of_an_older_one(
    folder: JsonFolder, written: FolderState, target: Path
) -> None:
    for _ in range(2):
        hold_still(folder.path, target, link)
        (target / "left").touch()
    assert target.stat().st_mode & 0o077 == 0
    hold_still(folder.path, target, link)
    assert not (target / "left").exists()
    clear(target)
    clear(target)
    assert not target.exists()


def test_where_files_can_have_only_one_name_they_are_copied(
    folder: JsonFolder, written: FolderState, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    hold_still(folder.path, target, link)
    assert (target / "aliases.json").stat().st_nlink == 1
    assert JsonFolder(target).changed(written) == ()


def test_a_file_that_is_gone_is_gone_there_too(folder: JsonFolder, written: FolderState, target: Path) -> None:
    (folder.path / "aliases.json").unlink()
    hold_still(folder.path, target, link)
    assert JsonFolder(target).changed(written) == ("aliases.json",)


def test_a_place_that_cant_be_written_is_told(folder: JsonFolder, written: FolderState, target: Path) -> None:
    target.write_text("in the way")
    with pytest.raises(StorageError, match="tzurot-shadow can't be written"):
        hold_still(folder.path, target, link)
