"""Importing again: the same folder changes nothing, and what the bot has changed since stays."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.errors import ProtectedError, StorageError
from bot.model import Login, Secret
from bot.sandbox.sample import PERSONALITIES, SAMPLE_MENTION, SAMPLE_USER_ID, write_sample_folder
from bot.store import aliases, blacklist, changes, logins, personalities
from bot.store.changes import Action, Edit, Kind
from bot.store.cipher import cipher_from
from bot.store.driver import open_store
from bot.store.legacy import importer
from bot.store.legacy.importer import ImportOptions, import_folder, import_into_new
from bot.store.migrate import create_database
from bot.store.statement import Statement

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
USER = 200000000000000001
REAL = sorted((Path(__file__).parents[4] / "shared" / "legacy-data").glob("gen*"))


def write(legacy: Any, *statements: Statement) -> None:
    async def go() -> None:
        store = await open_store(legacy.database, settings=legacy.settings)
        await store.write(*statements)
        await store.close()

    asyncio.run(go())


@pytest.mark.parametrize("generation", ["flat", "nested"])
def test_the_second_import_changes_nothing(generation: str, request: pytest.FixtureRequest) -> None:
    legacy = request.getfixturevalue(generation)
    first = legacy.bring_in()
    before = legacy.dump()
    second = legacy.bring_in()
    assert legacy.dump() == before
    assert second.count("imported") == 0
    assert second.count("unchanged") == first.count("imported")
    assert second.notes.kept == 0


@pytest.mark.parametrize("folder", REAL, ids=lambda folder: str(folder.name))
def test_folders_that_the_original_wrote_import_whole(legacy: Any, folder: Path) -> None:
    first = legacy.bring_in(folder)
    before = legacy.dump()
    second = legacy.bring_in(folder)
    assert legacy.dump() == before
    assert second.count("imported") == 0
    assert first.tables["message_mappings"].imported == len(before["message_mappings"])
    assert first.tables["personalities"].imported == len(before["personalities"]) > 60
    assert first.count("rejected") <= 1


def test_the_sample_folder_imports_whole_and_is_the_same_every_time(legacy: Any, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_sample_folder(tmp_path / name, avatar_base="http://127.0.0.1:1/avatars", now=NOW)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)
    report = legacy.bring_in(tmp_path / "a")
    assert (report.rejects, report.ignored, report.notes.expired) == ([], [], 0)
    assert report.tables["personalities"].imported == PERSONALITIES
    assert report.tables["message_mappings"].imported == 500
    assert legacy.row("SELECT * FROM personality_aliases WHERE alias = ?", SAMPLE_MENTION)
    assert legacy.row("SELECT * FROM login_overview WHERE user_id = ?", SAMPLE_USER_ID)["is_verified"] == 1


def test_who_logged_in_again_since_keeps_that_login(flat: Any) -> None:
    flat.bring_in()
    login = Login(USER, Secret("tok-newer"), NOW, expires_at=NOW + timedelta(days=1))
    write(flat, logins.put(login, cipher_from(flat.settings)))
    report = flat.bring_in()
    assert flat.token_of(USER).reveal() == "tok-newer"
    assert (report.tables["auth_tokens"].unchanged, report.notes.kept) == (3, 1)


def test_who_logged_out_since_stays_logged_out(flat: Any) -> None:
    flat.bring_in()
    gone = Edit(USER, NOW).record(Kind.LOGIN, Action.DELETE, changes.login_subject(USER))
    write(flat, gone, logins.delete(USER))
    report = flat.bring_in()
    assert flat.rows("SELECT * FROM auth_tokens WHERE user_id = ?", USER) == []
    assert (report.tables["auth_tokens"].unchanged, report.notes.kept) == (3, 1)


def test_what_was_removed_since_stays_removed_with_its_aliases(flat: Any) -> None:
    flat.bring_in()
    write(flat, *personalities.remove("rook", USER, NOW, USER))
    report = flat.bring_in()
    assert flat.rows("SELECT alias FROM personality_aliases WHERE personality_name = 'rook'") == []
    assert flat.row("SELECT is_active FROM personalities WHERE full_name = 'rook'")["is_active"] == 0
    assert report.count("imported") == 0


def test_an_alias_that_was_taken_since_stays_where_it_is(flat: Any) -> None:
    flat.bring_in()
    flat.execute("UPDATE personality_aliases SET personality_name = 'wren-small' WHERE alias = 'rook'")
    report = flat.bring_in()
    assert flat.row("SELECT * FROM personality_aliases WHERE alias = 'rook'")["personality_name"] == "wren-small"
    assert report.notes.kept == 1


def test_a_later_state_of_the_old_bot_replaces_the_earlier_one(flat: Any) -> None:
    flat.bring_in()
    flat.write("auth_tokens.json", {str(USER): {"token": "tok-later", "createdAt": 1772000000001}})
    report = flat.bring_in()
    assert flat.token_of(USER).reveal() == "tok-later"
    assert report.tables["auth_tokens"].imported == 1
    before = flat.rows("SELECT before FROM changes WHERE kind = 'login' ORDER BY id DESC LIMIT 1")
    assert '"token":"v1.' in before[0]["before"]


def test_both_generations_of_one_bot_import_one_after_the_other(flat: Any, make_legacy: Any) -> None:
    flat.bring_in()
    later = make_legacy("later")
    rook = {"ownerId": str(USER), "profile": {"displayName": "Rook II"}, "updatedAt": "2025-07-01T00:00:00.000Z"}
    later.write("personalities.json", {"personalities": {"rook": rook}, "aliases": {"rook": "rook", "r2": "rook"}})
    report = flat.bring_in(later.path)
    assert flat.row("SELECT * FROM personalities WHERE full_name = 'rook'")["display_name"] == "Rook II"
    assert report.tables["personality_aliases"].unchanged == 1


def test_every_imported_change_has_its_record(flat: Any) -> None:
    flat.bring_in()
    counted = {row["kind"]: row["n"] for row in flat.rows("SELECT kind, count(*) AS n FROM changes GROUP BY kind")}
    assert counted == {"personality": 2, "alias": 3, "login": 3, "verification": 2, "activation": 1}


def test_a_dry_run_says_the_same_and_writes_nothing(flat: Any) -> None:
    create_database(flat.database)
    before = flat.dump()
    dry = flat.bring_in(is_dry_run=True)
    assert flat.dump() == before
    assert not importer.rejects_path(flat.database).exists()
    assert flat.bring_in().as_dict()["tables"] == dry.as_dict()["tables"]
    assert dry.as_dict()["dry_run"] is True


async def test_a_dry_run_needs_no_database_and_leaves_none(flat: Any) -> None:
    report = await import_folder(flat.path, flat.database, ImportOptions(flat.settings, is_dry_run=True))
    assert report.count("imported") > 0
    assert not flat.database.parent.exists()


async def test_a_new_database_appears_only_when_it_is_complete(flat: Any) -> None:
    await import_into_new(flat.path, flat.database, ImportOptions(flat.settings))
    names = sorted(path.name for path in flat.database.parent.iterdir())
    assert names == ["tzurot.db", "tzurot.db.import-rejects.json"]
    with pytest.raises(ProtectedError):
        await import_into_new(flat.path, flat.database, ImportOptions(flat.settings))


async def test_a_failed_import_leaves_no_new_database(flat: Any) -> None:
    flat.write_bytes("aliases.json", b"{")
    with pytest.raises(Exception, match=r"aliases\.json"):
        await import_into_new(flat.path, flat.database, ImportOptions(flat.settings))
    assert list(flat.database.parent.iterdir()) == []


async def test_an_import_in_the_databases_own_folder_leaves_its_files_out(flat: Any) -> None:
    database = flat.path / "tzurot.db"
    await import_into_new(flat.path, database, ImportOptions(flat.settings))
    for name in (".tzurot.lock", ".tzurot-staging/x", ".tzurot.db-litestream/ltx/0/1.ltx", "tzurot.db-wal"):
        flat.write_bytes(name, b"")
    report = await import_folder(flat.path, database, ImportOptions(flat.settings))
    assert report.ignored == []


async def test_a_cancelled_import_rolls_back_before_it_ends(flat: Any) -> None:
    create_database(flat.database)
    before = flat.dump()
    await flat.cancel_at("message_mappings")
    assert flat.dump() == before


def test_a_full_disk_rolls_everything_back(flat: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    create_database(flat.database)
    before = flat.dump()
    flat.write("blacklist.json", {"7": {"reason": "r" * 100_000}})
    real = importer._run

    def run_on_a_full_disk(transfer: Any, connection: Any, *rest: Any) -> Any:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return real(transfer, connection, *rest)

    monkeypatch.setattr(importer, "_run", run_on_a_full_disk)
    with pytest.raises(StorageError):
        flat.bring_in()
    assert flat.dump() == before


def test_a_personality_can_be_found_by_the_alias_that_was_imported(flat: Any) -> None:
    flat.bring_in()

    async def go() -> list[Any]:
        store = await open_store(flat.database, settings=flat.settings)
        found = await store.fetch(personalities.find_by_name("Wrén 🐦 | Small"))
        listed = await store.fetch(aliases.find_by_personality("wren-small"))
        await store.close()
        return [*found, *listed]

    personality, alias = asyncio.run(go())
    assert personality.full_name == alias.personality_name == "wren-small"


def test_an_imported_ban_is_on_record_and_one_that_was_lifted_since_stays_lifted(flat: Any) -> None:
    flat.write("blacklist.json", {str(USER): {"reason": "spam", "blacklistedAt": "2026-01-01T00:00:00.000Z"}})
    flat.bring_in()
    write(flat, *blacklist.lift(USER, 0, Edit(USER, NOW)))
    report = flat.bring_in()
    assert flat.rows("SELECT * FROM blacklist") == []
    assert (report.tables["blacklist"].unchanged, report.notes.kept) == (1, 1)
    recorded = flat.rows("SELECT action, subject FROM changes WHERE kind = 'ban' ORDER BY id")
    assert recorded == [{"action": action, "subject": f"{USER} 0"} for action in ("put", "delete")]
