"""A database written as a folder and loaded again is the same database, every row and column of it."""

import json
import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import ProtectedError, UnreadableError
from bot.store.engine import connect, opened
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.load import empty_tables
from bot.store.files.plan import Format
from bot.store.files.rest.tables import REST_TABLES
from bot.store.inspection import TABLES
from bot.store.storage import OWN_TABLES
from tests.store.conftest import make_key
from tests.store.files.lived import empty_database, live, opened_state_of, read_in, state_of, write_out
from tests.store.legacy.conftest import write_flat, write_nested
from tests.store.legacy.test_properties import MUTATIONS, mutate

FORMATS = pytest.mark.parametrize("target", list(Format))
NUMBERS = count()


def test_the_folder_follows_every_table_but_those_about_this_database(flat: Any) -> None:
    flat.bring_in()
    with opened(connect(flat.database, "ro", 1)) as connection:
        tables = {row["name"] for row in connection.execute(TABLES)}
    assert {table.name for table in REST_TABLES} == tables - OWN_TABLES - {"_sqlite_migrations"}


@FORMATS
def test_a_database_that_lived_comes_back_the_same(legacy: Any, folder: JsonFolder, target: Format) -> None:
    legacy.bring_in()
    live(legacy)
    write_out(legacy, folder, target)
    report = read_in(legacy, folder, folder.path.with_suffix(".db"))
    expected = state_of(legacy.database)
    assert state_of(folder.path.with_suffix(".db")) == expected
    assert {name: count.read for name, count in report.tables.items()} == {
        table.name: len(expected[table.name]) for table in REST_TABLES
    }
    assert report.rejects == []


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mutations=MUTATIONS, write=st.sampled_from([write_flat, write_nested]), target=st.sampled_from(list(Format)))
def test_any_folder_comes_back_the_same_in_both_formats(
    make_legacy: Any, mutations: Any, write: Any, target: Format
) -> None:
    source = make_legacy(f"source-{next(NUMBERS)}")
    write(source)
    source.database.parent.mkdir()
    source.database.write_bytes(empty_database())
    files = {path.name: json.loads(path.read_bytes()) for path in sorted(source.path.iterdir()) if path.is_file()}
    mutate(files, mutations)
    for name, content in files.items():
        source.write_bytes(name, json.dumps(content).encode())
    try:
        source.bring_in()
    except UnreadableError:
        return  # a whole file became something else
    live(source)
    folder = JsonFolder(source.path.parent / "out")
    write_out(source, folder, target)
    expected = state_of(source.database)
    read_in(source, folder, source.path.with_suffix(".db"))
    assert state_of(source.path.with_suffix(".db")) == expected
    read_in(source, folder, source.path.with_suffix(".records.db"), by_records=True)
    assert opened_state_of(source, source.path.with_suffix(".records.db")) == opened_state_of(source, source.database)
    shutil.rmtree(source.path.parent)


def test_a_folder_of_the_original_loads_like_an_import_that_nobody_did(legacy: Any) -> None:
    legacy.bring_in()
    database = legacy.path.with_suffix(".db")
    read_in(legacy, JsonFolder(legacy.path), database)
    loaded, imported = state_of(database), state_of(legacy.database)
    assert loaded.pop("changes") == []
    assert len(imported.pop("changes")) > 0
    kept = set(loaded) - {"auth_tokens", "nsfw_verifications", "sequences"}  # encrypted anew
    assert {name: loaded[name] for name in kept} == {name: imported[name] for name in kept}
    assert len(loaded["auth_tokens"]) == len(imported["auth_tokens"])


@FORMATS
def test_records_say_the_same_as_the_rest(legacy: Any, folder: JsonFolder, target: Format) -> None:
    legacy.bring_in()
    live(legacy)
    write_out(legacy, folder, target)
    read_in(legacy, folder, folder.path.with_suffix(".db"), by_records=True)
    assert opened_state_of(legacy, folder.path.with_suffix(".db")) == opened_state_of(legacy, legacy.database)


def test_a_record_that_was_written_wrong_shows_in_what_the_records_say(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    live(flat)
    flat.execute("INSERT INTO blacklist VALUES (5, 0, 'spam', 6, '2026-01-01T00:00:00.000Z', NULL, NULL)")
    write_out(flat, folder, Format.GEN2)
    state = folder.read()
    assert state is not None
    wrong = (folder.path / "blacklist.json").read_bytes().replace(b"spam", b"ham")
    folder.commit([("blacklist.json", (wrong,)), ("auto_response.json", (b"[]",))], state)
    read_in(flat, folder, folder.path.with_suffix(".db"), by_records=True)
    read, expected = state_of(folder.path.with_suffix(".db")), state_of(flat.database)
    assert [row[2] for row in read["blacklist"] if row[0] == 5] == ["ham"]
    assert read["auto_responses"] == []
    assert {name for name in read if read[name] != expected[name]} <= {"blacklist", "auto_responses", "auth_tokens"}


@FORMATS
def test_a_file_that_another_program_changed_counts_alone(legacy: Any, folder: JsonFolder, target: Format) -> None:
    legacy.bring_in()
    live(legacy)
    write_out(legacy, folder, target)
    conversations = {"5-6": {"personalityName": "gull", "messageIds": [], "timestamp": 1772000000000}}
    (folder.path / "conversations.json").write_text(json.dumps(conversations))
    database = folder.path.with_suffix(".db")
    read_in(legacy, folder, database)
    loaded, before = state_of(database), state_of(legacy.database)
    assert [row[1:4] for row in loaded.pop("conversations")] == [(6, 5, "gull")]
    before.pop("conversations")
    assert loaded == before


@FORMATS
def test_personalities_keep_their_numbers_whoever_changed_their_file(
    legacy: Any, folder: JsonFolder, target: Format
) -> None:
    legacy.bring_in()
    live(legacy)
    write_out(legacy, folder, target)
    path = folder.path / "personalities.json"
    content = json.loads(path.read_bytes())
    people = content.get("personalities", content)
    del people["gull"]
    people["new"] = {**people["rook"], "fullName": "new", "id": "new"}
    path.write_text(json.dumps(content))
    database = folder.path.with_suffix(".db")
    read_in(legacy, folder, database)
    before = {row[1]: row[0] for row in state_of(legacy.database)["personalities"]}
    loaded = {row[1]: row[0] for row in state_of(database)["personalities"]}
    assert {name: loaded[name] for name in before} == before
    assert loaded["new"] == max(before.values()) + 1
    # Who was taken out has spoken, but speaks no more.
    with opened(connect(database, "ro", 1)) as connection:
        gull = connection.execute("SELECT * FROM personalities WHERE full_name = 'gull'").fetchone()
        named = connection.execute("SELECT * FROM personality_aliases WHERE personality_name = 'gull'").fetchall()
        active = connection.execute("SELECT * FROM channel_activations WHERE personality_name = 'gull'").fetchall()
    assert (gull["is_active"], gull["metadata"], named, active) == (0, '{"context":false}', [], [])
    assert state_of(database)["turns"] == state_of(legacy.database)["turns"]


def test_a_torn_file_of_the_original_stops_the_load(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    write_out(flat, folder, Format.GEN1)
    (folder.path / "conversations.json").write_bytes(b'{"1-2": {')
    with pytest.raises(UnreadableError, match=r"^conversations\.json can't be read at line 1"):
        read_in(flat, folder, folder.path.with_suffix(".db"))


def damage(path: Path, how: str) -> None:
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-4])


@pytest.mark.parametrize("how", ["gone", "cut"])
@pytest.mark.parametrize("name", ["turns", "conversations", "personalities"])
def test_a_rest_that_is_damaged_is_never_empty(flat: Any, folder: JsonFolder, name: str, how: str) -> None:
    flat.bring_in()
    live(flat)
    write_out(flat, folder, Format.GEN1)
    damage(folder.path / f".tzurot/{name}.json", how)
    with pytest.raises(UnreadableError, match=rf"{name}\.json (is missing|is not what)"):
        read_in(flat, folder, folder.path.with_suffix(".db"))


@pytest.mark.parametrize("cut", [b"]}\n", b"\n]}\n", b'00Z", null]\n]}\n'])
def test_a_rest_that_was_written_short_is_noticed(flat: Any, folder: JsonFolder, cut: bytes) -> None:
    flat.bring_in()
    live(flat)
    write_out(flat, folder, Format.GEN1)
    state = folder.read()
    assert state is not None
    short = (folder.path / ".tzurot/turns.json").read_bytes()[: -len(cut)]
    folder.commit([(".tzurot/turns.json", (short,))], state)
    with pytest.raises(UnreadableError, match=r"turns\.json can't be read"):
        read_in(flat, folder, folder.path.with_suffix(".db"))


def test_fewer_records_than_were_written_are_noticed(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    live(flat)
    write_out(flat, folder, Format.GEN1)
    state = folder.read()
    assert state is not None
    folder.commit([("message_map.json", (b"{}",))], state)
    with pytest.raises(UnreadableError, match=r"The files say 4 records of message_mappings, but 1,30\d were written"):
        read_in(flat, folder, folder.path.with_suffix(".db"))


def test_a_folder_of_a_newer_version_is_refused(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    write_out(flat, folder, Format.GEN1)
    state = folder.read()
    assert state is not None
    turns = (folder.path / ".tzurot/turns.json").read_bytes()
    newer = [("turns", turns.replace(b'"failure"', b'"mood"')), ("moods", turns)]
    for name, content in newer:
        folder.commit([(f".tzurot/{name}.json", (content,)), (".tzurot/turns.json", (content,))], state)
        with pytest.raises(UnreadableError, match="newer version"):
            read_in(flat, folder, folder.path.with_suffix(f".{name}.db"))


def test_secrets_of_a_key_that_is_not_there_are_refused(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    write_out(flat, folder, Format.GEN2)
    flat.settings = flat.settings.model_copy(update={"encryption_keys": (make_key(9),)})
    with pytest.raises(ProtectedError, match="need the key"):
        read_in(flat, folder, folder.path.with_suffix(".db"))


def test_emptying_forgets_the_numbers_too(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    live(flat)
    with opened(connect(flat.database, "rw", 1)) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        empty_tables(connection)
    assert not any(state_of(flat.database).values())


@FORMATS
def test_bans_that_the_original_has_no_words_for_stay_while_it_decides_about_the_others(
    legacy: Any, folder: JsonFolder, target: Format
) -> None:
    legacy.bring_in()
    live(legacy)
    write_out(legacy, folder, target)
    written = json.loads((folder.path / "blacklist.json").read_text())
    assert written.keys().isdisjoint({"200000000000000098", "0"})  # it would bar them for ever, or everywhere
    ours = [row for row in state_of(legacy.database)["blacklist"] if row[1] or row[5]]
    assert len(ours) == 3
    theirs = {"5": {"reason": "ham"}, "200000000000000098": {"reason": "for ever by now"}}
    (folder.path / "blacklist.json").write_text(json.dumps(theirs))
    database = folder.path.with_suffix(".db")
    read_in(legacy, folder, database)
    read = {row[:2]: row[2] for row in state_of(database)["blacklist"]}
    kept = {row[:2]: row[2] for row in ours if row[0] != 200000000000000098}
    assert read == kept | {(5, 0): "ham", (200000000000000098, 0): "for ever by now"}


def test_an_expiring_ban_does_not_stand_in_the_original_s_logins_either(flat: Any, folder: JsonFolder) -> None:
    flat.bring_in()
    user = "200000000000000001"
    flat.execute("INSERT INTO blacklist VALUES (200000000000000001, 0, NULL, 6, '2026-01-01', '2027-01-01', NULL)")
    write_out(flat, folder, Format.GEN2)
    assert user not in json.loads((folder.path / "blacklist.json").read_text())
    assert not json.loads((folder.path / "auth.json").read_text())[user].get("blacklisted")
