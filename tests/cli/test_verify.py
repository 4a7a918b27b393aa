"""`tzurot verify` as an operator meets it: equal or not, and what differs."""

import json
from pathlib import Path

import pytest

from bot.store.engine import connect, opened
from tests.cli.conftest import Run


def test_what_was_imported_is_equal(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    ended = tzurot("verify", tmp_path / "old", "--database", imported)
    assert ended.code == 0
    assert "records on both sides are equal." in ended.out


def test_one_changed_record_is_exit_1_and_is_named_without_what_is_in_it(
    tzurot: Run, imported: Path, tmp_path: Path
) -> None:
    path = tmp_path / "old" / "auth_tokens.json"
    logins = json.loads(path.read_text())
    user = next(iter(logins))
    logins[user]["token"] = "an invented secret"
    path.write_text(json.dumps(logins))
    ended = tzurot("verify", tmp_path / "old", "--database", imported)
    assert ended.code == 1
    assert f"auth_tokens  {user}  different" in ended.out
    assert "invented" not in ended.out
    found = tzurot("verify", tmp_path / "old", "--json", "--database", imported)
    assert found.code == 1
    assert found.json["differences"] == [{"table": "auth_tokens", "key": user, "kind": "different"}]
    assert found.json["tables"]["auth_tokens"]["different"] == 1
    assert not found.json["is_equal"]


def test_a_torn_file_is_exit_1_and_names_its_place(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    (tmp_path / "old" / "message_map.json").write_text('{"1": {')
    ended = tzurot("verify", tmp_path / "old", "--json", "--database", imported)
    assert ended.code == 1
    assert "message_map.json can't be read at line 1" in ended.json["error"]


def test_a_folder_without_data_is_exit_1_with_the_remedy(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    ended = tzurot("verify", tmp_path / "empty", "--database", imported)
    assert ended.code == 1
    assert "holds no data" in ended.err


def test_a_folder_that_is_not_there_is_wrong_usage(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    assert tzurot("verify", tmp_path / "missing", "--database", imported).code == 2


@pytest.mark.parametrize(("mode", "sentence"), [("json", "all there is to compare"), ("database", "no database at")])
def test_without_a_database_there_is_nothing_to_compare(tzurot: Run, tmp_path: Path, mode: str, sentence: str) -> None:
    (tmp_path / "old").mkdir()
    ended = tzurot("verify", tmp_path / "old", STORAGE_MODE=mode)
    assert ended.code == 1
    assert sentence in ended.err


def test_a_message_that_is_gone_from_the_database_is_told(tzurot: Run, imported: Path, tmp_path: Path) -> None:
    with opened(connect(imported, "rw", 5)) as connection:
        (key,) = connection.execute("DELETE FROM message_mappings RETURNING message_id").fetchone()
    found = tzurot("verify", tmp_path / "old", "--json", "--database", imported).json
    assert found["tables"]["message_mappings"]["only_in_folder"] == found["tables"]["message_mappings"]["folder"]
    assert {"table": "message_mappings", "key": str(key), "kind": "only_in_folder"} in found["differences"]
