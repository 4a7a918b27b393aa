"""Real faults under SQLite: a full disk, failing writes, locks, damaged files, another program's schema."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pysqlite3
import pytest

from bot.errors import BusyError, ConflictError, ProtectedError, StorageError
from bot.settings import Settings
from bot.store import engine
from bot.store.driver import SQLiteStore, back_up, inspect_file, open_reader, open_store, require_engine
from bot.store.inspection import FileKind
from bot.store.migrate import create_database
from bot.store.statement import Query, Statement

from .conftest import file_size_limit
from .modes import ModeBackend, settings_of

INSERT = "INSERT INTO blacklist (user_id, guild_id, reason, blacklisted_at) VALUES (:id, 4, :text, '')"


def insert(user_id: int, size: int = 1) -> Statement:
    return Statement(INSERT, {"id": user_id, "text": "x" * size})


def ids() -> Query[int]:
    return Query("SELECT user_id FROM blacklist ORDER BY user_id", lambda row: int(row["user_id"]))


@pytest.fixture
def backend(tmp_path: Path) -> ModeBackend:
    made = ModeBackend(settings_of(tmp_path, "database"))
    made.create()
    return made


async def pragma(store: SQLiteStore, sql: str) -> Any:
    """The first value that the pragma gives on the writer's connection."""
    row = await store._writer.submit(lambda connection: connection.execute(f"PRAGMA {sql}").fetchone())
    return row and row[0]


async def test_the_writer_has_the_pragmas_that_make_a_commit_durable(store: SQLiteStore) -> None:
    names = ("busy_timeout", "journal_mode", "synchronous", "foreign_keys", "wal_autocheckpoint")
    assert [await pragma(store, name) for name in names] == [200, "wal", 2, 1, 1000]


async def test_checkpoints_are_litestreams_where_it_runs(backend: ModeBackend) -> None:
    replicated = backend.settings.model_copy(update={"replica_bucket": "bucket"})
    store = await open_store(backend.path, settings=replicated)
    value = await pragma(store, "wal_autocheckpoint")
    await store.close()
    assert value == 0


async def test_a_full_database_refuses_the_large_batch_and_takes_the_small_ones(store: SQLiteStore) -> None:
    await pragma(store, f"max_page_count = {await pragma(store, 'page_count') + 3}")
    large = store.write(insert(100), insert(101, 400_000))
    results = await asyncio.gather(
        *(store.write(insert(n)) for n in range(5)), large, *(store.write(insert(n)) for n in range(5, 10)),
        return_exceptions=True,
    )  # fmt: skip
    refused = results.pop(5)
    assert isinstance(refused, StorageError)
    assert "disk is full" in str(refused)
    assert "Free space" in str(refused)
    assert all(isinstance(result, list) for result in results)
    await pragma(store, "max_page_count = 1000000")
    await store.write(insert(101, 400_000))
    assert await store.fetch(ids()) == [*range(10), 101]


async def test_after_a_failed_commit_every_batch_runs_once_more_alone(store: SQLiteStore, backend: ModeBackend) -> None:
    await store.write(insert(1000))
    with file_size_limit(os.stat(f"{backend.path}-wal").st_size + 150_000):  # noqa: PTH116 - once, in a test
        results = await asyncio.gather(
            *(store.write(insert(n)) for n in range(4)), store.write(insert(100), insert(101, 300_000)),
            return_exceptions=True,
        )  # fmt: skip
    failed = results.pop()
    assert isinstance(failed, StorageError)
    assert "disk reported an error" in str(failed)
    assert all(isinstance(result, list) for result in results)
    assert await store.fetch(ids()) == [0, 1, 2, 3, 1000]
    await store.write(insert(101, 300_000))
    assert await store.fetch(ids()) == [0, 1, 2, 3, 101, 1000]


async def test_a_failing_disk_fails_every_batch_and_the_store_recovers_with_it(
    store: SQLiteStore, backend: ModeBackend
) -> None:
    await store.write(insert(1000))
    with file_size_limit(1):
        results = await asyncio.gather(*(store.write(insert(n)) for n in range(4)), return_exceptions=True)
        with pytest.raises(StorageError, match="disk reported an error"):
            await store.transact(lambda connection: connection.execute(INSERT, {"id": 7, "text": ""}))
    assert all(isinstance(result, StorageError) for result in results)
    assert await store.fetch(ids()) == [1000]
    await store.write(insert(1))
    assert await store.look_up(ids()) == [1, 1000]
    assert inspect_file(backend.path, full=True).kind is FileKind.OK


async def test_a_trigger_that_ends_the_whole_transaction_costs_only_its_own_batch(store: SQLiteStore) -> None:
    await store.write(
        Statement(
            "CREATE TRIGGER bang BEFORE INSERT ON blacklist WHEN NEW.user_id = 13"
            " BEGIN SELECT RAISE(ROLLBACK, 'unlucky'); END"
        )
    )
    results = await asyncio.gather(
        *(store.write(insert(n), insert(n + 100)) for n in range(20)), return_exceptions=True
    )
    assert [n for n, result in enumerate(results) if isinstance(result, ConflictError)] == [13]
    assert await store.fetch(ids()) == [n for n in range(120) if n % 100 < 20 and n % 100 != 13]


async def test_a_lock_held_too_long_is_busy_for_the_whole_group_at_once(
    store: SQLiteStore, backend: ModeBackend
) -> None:
    loop = asyncio.get_running_loop()
    with closing(engine.connect(backend.path, "rw", 1)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = loop.time()
        results = await asyncio.gather(*(store.write(insert(n)) for n in range(20)), return_exceptions=True)
        assert loop.time() - started < 2
        other.execute("ROLLBACK")
    # One caller may have been alone in the first group.
    assert all(isinstance(result, BusyError) for result in results)
    await store.write(insert(1))
    assert await store.fetch(ids()) == [1]


async def test_a_look_up_that_meets_a_lock_goes_through_the_readers_thread(store: SQLiteStore, tmp_path: Path) -> None:
    await store.write(insert(1))
    # WAL gives a reader no lock to meet on purpose; a file without WAL does.
    locked = tmp_path / "locked.db"
    with closing(engine.connect(locked, "rwc", 1)) as other, closing(engine.connect(locked, "rw", 0)) as quick:
        other.execute("CREATE TABLE blacklist (user_id INTEGER)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(engine.EngineError, match="locked"):
            quick.execute("SELECT 1 FROM blacklist")
        ordinary, store._quick = store._quick, quick
        assert await store.look_up(ids()) == [1]
        store._quick = ordinary


async def test_a_missing_file_is_not_made_by_opening_it(settings: Settings) -> None:
    for opening in (
        open_store(settings.database_path, settings=settings),
        open_reader(settings.database_path, settings),
    ):
        with pytest.raises(StorageError, match="can't be opened"):
            await opening
    assert not settings.database_path.exists()


@pytest.mark.parametrize("content", [b"this is no database" * 1000, b"SQLite format 3\0" + b"\xff" * 5000])
async def test_garbage_is_refused_and_left_as_it_is(settings: Settings, content: bytes) -> None:
    settings.database_path.write_bytes(content)
    with pytest.raises(StorageError, match=r"not an SQLite database|damaged"):
        await open_store(settings.database_path, settings=settings)
    assert inspect_file(settings.database_path, full=True).kind is FileKind.DAMAGED
    assert settings.database_path.read_bytes() == content


async def test_a_zero_byte_file_is_empty_and_never_taken_for_a_database(settings: Settings) -> None:
    settings.database_path.touch()
    assert inspect_file(settings.database_path, full=True).kind is FileKind.EMPTY
    with pytest.raises(ProtectedError, match="older schema, or none"):
        await open_store(settings.database_path, settings=settings)
    with pytest.raises(ProtectedError, match=r"tzurot\.db is there"):
        create_database(settings.database_path)


def test_a_wal_without_its_database_is_reported_and_nothing_is_made_over_it(settings: Settings) -> None:
    wal = Path(f"{settings.database_path}-wal")
    wal.write_bytes(b"x")
    report = inspect_file(settings.database_path, full=True)
    assert (report.kind, report.side_files) == (FileKind.MISSING, (wal,))
    with pytest.raises(ProtectedError, match=r"tzurot\.db-wal is there"):
        create_database(settings.database_path)


async def test_a_page_overwritten_in_the_middle_is_found(store: SQLiteStore, backend: ModeBackend) -> None:
    for n in range(50):
        await store.write(insert(n, 3000))
    await store.close()
    size = backend.path.stat().st_size
    with backend.path.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"\xa5" * 8192)
    report = inspect_file(backend.path, full=True)
    assert report.kind is FileKind.DAMAGED
    assert report.problems


async def test_a_broken_foreign_key_is_damage(backend: ModeBackend) -> None:
    with closing(engine.connect(backend.path, "rw", 1)) as connection:
        connection.execute(
            "INSERT INTO message_mappings (message_id, user_id, channel_id, personality_id) VALUES (1,1,1,99)"
        )
    report = inspect_file(backend.path, full=True)
    assert report.kind is FileKind.DAMAGED
    assert "message_mappings row 1" in report.problems[0]


async def test_a_read_only_file_is_said_to_be_one(store: SQLiteStore, backend: ModeBackend) -> None:
    await store.write(insert(1))
    await pragma(store, "query_only = ON")
    with pytest.raises(StorageError, match=r"read-only.*Mount the volume writable"):
        await store.write(insert(2))


@pytest.mark.usefixtures("obeying_permissions")
def test_a_file_that_may_not_be_read_is_not_called_damaged(backend: ModeBackend) -> None:
    backend.path.chmod(0)
    with pytest.raises(StorageError, match="can't be opened"):
        inspect_file(backend.path, full=False)


@pytest.mark.usefixtures("obeying_permissions")
async def test_a_read_only_folder_is_said_to_be_one(backend: ModeBackend) -> None:
    backend.path.chmod(0o444)
    with pytest.raises(StorageError, match=r"read-only|can't be opened"):
        await open_store(backend.path, settings=backend.settings)


def test_an_engine_that_can_corrupt_a_wal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    require_engine()
    monkeypatch.setattr(pysqlite3, "sqlite_version_info", (3, 51, 2))
    monkeypatch.setattr(pysqlite3, "sqlite_version", "3.51.2")
    with pytest.raises(ProtectedError, match=r"SQLite 3\.51\.2 can corrupt.*3\.51\.3 or newer") as caught:
        require_engine()
    assert caught.value.exit_code == 3


async def test_a_backup_of_a_database_in_use_is_consistent_and_one_file(
    store: SQLiteStore, backend: ModeBackend, tmp_path: Path
) -> None:
    async def keep_writing() -> None:
        for n in range(10_000):
            await store.write(insert(n), insert(100_000 + n))

    writing = asyncio.create_task(keep_writing())
    await asyncio.sleep(0.05)
    target = tmp_path / "copies" / "a.db"
    target.parent.mkdir()
    report = await asyncio.to_thread(back_up, backend.path, target)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    assert report.kind is FileKind.OK
    assert report.rows["blacklist"] % 2 == 0
    assert report.rows["blacklist"] > 0
    assert list(target.parent.iterdir()) == [target]
    # An operator's own, older SQLite reads the copy.
    with closing(sqlite3.connect(target)) as copy:
        assert copy.execute("SELECT count(*) FROM blacklist").fetchone() == (report.rows["blacklist"],)


def test_a_backup_overwrites_nothing(backend: ModeBackend, tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    with pytest.raises(ConflictError, match="already there"):
        back_up(backend.path, target)
    assert target.read_text() == "keep me"
