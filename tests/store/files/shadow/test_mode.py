"""shadow mode: what a round of the files takes is compared aside, counted in the database, and said once."""

import asyncio
import logging
import shutil
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.errors import UnreadableError
from bot.model import utc_now
from bot.settings import Settings
from bot.store import mismatches, storage
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import connect, connect_reader, opened, roll_back
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.modes.scratch import make_private
from bot.store.files.shadow.mode import UNREADABLE, Shadow, Workspace
from bot.store.migrate import create_database
from bot.store.progress import Progress
from bot.store.statement import Query, Statement

ALL = Query("SELECT user_id FROM auto_responses", lambda row: int(row["user_id"]))


class Files:
    """What is in the files, as a database; counts how often it was loaded."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.problem: UnreadableError | None = None
        self.loads = 0

    def load(self, folder: JsonFolder, database: Path, progress: Progress) -> None:
        assert (folder.path / "personalities.json").read_bytes() == b"{}"
        self.loads += 1
        progress("personalities", 0)
        if self.problem:
            raise self.problem
        shutil.copy(self.database, database)

    def add(self, user_id: int) -> None:
        with opened(connect(self.database, "rw", 5)) as connection:
            connection.execute("INSERT INTO auto_responses (user_id) VALUES (:id)", {"id": user_id})


@dataclass(frozen=True)
class World:
    """A store in shadow mode, and its files."""

    store: SQLiteStore
    shadow: Shadow
    files: Files
    settings: Settings

    async def round(self) -> None:
        """What ends each round of the files, on another thread."""

        def run() -> None:
            with opened(connect_reader(self.settings.database_path, 5)) as connection:
                connection.execute("BEGIN")
                connection.execute("SELECT * FROM storage").fetchall()
                with self.shadow.on_round(connection):
                    roll_back(connection)

        await asyncio.to_thread(run)

    async def compare(self) -> storage.Storage:
        """Read, go round, and compare; what the database says of it afterwards."""
        await self.store.fetch(ALL)
        await asyncio.sleep(self.settings.shadow_interval_seconds)
        await self.round()
        await self.shadow.compare_next()
        return await self.noted()

    async def noted(self) -> storage.Storage:
        found = await self.store.first(storage.get())
        assert found
        return found


@pytest.fixture
async def world(tmp_path: Path, cipher: Cipher) -> AsyncIterator[World]:
    settings = Settings(
        _env_file=None,
        database_path=tmp_path / "tzurot.db",
        json_dir=tmp_path / "json",
        storage_mode="shadow",
        shadow_interval_seconds=0.001,
    )
    for path in (settings.database_path, tmp_path / "files.db"):
        create_database(path)
    settings.json_folder.mkdir()
    (settings.json_folder / "personalities.json").write_bytes(b"{}")
    store, files = await open_store(settings.database_path, settings=settings), Files(tmp_path / "files.db")
    shadow = Shadow(store, files.load, cipher, settings)
    yield World(store, shadow, files, settings)
    await store.close()
    await shadow.close()


async def add(world: World, user_id: int) -> None:
    await world.store.write(Statement("INSERT INTO auto_responses (user_id) VALUES (:id)", {"id": user_id}))


async def test_files_that_follow_answer_alike(world: World) -> None:
    for user_id in (1, 2):
        await add(world, user_id)
        world.files.add(user_id)
        noted = await world.compare()
    assert noted.reads_compared == 2
    assert await world.store.fetch(mismatches.list_all()) == []


async def test_a_difference_is_counted_each_time_and_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world.files.add(4711)
    await world.compare()
    await world.compare()
    [found] = await world.store.fetch(mismatches.list_all())
    assert (found.table, found.reads, found.first_key) == ("auto_responses", 2, "4711")
    assert found.first_at < found.last_at
    [record] = caplog.records
    assert "auto_responses, first at '4711'" in record.getMessage()


async def test_files_that_cant_be_read_are_a_difference(world: World) -> None:
    world.files.problem = UnreadableError("personalities.json can't be read at line 1, column 2: it ends.")
    await world.compare()
    [found] = await world.store.fetch(mismatches.list_all())
    assert (found.table, found.first_key) == (UNREADABLE, world.files.problem.message)
    world.files.problem = None
    assert (await world.compare()).reads_compared == 2


async def test_nothing_is_left_of_a_comparison(world: World) -> None:
    await world.compare()
    assert not Workspace(world.settings.json_folder).path.exists()


async def test_what_a_killed_one_left_is_no_hindrance(world: World) -> None:
    work = Workspace(world.settings.json_folder)
    make_private(work.path.parent)
    work.files.mkdir(parents=True)
    for path in (work.files / "personalities.json", work.serving, work.loaded):
        path.write_text("left")
    assert (await world.compare()).reads_compared == 1


@pytest.mark.parametrize("query", [storage.get(), Query("SELECT name FROM sqlite_schema", str)])
async def test_what_the_files_have_no_part_of_is_not_compared(world: World, query: Query[object]) -> None:
    await world.store.fetch(query)
    await asyncio.sleep(world.settings.shadow_interval_seconds)
    await world.round()
    assert not Workspace(world.settings.json_folder).path.exists()


async def test_rounds_before_it_is_time_take_nothing(world: World) -> None:
    await world.compare()
    await world.store.fetch(ALL)
    world.shadow._due_at = float("inf")
    await world.round()
    assert not Workspace(world.settings.json_folder).path.exists()


async def test_a_round_during_a_comparison_leaves_it_what_it_has(world: World) -> None:
    for _ in range(2):
        await world.store.fetch(ALL)
        await asyncio.sleep(world.settings.shadow_interval_seconds)
        await world.round()
    await world.shadow.compare_next()
    assert world.files.loads == 1
    assert (await world.compare()).reads_compared == 2


async def test_a_stop_does_not_wait_for_a_comparison(world: World) -> None:
    loop, asked, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    loop.set_default_executor(ThreadPoolExecutor(1))  # whatever comes after it waits for it

    def load(_folder: JsonFolder, _database: Path, progress: Progress) -> None:
        loop.call_soon_threadsafe(asked.set)
        assert released.wait(5)
        progress("personalities", 1)
        pytest.fail("it went on")

    world.shadow._load = load
    comparing = asyncio.create_task(world.compare())
    await asked.wait()
    comparing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await comparing
    released.set()
    assert not await asyncio.to_thread(Workspace(world.settings.json_folder).path.exists)


async def test_a_round_does_not_fail_because_nothing_can_be_taken(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    work = Workspace(world.settings.json_folder)
    make_private(work.path.parent)
    work.path.write_text("in the way")
    await world.store.fetch(ALL)
    await asyncio.sleep(world.settings.shadow_interval_seconds)
    await world.round()
    assert "not compared with the files this time" in caplog.text
    work.path.unlink()
    assert (await world.compare()).reads_compared == 1


async def test_what_was_found_before_the_switch_is_forgotten(world: World) -> None:
    now = utc_now()
    await world.store.write(
        mismatches.add("turns", 3, "1", now),
        mismatches.count_compared(3, now),
        Statement("UPDATE storage SET switched_at = '2999-01-01T00:00:00.000Z'"),
    )
    await world.store.write(*mismatches.forget_before_switch())
    assert await world.store.fetch(mismatches.list_all()) == []
    assert (await world.noted()).reads_compared == 0
