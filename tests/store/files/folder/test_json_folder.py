"""The folder's commit: all files or none, whatever goes wrong."""

import errno
import os
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import BusyError, StorageError, UnreadableError
from bot.store.files.folder.disk import locked
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import MODE_FILE, FolderState
from tests.store.conftest import file_size_limit
from tests.store.files.conftest import EMPTY, NOW, contents


def shown(folder: JsonFolder) -> dict[str, bytes]:
    """Every file under its name, without what only a commit in progress needs."""
    paths = (path for path in sorted(folder.path.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in paths}


def test_a_commit_writes_its_files_and_the_state(folder: JsonFolder, written: FolderState) -> None:
    assert (folder.path / "aliases.json").read_bytes() == b'{"a": "b"}'
    assert (folder.path / "avatars/metadata.json").read_bytes() == b"{}"
    assert folder.read() == written
    assert folder.changed(written) == ()
    assert sorted(written.files) == ["aliases.json", "avatars/metadata.json", "blacklist.json", "conversations.json"]


def test_a_commit_keeps_the_other_files_and_drops_what_it_is_told_to(folder: JsonFolder, written: FolderState) -> None:
    later = replace(written, counter=2)
    state = folder.commit(contents(aliases={"c": "d"}), later, drop=("blacklist.json", "aliases.json", "none.json"))
    assert folder.read() == state
    assert sorted(state.files) == ["aliases.json", "avatars/metadata.json", "conversations.json"]
    assert sorted(shown(folder)) == sorted([*state.files, MODE_FILE])
    assert folder.changed(state) == ()


def test_a_dropped_file_that_somebody_makes_anew_stays(folder: JsonFolder, written: FolderState) -> None:
    same = (folder.path / "blacklist.json").read_bytes()
    state = folder.commit((), written, drop=("blacklist.json",))
    (folder.path / "blacklist.json").write_bytes(same)
    folder.recover()
    folder.commit(contents(aliases={}), state)
    assert (folder.path / "blacklist.json").read_bytes() == same


def test_everything_is_for_this_user_alone(folder: JsonFolder, written: FolderState) -> None:
    modes = {path.is_dir(): stat.S_IMODE(path.stat().st_mode) for path in folder.path.rglob("*")}
    assert modes == {False: 0o600, True: 0o700}


def test_a_file_that_stays_the_same_is_left_alone(folder: JsonFolder, written: FolderState) -> None:
    before = {name: (folder.path / name).stat().st_ino for name in written.files}
    folder.commit(contents(aliases={"a": "b"}, conversations={"new": 1}), written)
    after = {name: (folder.path / name).stat().st_ino for name in written.files}
    assert {name for name in before if before[name] != after[name]} == {"conversations.json"}


def test_a_file_that_was_taken_away_is_written_again(folder: JsonFolder, written: FolderState) -> None:
    (folder.path / "aliases.json").unlink()
    state = folder.commit(contents(aliases={"a": "b"}), written)
    assert folder.changed(state) == ()


def test_a_file_that_another_program_changed_is_written_again(folder: JsonFolder, written: FolderState) -> None:
    (folder.path / "aliases.json").write_bytes(b'{"a": "x"}')
    state = folder.commit(contents(aliases={"a": "b"}), written)
    assert folder.changed(state) == ()


def test_changes_by_other_programs_are_named(folder: JsonFolder, written: FolderState) -> None:
    (folder.path / "aliases.json").write_bytes(b"{}")
    (folder.path / "conversations.json").unlink()
    (folder.path / "auth.json").write_bytes(b"{}")
    (folder.path / "notes.txt").write_bytes(b"no data of the original")
    assert folder.changed(written) == ("aliases.json", "auth.json", "conversations.json")


def test_a_folder_that_is_not_there_is_unmanaged_and_empty(folder: JsonFolder) -> None:
    folder.recover()
    assert (folder.read(), folder.has_data(), folder.data_files()) == (None, False, {})
    assert folder.set_aside(NOW) is None


def test_a_folder_of_the_original_has_data_but_no_state(folder: JsonFolder) -> None:
    (folder.path / "avatars/images").mkdir(parents=True)
    (folder.path / "avatars/images/x.png").write_bytes(b"png")
    (folder.path / "aliases.json").write_bytes(b"{}")
    (folder.path / "volume_test.txt").write_bytes(b"")
    assert folder.read() is None
    assert folder.has_data()
    assert sorted(folder.data_files()) == ["aliases.json", "avatars/images/x.png"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"version": 1}',
        b'{"version": 2}',
        b'{"version": 1, "lineage": 1, "mode": "json", "counter": 1, "format": "gen1", "is_final": true}',
    ],
)
def test_a_mode_file_that_can_not_be_understood_is_never_unmanaged(folder: JsonFolder, content: bytes) -> None:
    folder.path.mkdir()
    (folder.path / MODE_FILE).write_bytes(content)
    (folder.path / "aliases.json").write_bytes(b"{}")
    for look in (folder.read, folder.has_data, folder.recover, lambda: folder.commit(contents(aliases=1), EMPTY)):
        with pytest.raises(UnreadableError, match=MODE_FILE):
            look()
    assert (folder.path / "aliases.json").read_bytes() == b"{}"


def test_a_record_never_leads_out_of_the_folder(folder: JsonFolder, written: FolderState) -> None:
    path = folder.path / MODE_FILE
    path.write_bytes(path.read_bytes().replace(b'"aliases.json"', b'"../aliases.json"'))
    with pytest.raises(UnreadableError):
        folder.recover()
    with pytest.raises(ValueError, match="out of the folder"):
        JsonFolder(folder.path / "other").commit([("../x", ())], EMPTY)


def test_a_full_disk_leaves_everything_as_it_was(folder: JsonFolder, written: FolderState) -> None:
    before = shown(folder)
    with file_size_limit(2000), pytest.raises(StorageError, match=r"conversations\.json|tzurot-new.* full"):
        folder.commit(contents(aliases={"n": "m"}, conversations={"x": "y" * 5000}), written)
    assert shown(folder) == before
    assert folder.read() == written


def test_contents_that_fail_leave_everything_as_it_was(folder: JsonFolder, written: FolderState) -> None:
    def failing() -> Iterator[Any]:
        yield from contents(aliases={"n": "m"})
        raise StorageError("The database refused.")

    before = shown(folder)
    with pytest.raises(StorageError, match="refused"):
        folder.commit(failing(), written)
    assert shown(folder) == before


def test_a_folder_in_a_files_place_stops_the_commit_before_it(folder: JsonFolder, written: FolderState) -> None:
    (folder.path / "auth.json").mkdir()
    before = shown(folder)
    with pytest.raises(StorageError, match=r"auth\.json can't be written: it is a folder"):
        folder.commit(contents(aliases={"n": "m"}, auth={}), written)
    assert shown(folder) == before


@pytest.mark.parametrize(
    ("code", "words"), [(errno.EROFS, "read-only"), (errno.ENOSPC, "full"), (errno.EIO, "Input/output error")]
)
def test_a_failing_disk_is_named_with_its_file(
    folder: JsonFolder, written: FolderState, monkeypatch: pytest.MonkeyPatch, code: int, words: str
) -> None:
    def refuse(*_args: Any, **_more: Any) -> int:
        raise OSError(code, os.strerror(code))

    before = shown(folder)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        with pytest.raises(StorageError, match=words) as raised:
            folder.commit(contents(aliases={"n": "m"}), written)
    assert str(folder.path) in str(raised.value)
    folder.recover()
    assert shown(folder) == before


def test_a_rename_that_fails_after_the_commit_is_finished_later(
    folder: JsonFolder, written: FolderState, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def refuse(path: Path, target: Path) -> Path:
        if target.name == "aliases.json":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", refuse)
        state = folder.commit(contents(aliases={"n": "m"}), written)
    assert (folder.path / "aliases.json").read_bytes() == b'{"a": "b"}'
    # Whoever only looks sees what was committed.
    assert folder.read() == state
    assert folder.changed(state) == ()
    assert folder.locate("aliases.json").read_bytes() == b'{"n": "m"}'
    state = folder.commit(contents(conversations={}), state)
    assert (folder.path / "aliases.json").read_bytes() == b'{"n": "m"}'
    assert folder.changed(state) == ()


def test_what_another_program_wrote_after_a_torn_commit_stays(
    folder: JsonFolder, written: FolderState, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.replace

    def die(path: Path, target: Path) -> Path:
        if target.name != MODE_FILE:
            raise KeyboardInterrupt
        return real(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", die)
        with pytest.raises(KeyboardInterrupt):
            folder.commit(contents(aliases={"n": "m"}, conversations={}), written)
    (folder.path / "aliases.json").write_bytes(b'{"theirs": 1}')
    folder.recover()
    state = folder.read()
    assert state is not None
    assert (folder.path / "aliases.json").read_bytes() == b'{"theirs": 1}'
    assert (folder.path / ".tzurot-overtaken/aliases.json").read_bytes() == b'{"n": "m"}'
    assert (folder.path / "conversations.json").read_bytes() == b"{}"
    assert folder.changed(state) == ("aliases.json",)


def test_a_folder_that_vanished_is_not_made_again(folder: JsonFolder, written: FolderState) -> None:
    folder.path.rename(folder.path.with_name("elsewhere"))
    with pytest.raises(StorageError, match="is gone"):
        folder.commit(contents(aliases={}), written)
    folder.path.mkdir()
    with pytest.raises(StorageError, match="are gone"):
        folder.commit(contents(aliases={}), written)
    assert shown(folder) == {}


def test_what_is_set_aside_is_a_copy_under_its_time(folder: JsonFolder, written: FolderState) -> None:
    folder.commit(contents(**{".tzurot__turns": []}), written)
    before = shown(folder)
    first = folder.set_aside(NOW)
    assert first is not None
    assert shown(JsonFolder(first)) == before
    (folder.path / "aliases.json").write_bytes(b"written in its place")
    second = folder.set_aside(NOW)
    (folder.path / "blacklist.json").unlink()
    third = folder.set_aside(NOW + timedelta(seconds=1))
    assert [path.name for path in (first, second, third) if path] == [
        ".tzurot-original-2026-03-04T05-06-07Z",
        ".tzurot-original-2026-03-04T05-06-07Z-2",
        ".tzurot-original-2026-03-04T05-06-08Z",
    ]
    assert shown(JsonFolder(first)) == before


def test_what_has_been_set_aside_is_not_copied_again_while_it_stays_the_same(
    folder: JsonFolder, written: FolderState
) -> None:
    kept = folder.set_aside(NOW)
    for minutes in range(3):
        assert folder.set_aside(NOW + timedelta(minutes=minutes)) == kept
    assert len(list(folder.path.glob(".tzurot-original-*"))) == 1


def test_a_full_disk_leaves_no_half_copy(folder: JsonFolder, written: FolderState) -> None:
    folder.commit(contents(auth={"x": "y" * 5000}), written)
    with file_size_limit(2000), pytest.raises(StorageError, match="full"):
        folder.set_aside(NOW)
    assert {path.name for path in folder.path.iterdir() if path.name.startswith(".tzurot")} == {
        MODE_FILE,
        ".tzurot-new",
    }


def test_a_copy_is_the_state_and_leaves_the_folder_alone(
    folder: JsonFolder, written: FolderState, tmp_path: Path
) -> None:
    (folder.path / "notes.txt").write_bytes(b"no data")
    (folder.path / "auth.json").write_bytes(b"of another program")
    (folder.path / "blacklist.json").unlink()
    before = shown(folder)
    copy = folder.copy_to(tmp_path / "copy")
    assert shown(folder) == before
    assert copy.read() == written
    assert copy.changed(written) == folder.changed(written) == ("auth.json", "blacklist.json")
    assert not (copy.path / "notes.txt").exists()


def test_a_copy_of_an_unfinished_commit_is_finished(
    folder: JsonFolder, written: FolderState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("bot.store.files.folder.commit.Committer.finish", lambda *_: None)
        state = folder.commit(contents(aliases={"n": "m"}), written, drop=("blacklist.json",))
    assert not folder.is_settled()
    copy = folder.copy_to(tmp_path / "copy")
    assert copy.is_settled()
    assert copy.read() == state
    assert copy.changed(state) == ()
    assert (copy.path / "aliases.json").read_bytes() == b'{"n": "m"}'
    folder.recover()
    assert folder.is_settled()


def test_a_copy_beside_a_writer_is_of_one_moment(folder: JsonFolder, written: FolderState, tmp_path: Path) -> None:
    stop, copies = threading.Event(), 0

    def go_on_writing() -> None:
        state, number = written, 0
        while not stop.is_set():
            number += 1
            files = contents(aliases={"n": number}, conversations={"n": number}, avatars__metadata={"n": number})
            state = folder.commit(files, replace(state, counter=number))

    writer = threading.Thread(target=go_on_writing)
    writer.start()
    try:
        for copies in range(1, 11):
            copy = folder.copy_to(tmp_path / f"copy-{copies}")
            state = copy.read()
            assert state is not None
            assert copy.changed(state) == ()
    finally:
        stop.set()
        writer.join()
    assert copies == 10


def test_a_folder_that_another_process_writes_into_is_waited_for(
    folder: JsonFolder, written: FolderState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.store.files.folder.disk.LOCK_SECONDS", 0.05)
    with locked(folder.path), pytest.raises(BusyError, match="Another process"):
        folder.commit(contents(aliases={}), written)
    assert folder.changed(folder.commit(contents(aliases={}), written)) == ()


def test_what_lies_behind_a_link_is_nobodys_file_here(folder: JsonFolder, tmp_path: Path) -> None:
    (tmp_path / "pictures/images").mkdir(parents=True)
    (tmp_path / "pictures/images/one.png").write_bytes(b"x")
    folder.path.mkdir()
    (folder.path / "avatars").symlink_to(tmp_path / "pictures")
    assert folder.original_files() == []
    (folder.path / "aliases.json").write_text("{}")
    assert folder.original_files() == ["aliases.json"]
