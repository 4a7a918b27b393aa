"""Unreadable is never empty: nothing is written, and the sentence says which file, which line, which column."""

import errno
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from bot.errors import InvalidInputError, UnreadableError
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.legacy.folder import KNOWN
from bot.store.migrate import create_database


def refuse(legacy: Any) -> str:
    create_database(legacy.database)
    before = legacy.dump()
    with pytest.raises(UnreadableError) as caught:
        legacy.bring_in()
    assert legacy.dump() == before
    assert not legacy.database.with_name("tzurot.db.import-rejects.json").exists()
    return str(caught.value)


@pytest.mark.parametrize("name", KNOWN)
def test_a_torn_file_of_any_kind_stops_everything(flat: Any, name: str) -> None:
    flat.write_bytes(name, b'{\n  "1": {\n    "a": tru')
    sentence = refuse(flat)
    assert name in sentence
    assert "line 3, column 10" in sentence or "a list is expected" in sentence


@pytest.mark.parametrize("name", KNOWN)
def test_an_empty_file_is_unreadable(flat: Any, name: str) -> None:
    flat.write_bytes(name, b"")
    assert f"{name} can't be read at line 1, column 1: it is empty" in refuse(flat)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"[]", "line 1, column 1: it holds a list where an object"),
        (b'  "x"', "line 1, column 3: it holds a text"),
        (b"<html>", "line 1, column 1: it holds something that is no JSON"),
        (b'{"a": 1\n', "line 2, column 1"),
        (b'{"a": 1}\n}', "line 2, column 1: something follows"),
        (b'{"a": 1,}', "line 1, column 9: a key in double quotes"),
        (b'{"a" 1}', "line 1, column 6: a colon"),
        (b'{"a": "\xff"}', "line 1, column 8: it is not UTF-8"),
        (b'{\n"\xc3\xa9": "x\xc3', "line 2, column 8: it is not UTF-8"),
        (b'{"a": NaN}', "NaN is no JSON"),
        (b'{"a": "x\ny"}', "line 1, column 9"),
        (b"[" * 100_000, "a list where an object"),
        (b'{"a": ' + b"[" * 100_000, "line 1, column 7"),
        (b"\0" * 4096, "line 1, column 1"),
    ],
)
def test_the_place_is_named(legacy: Any, content: bytes, place: str) -> None:
    legacy.write_bytes("aliases.json", content)
    assert place in refuse(legacy)


def test_every_unreadable_file_is_named_at_once(flat: Any) -> None:
    flat.write_bytes("aliases.json", b"{")
    flat.write_bytes("conversations.json", b"")
    sentence = refuse(flat)
    assert "aliases.json" in sentence
    assert "conversations.json" in sentence
    assert "--skip-unreadable" in sentence


def test_a_folder_in_place_of_a_file_is_unreadable(flat: Any) -> None:
    (flat.path / "message_map.json").unlink()
    (flat.path / "message_map.json").mkdir()
    assert "message_map.json is a folder" in refuse(flat)


@pytest.mark.usefixtures("obeying_permissions")
def test_a_file_that_may_not_be_read_is_unreadable(flat: Any) -> None:
    (flat.path / "aliases.json").chmod(0)
    assert "aliases.json can't be opened" in refuse(flat)


def test_a_folder_that_can_not_be_listed_is_no_empty_one(flat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def fail(path: Any) -> Any:
        if Path(path) == flat.path:
            raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", fail)
    assert f"{flat.path} can't be read: Input/output error" in refuse(flat)
    with pytest.raises(UnreadableError):
        JsonFolder(flat.path).has_data()


def test_the_rest_is_imported_where_that_is_wanted(flat: Any) -> None:
    flat.write_bytes("conversations.json", b"{")
    report = flat.bring_in(may_skip_unreadable=True)
    assert "conversations.json" in report.skipped[0]
    assert report.tables["conversations"].read == 0
    assert report.tables["personalities"].imported == 2


def test_a_large_torn_file_is_found_torn_where_it_is(flat: Any) -> None:
    entry = b'  "1379000001522532352": {"personalityName": "rook"},\n'
    flat.write_bytes("message_map.json", b"{\n" + entry * 30_000 + b'  "13')
    assert "message_map.json can't be read at line 30002, column 3" in refuse(flat)


def test_a_folder_without_any_known_file_is_refused(tmp_path: Path, legacy: Any) -> None:
    with pytest.raises(InvalidInputError, match="no data of the JavaScript original"):
        legacy.bring_in(tmp_path)
    with pytest.raises(InvalidInputError, match="is no folder"):
        legacy.bring_in(tmp_path / "missing")


def test_the_source_is_never_touched(flat: Any) -> None:
    files = [path for path in flat.path.rglob("*") if path.is_file()]
    for path in files:
        path.chmod(stat.S_IRUSR)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    flat.path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
    flat.bring_in()
    flat.bring_in(is_dry_run=True)
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in flat.path.rglob("*")} == before
    flat.path.chmod(stat.S_IRWXU)
