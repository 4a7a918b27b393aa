"""Commands where the JSON files are the truth: they read them like a database, and leave them as they are."""

import asyncio
import base64
import hashlib
from pathlib import Path

import orjson
import pytest

from bot.durability.lock import VolumeLock
from bot.settings import load_settings
from bot.store.cipher import cipher_from
from bot.store.engine import connect, opened
from bot.store.files.modes.backend import open_backend
from bot.store.files.modes.scratch import clear_scratch, scratch_path
from bot.store.inspection import FileKind, inspect_file
from bot.store.statement import Statement
from tests.cli.conftest import Run

KEY = base64.b64encode(b"k" * 32).decode()
USER = 900000000000000001
FILES = {
    "personalities.json": {"ada-lovelace": {"fullName": "ada-lovelace", "displayName": "Ada", "addedBy": str(USER)}},
    "aliases.json": {"ada": "ada-lovelace"},
    "auth_tokens.json": {str(USER): {"token": "invented-token", "createdAt": 1_767_225_600_000}},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "json"
    path.mkdir()
    for name, content in FILES.items():
        (path / name).write_bytes(orjson.dumps(content))
    return path


@pytest.fixture
def in_json_mode(tzurot: Run, folder: Path) -> Run:
    environment = {
        "STORAGE_MODE": "json",
        "JSON_DIR": str(folder),
        "ENCRYPTION_KEYS": KEY,
    }
    return lambda *arguments, **more: tzurot(*arguments, **environment | more)


def digests(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def test_what_the_files_hold_is_asked_like_a_database(in_json_mode: Run, folder: Path) -> None:
    before = digests(folder)
    asked = in_json_mode("sql", "--json", "select alias, personality_name from personality_aliases")
    assert asked.json["rows"] == [{"alias": "ada", "personality_name": "ada-lovelace"}]
    assert in_json_mode("status", "--json").json["tables"]["auth_tokens"] == 1
    assert digests(folder) == before


def test_no_token_of_the_files_is_shown(in_json_mode: Run) -> None:
    asked = in_json_mode("sql", "select * from auth_tokens")
    assert str(USER) in asked.out
    assert "invented-token" not in asked.out


def test_a_backup_is_a_database(in_json_mode: Run, tmp_path: Path) -> None:
    assert in_json_mode("backup", tmp_path / "copy.db").code == 0
    assert inspect_file(tmp_path / "copy.db", full=True).kind is FileKind.OK
    named = in_json_mode("sql", "--json", "select count(*) as n from personalities", "--database", tmp_path / "copy.db")
    assert named.json["rows"] == [{"n": 1}]


def test_a_copy_is_held_against_the_files(in_json_mode: Run, tmp_path: Path) -> None:
    in_json_mode("backup", tmp_path / "copy.db")
    with opened(connect(tmp_path / "copy.db", "rw", 5)) as connection:
        connection.execute("DELETE FROM personality_aliases")
    found = in_json_mode("diff", "--json", tmp_path / "copy.db").json["tables"]["personality_aliases"]
    assert (found["only_here"], found["only_there"]) == (1, 0)


def test_status_says_that_the_files_are_all_there_is(in_json_mode: Run, folder: Path) -> None:
    told = in_json_mode("status").out
    assert "json: the JSON files" in told
    assert "NO COPY: JSON files are not copied" in told
    seen = in_json_mode("status", "--json").json
    assert seen["database"]["path"] is None
    assert seen["storage"] == {
        "mode": "json",
        "served_mode": None,
        "counter": 0,
        "switched_at": None,
        "folder": str(folder),
        "folder_problem": None,
        "folder_mode": None,
        "format": None,
        "folder_counter": None,
        "folder_written_at": None,
        "changed_files": [],
        "is_current": None,
        "refusal": None,
        "due_since": None,
        "files_error": None,
        "days_left": None,
        "may_retire": None,
        "shadow": {"compared": 0, "compared_at": None, "mismatches": []},
        "import": None,
    }


def test_beside_the_running_bot_its_own_state_is_read(in_json_mode: Run, folder: Path) -> None:
    settings = load_settings({"storage_mode": "json", "json_dir": folder, "encryption_keys": KEY})
    written = Statement("INSERT INTO blacklist VALUES (4711, 0, NULL, 0, '2026-01-01T00:00:00.000Z', NULL, NULL)")
    with VolumeLock.take(folder, 1), asyncio.Runner() as runner:
        backend = runner.run(open_backend(settings, cipher_from(settings)))
        runner.run(backend.store.write(written))
        seen = in_json_mode("status", "--json").json
        asked = in_json_mode("sql", "--json", "select user_id from blacklist").json["rows"]
        runner.run(backend.close())
    assert asked == [{"user_id": "4711"}]
    assert seen["database"]["path"] == str(scratch_path(folder))
    assert seen["process"]["is_running"]
    kept = seen["storage"]
    assert (kept["mode"], kept["served_mode"], kept["folder_mode"], kept["is_current"]) == (
        "json",
        "json",
        "json",
        True,
    )
    assert kept["counter"] == kept["folder_counter"] > 0


def test_what_a_killed_bot_left_in_memory_is_not_taken_for_the_files(in_json_mode: Run, folder: Path) -> None:
    settings = load_settings({"storage_mode": "json", "json_dir": folder, "encryption_keys": KEY})
    with asyncio.Runner() as runner:
        backend = runner.run(open_backend(settings, cipher_from(settings)))
        runner.run(backend.store.write(Statement("DELETE FROM personality_aliases")))
        left = {path: path.read_bytes() for path in scratch_path(folder).parent.glob(f"{scratch_path(folder).name}*")}
        runner.run(backend.close())
    for path, content in left.items():
        path.write_bytes(content)
    people = folder / "personalities.json"
    people.write_bytes(people.read_bytes().replace(b"ada-lovelace", b"ada-byron"))
    before = digests(folder)
    asked = in_json_mode("sql", "--json", "select full_name from personalities where is_active = 1")
    clear_scratch(scratch_path(folder))
    assert asked.json["rows"] == [{"full_name": "ada-byron"}]
    assert digests(folder) == before


def test_without_files_there_is_nothing_to_read(in_json_mode: Run, tmp_path: Path) -> None:
    ended = in_json_mode("status", JSON_DIR=str(tmp_path / "nowhere"))
    assert ended.code == 1
    assert "There are no JSON files" in ended.err
    assert not (tmp_path / "nowhere").exists()


def test_a_file_that_cant_be_read_is_named(in_json_mode: Run, folder: Path) -> None:
    (folder / "aliases.json").write_text('{"ada": ')
    for command in (("status",), ("sql", "select 1"), ("backup", folder.parent / "copy.db")):
        ended = in_json_mode(*command)
        assert ended.code == 1
        assert "aliases.json" in ended.err
    assert not (folder.parent / "copy.db").exists()


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [(("undo", "personality", "ada-lovelace"), "say `undo` to the bot"), (("drill",), "Copy that folder elsewhere")],
)
def test_what_has_no_place_there_says_what_to_do_instead(
    in_json_mode: Run, folder: Path, arguments: tuple[str, ...], instead: str
) -> None:
    ended = in_json_mode(*arguments)
    assert ended.code == 2
    assert str(folder) in ended.err
    assert instead in ended.err


def test_the_files_are_exported_in_the_other_format(in_json_mode: Run, folder: Path, tmp_path: Path) -> None:
    before = digests(folder)
    ended = in_json_mode("export", tmp_path / "nested", "--format", "gen2", "--json")
    assert (ended.code, ended.json["is_final"]) == (0, True)
    assert (
        orjson.loads((tmp_path / "nested" / "auth.json").read_bytes())[str(USER)]["token"]["value"] == "invented-token"
    )
    assert {name: digest for name, digest in digests(folder).items() if name != ".tzurot.lock"} == before


def test_beside_the_bot_its_own_folder_is_no_place_for_an_export(in_json_mode: Run, folder: Path) -> None:
    before = digests(folder)
    with VolumeLock.take(folder, 1):
        ended = in_json_mode("export", folder)
    assert ended.code == 3
    assert "the running bot's own folder" in ended.err
    assert {name: digest for name, digest in digests(folder).items() if name != ".tzurot.lock"} == before
