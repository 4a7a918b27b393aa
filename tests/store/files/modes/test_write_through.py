"""json mode: what is acknowledged is in the files, and what can't be written there is done for nobody."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot.errors import ConflictError, StorageError
from bot.settings import Settings
from bot.store import storage
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.files.folder import commit
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.modes.rewriter import Rewriter
from bot.store.files.modes.write_through import WriteThrough
from bot.store.files.plan import Format
from bot.store.migrate import create_database
from bot.store.statement import Statement
from tests.store.conftest import file_size_limit, make_key
from tests.store.files.conftest import NOW
from tests.store.files.plain import COUNTER, RESPONSES, Table, blacklist, respond

MANY = Statement(
    "WITH RECURSIVE n(x) AS (SELECT 2000 UNION ALL SELECT x + 1 FROM n WHERE x < 90000)"
    " INSERT INTO auto_responses SELECT x, NULL, NULL FROM n"
)


class World:
    """A scratch database whose two tables are written through to the folder."""

    def __init__(self, folder: JsonFolder, path: Path) -> None:
        self.folder, self.path = folder, path
        self.blacklist, self.responses = Table("blacklist", "user_id"), Table("auto_responses", "user_id")
        state = FolderState("lineage", "json", 7, Format.GEN2, is_final=True, written_at=NOW)
        plans = [self.blacklist.plan, self.responses.plan]
        self.hook = WriteThrough(Rewriter(folder, state, plans, Cipher([make_key(1)]), lambda: NOW)).hook
        self.store: SQLiteStore

    def files(self) -> dict[str, Any]:
        return {path.name: orjson.loads(path.read_bytes()) for path in self.folder.path.glob("[!.]*.json")}

    def counter(self) -> int:
        state = self.folder.read()
        assert state is not None
        assert self.folder.changed(state) == ()
        return state.counter


@pytest.fixture
async def world(folder: JsonFolder, tmp_path: Path) -> AsyncIterator[World]:
    world = World(folder, tmp_path / "scratch.db")
    create_database(world.path)
    world.store = await open_store(world.path, settings=Settings(_env_file=None), hook=world.hook, is_scratch=True)
    yield world
    await world.store.close()


async def test_what_is_acknowledged_is_in_the_files(world: World) -> None:
    for number in range(1000, 1005):
        await world.store.write(respond(number))
        assert world.files()["auto_responses.json"] == list(range(1000, number + 1))
    assert [world.counter()] == await world.store.fetch(COUNTER) == [12]


async def test_only_due_files_are_written_and_of_the_databases_own_tables_none(world: World) -> None:
    await world.store.write(blacklist(1000))
    await world.store.write(respond(1000))
    await world.store.write(storage.note_files(NOW, "x"))
    await world.store.write(Statement("DELETE FROM blacklist WHERE user_id = 1"))
    assert (world.blacklist.times, world.responses.times) == (1, 2)


async def test_everyone_who_waits_shares_one_rewrite(world: World) -> None:
    results = await asyncio.gather(
        *(world.store.write(respond(number)) for number in range(1000, 1200)),
        world.store.write(respond(1), respond(1)), return_exceptions=True,
    )  # fmt: skip
    assert isinstance(results.pop(), ConflictError)
    assert all(isinstance(result, list) for result in results)
    assert world.responses.times == 1
    assert world.files()["auto_responses.json"] == list(range(1000, 1200))


async def test_a_failed_rewrite_fails_everyone_and_changes_nothing(world: World) -> None:
    await world.store.write(respond(1000))
    world.responses.error = StorageError("auto_responses.json can't be written: the disk is full.")
    results = await asyncio.gather(
        *(world.store.write(respond(number)) for number in range(2000, 2010)), return_exceptions=True
    )
    assert {str(result) for result in results} == {str(world.responses.error)}
    assert await world.store.fetch(RESPONSES) == world.files()["auto_responses.json"] == [1000]
    world.responses.error = None
    await world.store.write(respond(1001))
    assert await world.store.fetch(RESPONSES) == world.files()["auto_responses.json"] == [1000, 1001]
    assert world.counter() == 9


async def test_a_full_disk_fails_what_does_not_fit_and_nothing_else(world: World) -> None:
    await world.store.write(respond(1000))
    # SQLite writes nothing before COMMIT, so that only the rewritten file meets the limit.
    await world.store._writer.submit(lambda connection: connection.execute("PRAGMA cache_spill = OFF"))
    with file_size_limit(200_000):
        with pytest.raises(StorageError, match=r"can't be written: the disk is full.*Free space"):
            await world.store.write(MANY)
        await world.store.write(respond(1001))
    assert await world.store.fetch(RESPONSES) == world.files()["auto_responses.json"] == [1000, 1001]


async def test_files_of_a_commit_that_failed_in_the_end_are_put_right_by_the_next(world: World) -> None:
    await world.store.write(respond(1000))
    wal = world.path.with_name(f"{world.path.name}-wal")
    with file_size_limit(wal.stat().st_size + 1000), pytest.raises(StorageError, match="disk reported an error"):
        await world.store.write(respond(1001))
    assert world.files()["auto_responses.json"] == [1000, 1001]
    assert await world.store.fetch(RESPONSES) == [1000]
    await world.store.write(blacklist(1000))
    assert world.files() == {"auto_responses.json": [1000], "blacklist.json": [1000]}
    assert [world.counter()] == await world.store.fetch(COUNTER) == [10]


async def test_a_reader_sees_nothing_that_is_not_in_the_files(world: World) -> None:
    seen: list[tuple[list[int], list[int]]] = []

    async def look() -> None:
        while True:
            found = await world.store.look_up(RESPONSES)
            seen.append((found, world.files().get("auto_responses.json", [])))
            await asyncio.sleep(0)

    looking = asyncio.create_task(look())
    for number in range(1000, 1030):
        await world.store.write(respond(number))
    looking.cancel()
    await asyncio.wait([looking])
    assert len(seen) > 30
    assert all(set(found) <= set(files) for found, files in seen)


async def test_what_somebody_wrote_into_a_file_meanwhile_gives_way_and_is_kept(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.store.write(respond(1000))
    (world.folder.path / "auto_responses.json").write_text("[1000, 7]")
    await world.store.write(respond(1001))
    assert world.files()["auto_responses.json"] == [1000, 1001]
    assert (world.folder.path / ".tzurot-overtaken/auto_responses.json").read_text() == "[1000, 7]"
    assert "auto_responses.json was changed by another program, and gives way" in caplog.text


async def test_a_commit_that_stands_although_it_was_reported_as_failed_is_put_right_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.store.write(respond(1000))
    with monkeypatch.context() as failing:

        def fail(path: Path) -> None:
            if path == world.folder.path:
                raise StorageError("The disk reported an error.")

        failing.setattr(commit, "sync", fail)
        failing.setattr(commit.Committer, "_take_back", lambda *_: None)
        with pytest.raises(StorageError):
            await world.store.write(respond(1001))
    assert world.files()["auto_responses.json"] == [1000, 1001]
    await world.store.write(blacklist(1000))
    assert world.files() == {"auto_responses.json": [1000], "blacklist.json": [1000]}
    assert [world.counter()] == await world.store.fetch(COUNTER)


async def test_another_installations_folder_in_its_place_is_left_alone(world: World, tmp_path: Path) -> None:
    await world.store.write(respond(1000))
    world.folder.path.rename(tmp_path / "unmounted")
    theirs = world.folder.commit((), FolderState("theirs", "json", 7, Format.GEN2, is_final=True, written_at=NOW))
    with pytest.raises(StorageError, match="another installation's files are there by now"):
        await world.store.write(respond(1001))
    assert world.folder.read() == theirs
