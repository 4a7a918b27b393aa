"""Every record of both sides is compared, and what differs is named and nothing else."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.errors import InvalidInputError, UnreadableError
from bot.store import storage
from bot.store.cipher import cipher_from
from bot.store.engine import connect, opened, snapshot
from bot.store.files.all_plans import all_plans
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.plan import Format
from bot.store.files.proof import comparison as module
from bot.store.files.proof.findings import Difference, Kind, Proof
from bot.store.files.proof.spool import Spool
from bot.store.files.rest.reading import open_rest
from tests.store.files.conftest import NOW
from tests.store.files.exported import edit, export_to, verify
from tests.store.files.lived import live
from tests.store.legacy.conftest import Legacy, write_flat, write_nested

SAMPLES = Path(__file__).parents[5] / "shared" / "legacy-data"
FORMATS = pytest.mark.parametrize("target", list(Format))


def found(proof: Proof) -> set[tuple[str, str, Kind]]:
    return {(one.table, one.key, one.kind) for one in proof.differences}


def test_a_folder_that_was_imported_is_equal_record_by_record(legacy: Legacy) -> None:
    report = legacy.bring_in()
    proof = verify(legacy)
    assert proof.is_equal
    assert proof.count("respelled") == proof.count("rejected") == 0
    assert proof.count("folder") == proof.count("database") == report.count("imported")
    assert all(table.folder_digest == table.database_digest for table in proof.tables.values())


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("gen*")), ids=lambda path: path.name)
def test_a_folder_that_the_original_wrote_is_equal_record_by_record(legacy: Legacy, sample: Path) -> None:
    report = legacy.bring_in(sample)
    proof = verify(legacy, sample)
    assert proof.is_equal
    assert proof.count("respelled") == 0
    assert [(one.file, one.key) for one in proof.rejects] == [(one.file, one.key) for one in report.rejects]


@FORMATS
def test_an_export_of_a_database_that_lived_is_equal_with_all_that_the_original_has_no_place_for(
    legacy: Legacy, tmp_path: Path, target: Format
) -> None:
    legacy.bring_in()
    live(legacy)
    proof = verify(legacy, export_to(legacy, tmp_path / "out", target).folder)
    assert proof.is_equal
    assert proof.format == target
    assert proof.tables["turns"].folder == 700
    assert not proof.remarks


FLAT_EDITS = {
    "personalities.json": ("rook", "personalities", "avatarChanged"),
    "auth_tokens.json": ("200000000000000001", "auth_tokens", "expiresAt"),
    "nsfw_verified.json": ("200000000000000009", "nsfw_verifications", "verified"),
    "conversations.json": ("200000000000000001-300000000000000001", "conversations", "isDM"),
    "message_map.json": ("1379000001522532352", "message_mappings", "timestamp"),
    "channel_activations.json": ("300000000000000001", "channel_activations", "activatedBy"),
}


@pytest.mark.parametrize("name", FLAT_EDITS)
def test_one_changed_value_of_a_flat_record_is_found_and_named(make_legacy: Any, name: str) -> None:
    legacy = make_legacy("flat")
    write_flat(legacy)
    legacy.bring_in()
    key, table, field = FLAT_EDITS[name]
    edit(legacy.path, name, lambda content: content[key].__setitem__(field, 1771999999999))
    proof = verify(legacy)
    assert found(proof) == {(table, key, Kind.DIFFERENT)}
    assert proof.tables[table].different == proof.count("differences") == 1
    assert not proof.is_equal


NESTED_EDITS: dict[str, tuple[Callable[[Any], None], set[tuple[str, str]]]] = {
    "an unknown key of a personality": (
        lambda people: people["personalities"]["owl"]["model"].update(name="other"),
        {("personalities", "owl")},
    ),
    "how an alias was typed": (
        lambda people: people["personalities"]["rook"]["aliases"][1].update(originalCase="THE BIRD"),
        {("personality_aliases", "the bird")},
    ),
    "whom an alias names": (
        lambda people: people["aliases"].update({"the bird": "owl"}),
        {("personality_aliases", "the bird")},
    ),
}


@pytest.mark.parametrize("what", NESTED_EDITS)
def test_one_changed_value_of_a_nested_record_is_found_and_named(make_legacy: Any, what: str) -> None:
    legacy = make_legacy("nested")
    write_nested(legacy)
    legacy.bring_in()
    change, expected = NESTED_EDITS[what]
    edit(legacy.path, "personalities.json", change)
    assert {(table, key) for table, key, _ in found(verify(legacy))} == expected


def test_a_login_and_a_verification_in_one_record_differ_each_for_itself(make_legacy: Any) -> None:
    legacy = make_legacy("nested")
    write_nested(legacy)
    legacy.bring_in()
    user = "200000000000000001"
    edit(legacy.path, "auth.json", lambda users: users[user]["nsfwStatus"].update(verified=False))
    assert found(verify(legacy)) == {("nsfw_verifications", user, Kind.DIFFERENT)}
    edit(legacy.path, "auth.json", lambda users: users[user]["nsfwStatus"].update(verified=True))
    edit(legacy.path, "auth.json", lambda users: users[user]["token"].update(value="tok-two"))
    assert found(verify(legacy)) == {("auth_tokens", user, Kind.DIFFERENT)}


def test_what_only_one_side_has_is_told_by_side(legacy: Legacy) -> None:
    legacy.bring_in()
    legacy.execute("DELETE FROM personality_aliases WHERE alias = 'rook'")
    legacy.execute("INSERT INTO auto_responses (user_id) VALUES (200000000000000088)")
    assert found(verify(legacy)) == {
        ("personality_aliases", "rook", Kind.ONLY_IN_FOLDER),
        ("auto_responses", "200000000000000088", Kind.ONLY_IN_DATABASE),
    }


@FORMATS
def test_one_changed_byte_of_an_image_is_found(legacy: Legacy, tmp_path: Path, target: Format) -> None:
    legacy.bring_in()
    live(legacy)
    folder = export_to(legacy, tmp_path / "out", target).folder
    for image in (folder / "avatars" / "images").iterdir():
        if image.suffix == ".png":
            image.write_bytes(image.read_bytes()[:-1] + b"!")
    assert ("avatars", "gull", Kind.DIFFERENT) in found(verify(legacy, folder))


def test_a_pipe_in_the_place_of_an_image_is_a_missing_one(make_legacy: Any, tmp_path: Path) -> None:
    legacy = make_legacy("flat")
    write_flat(legacy)
    legacy.bring_in()
    live(legacy)
    folder = export_to(legacy, tmp_path / "out", Format.GEN1).folder
    for image in (folder / "avatars" / "images").iterdir():
        image.unlink()
        os.mkfifo(image)
    assert ("avatars", "gull", Kind.DIFFERENT) in found(verify(legacy, folder))


@FORMATS
def test_a_row_that_the_original_has_no_place_for_is_found_and_named(
    legacy: Legacy, tmp_path: Path, target: Format
) -> None:
    legacy.bring_in()
    live(legacy)
    folder = export_to(legacy, tmp_path / "out", target).folder
    legacy.execute("UPDATE turns SET failure = 'x' WHERE message_id = 1379000001522532400")
    legacy.execute("DELETE FROM turn_chunks WHERE turn_id = 1379000001522532400 AND position = 1")
    assert found(verify(legacy, folder)) == {
        ("turns", "1379000001522532400", Kind.DIFFERENT),
        ("turn_chunks", "1379000001522532400 1", Kind.ONLY_IN_FOLDER),
    }


def test_only_the_first_differences_of_a_table_are_listed_and_all_are_counted(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    live(legacy)
    folder = export_to(legacy, tmp_path / "out", Format.GEN2).folder
    legacy.execute("UPDATE turns SET failure = 'x'")
    proof = verify(legacy, folder)
    assert proof.tables["turns"].different == 700
    assert len(proof.differences) == module.SHOWN


def test_a_record_that_an_import_rejects_is_no_difference(make_legacy: Any) -> None:
    legacy = make_legacy("flat")
    write_flat(legacy)
    edit(legacy.path, "aliases.json", lambda aliases: aliases.update(phantom="nobody"))
    legacy.bring_in()
    proof = verify(legacy)
    assert proof.is_equal
    assert [(one.key, one.reason) for one in proof.rejects] == [
        ("phantom", "points to 'nobody': no personality and no alias has its name")
    ]
    assert proof.tables["personality_aliases"].rejected == 1


def test_a_record_of_the_oldest_generation_is_no_difference(make_legacy: Any) -> None:
    legacy = make_legacy("oldest")
    legacy.write(
        "personalities.json",
        {
            "rook": {
                "fullName": "rook",
                "displayName": "Rook",
                "createdBy": "200000000000000001",
                "createdAt": 1748000000000,
            }
        },
    )
    legacy.bring_in()
    assert verify(legacy).is_equal


def test_logins_in_the_files_of_the_generation_before_are_no_difference(make_legacy: Any) -> None:
    legacy = make_legacy("mixed")
    write_nested(legacy)
    legacy.write("auth.json", {"userAuth": {}, "tokens": {}})
    legacy.write("auth_tokens.json", {"200000000000000005": {"token": "tok-five", "createdAt": 1772000000000}})
    legacy.bring_in()
    proof = verify(legacy)
    assert proof.is_equal
    assert proof.tables["auth_tokens"].respelled == 1
    legacy.execute("UPDATE auth_tokens SET created_at = '2026-01-01T00:00:00.000Z'")
    assert found(verify(legacy)) == {("auth_tokens", "200000000000000005", Kind.DIFFERENT)}


def test_a_key_that_might_be_a_token_is_never_shown(make_legacy: Any) -> None:
    legacy = make_legacy("flat")
    write_flat(legacy)
    edit(legacy.path, "auth_tokens.json", lambda logins: logins.update({"tok-as-key": {"token": "tok-four"}}))
    legacy.bring_in()
    proof = verify(legacy)
    assert "tok-" not in json.dumps(proof.as_dict())
    assert [one.key for one in proof.rejects] == ["entry 4"]


def test_a_lost_record_is_not_taken_for_a_rejected_one_of_the_same_name(make_legacy: Any) -> None:
    legacy = make_legacy("nested")
    write_nested(legacy)
    edit(legacy.path, "personalities.json", lambda people: people["aliases"].update(owl="nobody"))
    legacy.bring_in()
    legacy.execute("DELETE FROM personalities WHERE full_name = 'owl'")
    proof = verify(legacy)
    assert found(proof) == {("personalities", "owl", Kind.ONLY_IN_FOLDER)}
    assert [(one.table, one.key) for one in proof.rejects] == [("personality_aliases", "owl")]


def test_an_unreadable_file_is_named_and_never_empty(legacy: Legacy) -> None:
    legacy.bring_in()
    legacy.write_bytes("conversations.json", b'{\n  "1-2": {')
    with pytest.raises(UnreadableError, match=r"conversations\.json can't be read at line 2, column 11"):
        verify(legacy)


def test_a_folder_without_data_is_refused(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="no data of the JavaScript original"):
        verify(legacy, tmp_path / "empty")


def test_a_folder_that_another_program_changed_is_compared_without_the_rest(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    live(legacy)
    folder = export_to(legacy, tmp_path / "out", Format.GEN2).folder
    edit(folder, "blacklist.json", lambda users: users.pop("200000000000000099"))
    proof = verify(legacy, folder)
    assert found(proof) == {("blacklist", "200000000000000099", Kind.ONLY_IN_DATABASE)}
    assert "another program has changed blacklist.json" in proof.remarks[0]


def test_no_token_is_written_on_a_disk_for_the_comparison(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.take(
        [("auth.json", [b'{"200000000000000001": ', b'{"token": {"value": "tok-one"}}}']), ("aliases.json", [b"{}"])]
    )
    assert [path.name for path in tmp_path.iterdir()] == ["aliases.json"]
    assert dict(spool.as_folder().entries("auth.json")) == {"200000000000000001": {"token": {"value": "tok-one"}}}


class Following:
    """A database in dual mode whose bot is running, and its folder."""

    def __init__(self, legacy: Legacy, folder: Path) -> None:
        legacy.bring_in()
        live(legacy)
        self.legacy, self.folder = legacy, folder
        legacy.execute(f"UPDATE storage SET mode = 'dual', folder = '{folder}', counter = 7")  # noqa: S608
        self.write()

    def change(self, sql: str) -> None:
        self.legacy.execute(sql)
        self.legacy.execute("UPDATE storage SET counter = counter + 1")

    def write(self, *tables: str) -> None:
        """Write what these tables are in, or everything."""
        folder, cipher = JsonFolder(self.folder), cipher_from(self.legacy.settings)
        with opened(connect(self.legacy.database, "ro", 1)) as connection, snapshot(connection):
            recorded = storage.read_from(connection)
            state = FolderState(recorded.lineage, "dual", 0, Format.GEN2, is_final=True, written_at=NOW)
            plans = [plan for plan in all_plans(Format.GEN2) if not tables or plan.tables & set(tables)]
            files = (file for plan in plans for file in plan.write(connection, cipher))
            folder.commit(files, replace(folder.read() or state, counter=recorded.counter))

    def verify(self, **settings: Any) -> Proof:
        legacy = replace(self.legacy, settings=self.legacy.settings.model_copy(update=settings))
        return verify(legacy, self.folder, is_served=True)


@pytest.fixture
def following(legacy: Legacy, tmp_path: Path) -> Following:
    return Following(legacy, tmp_path / "out")


def test_what_is_under_way_to_the_files_of_a_running_bot_is_no_difference(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    following.change("DELETE FROM channel_activations")

    def the_bot_goes_on(_seconds: float) -> None:
        following.write()
        following.change("UPDATE turns SET state = 'done' WHERE message_id = 1379000001522532400")

    monkeypatch.setattr("bot.store.files.proof.comparison.time.sleep", the_bot_goes_on)
    assert following.verify().is_equal


def test_what_the_files_of_a_running_bot_never_get_is_a_difference(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    following.legacy.execute("DELETE FROM channel_activations WHERE channel_id = 300000000000000077")
    following.change("UPDATE turns SET state = 'done' WHERE message_id = 1379000001522532400")

    def only_the_turns_follow(_seconds: float) -> None:
        following.write("turns")

    monkeypatch.setattr("bot.store.files.proof.comparison.time.sleep", only_the_turns_follow)
    assert ("channel_activations", "300000000000000077", Kind.ONLY_IN_FOLDER) in found(following.verify())


def test_a_running_bot_may_write_while_a_difference_is_looked_into(
    following: Following, monkeypatch: pytest.MonkeyPatch
) -> None:
    following.legacy.execute("DELETE FROM channel_activations WHERE channel_id = 300000000000000077")
    following.change("UPDATE turns SET state = 'done' WHERE message_id = 1379000001522532400")
    with monkeypatch.context() as patched:
        patched.setattr("bot.store.files.folder.commit.Committer.finish", lambda *_: None)
        following.write("turns")

    def the_bot_goes_on(*arguments: Any) -> Any:
        opened_files = open_rest(*arguments)
        JsonFolder(following.folder).recover()
        return opened_files

    monkeypatch.setattr("bot.store.files.load.open_rest", the_bot_goes_on)
    assert ("channel_activations", "300000000000000077", Kind.ONLY_IN_FOLDER) in found(following.verify())


def test_files_that_do_not_catch_up_are_behind_and_not_different(following: Following) -> None:
    following.change("DELETE FROM channel_activations")
    proof = following.verify(json_flush_timeout_seconds=0.01)
    assert proof.behind == 1
    assert not proof.is_equal
    assert proof.differences == []


def test_the_files_of_a_stopped_bot_differ_in_what_they_lack(following: Following) -> None:
    following.change("DELETE FROM channel_activations WHERE channel_id = 300000000000000077")
    proof = verify(following.legacy, following.folder)
    assert Difference("channel_activations", "300000000000000077", Kind.ONLY_IN_FOLDER) in proof.differences
    assert not proof.behind


def test_it_changes_nothing_in_the_folder_or_the_database(legacy: Legacy, tmp_path: Path) -> None:
    legacy.bring_in()
    folder = export_to(legacy, tmp_path / "out", Format.GEN1).folder
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    with opened(connect(legacy.database, "ro", 1)) as connection:
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        verify(legacy, folder)
        assert connection.execute("PRAGMA data_version").fetchone()[0] == version
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
