"""`tzurot export` as an operator meets it, and the way back that it is for."""

from pathlib import Path

import pytest

from bot.durability.lock import VolumeLock
from tests.cli.conftest import Run


@pytest.mark.parametrize("form", ["gen1", "gen2"])
def test_the_way_back_and_forth_loses_nothing(tzurot: Run, imported: Path, tmp_path: Path, form: str) -> None:
    assert tzurot("export", tmp_path / "back", "--format", form, "--database", imported).code == 0
    again = tmp_path / "again" / "tzurot.db"
    assert tzurot("import", tmp_path / "back", "--database", again).code == 0
    for database in (imported, again):
        assert tzurot("verify", tmp_path / "back", "--database", database).code == 0


def test_it_says_what_was_written_and_that_tokens_are_in_it(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    ended = tzurot("export", tmp_path / "back", "--database", imported)
    assert "personalities.json" in ended.out
    assert "The tokens of users lie in" in ended.out
    assert "in the format of gen2" in ended.out
    assert "snapshot" not in ended.out


def test_its_object_counts_every_file(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    found = tzurot("export", tmp_path / "back", "--json", "--database", imported).json
    assert found["files"]["personalities.json"]["records"] > 66
    assert found["files"]["message_map.json"]["bytes"] == (tmp_path / "back" / "message_map.json").stat().st_size
    assert (found["format"], found["is_final"], found["aside"]) == ("gen2", True, None)
    assert found["kept"]["changes"] > 0


def test_beside_a_running_bot_it_says_that_this_is_a_snapshot(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    with VolumeLock.take(imported.parent, 1):
        ended = tzurot("export", tmp_path / "back", "--database", imported)
    assert ended.code == 0
    assert "this is a snapshot" in ended.out


def test_a_place_where_something_could_be_lost_is_exit_3(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    ended = tzurot("export", tmp_path / "full", "--json", "--database", imported)
    assert (ended.code, ended.json["exit_code"]) == (3, 3)
    assert "notes.txt is there" in ended.json["error"]
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["notes.txt"]


def test_the_folder_of_a_running_bot_is_left_alone(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    with VolumeLock.take(tmp_path / "served", 1):
        ended = tzurot("export", tmp_path / "served", "--database", imported)
    assert ended.code == 3
    assert "served is in use by process" in ended.err
    assert tzurot("export", tmp_path / "served", "--database", imported).code == 0


@pytest.mark.usefixtures("may_begin")
def test_without_a_database_or_a_known_format_nothing_is_made(tzurot: Run, tmp_path: Path) -> None:
    assert tzurot("export", tmp_path / "back", "--database", tmp_path / "no.db").code == 1
    assert tzurot("export", tmp_path / "back", "--format", "gen3").code == 2
    assert list(tmp_path.iterdir()) == []
