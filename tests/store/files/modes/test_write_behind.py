"""The files follow the database: what is due, when it is written, and what happens while it can't be."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot.errors import StorageError
from bot.settings import Settings
from bot.store import storage
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import RawConnection, connect_reader
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.modes.due import Due
from bot.store.files.modes.rewriter import Rewriter
from bot.store.files.modes.write_behind import Rounds, WriteBehind
from bot.store.files.plan import Format
from bot.store.migrate import create_database
from bot.store.reader import open_connection
from bot.store.statement import Statement
from tests.store.conftest import make_key
from tests.store.files.conftest import NOW
from tests.store.files.plain import COUNTER, Table, blacklist, respond


class World:
    """A database, a folder, and the two tables that are written into it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.folder = JsonFolder(settings.json_folder)
        self.blacklist, self.responses = Table("blacklist", "user_id"), Table("auto_responses", "user_id")
        self.store: SQLiteStore
        self.behind: WriteBehind

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[WriteBehind]:
        state = self.folder.read() or FolderState("", "dual", -1, Format.GEN2, is_final=True, written_at=NOW)
        plans = [self.blacklist.plan, self.responses.plan]
        rewriter = Rewriter(self.folder, state, plans, Cipher([make_key(1)]), lambda: NOW)
        due = Due()
        self.store = await open_store(self.settings.database_path, settings=self.settings, hook=due.hook)
        reader = await open_connection(partial(connect_reader, self.settings.database_path, 1))
        self.behind = WriteBehind(Rounds(rewriter, due), self.store, reader, self.settings)
        yield self.behind
        await self.behind.flush()
        await self.store.close()

    def files(self) -> dict[str, Any]:
        return {path.name: orjson.loads(path.read_bytes()) for path in self.folder.path.glob("[!.]*.json")}

    async def row(self) -> storage.Storage:
        [found] = await self.store.fetch(storage.get())
        return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    settings = Settings(
        _env_file=None, database_path=tmp_path / "tzurot.db", json_dir=tmp_path / "files", storage_mode="dual",
        json_interval_seconds=0.01, json_retry_seconds=0.01, json_flush_timeout_seconds=5,
    )  # fmt: skip
    create_database(settings.database_path)
    return World(settings)


@pytest.fixture
async def behind(world: World) -> AsyncIterator[WriteBehind]:
    async with world.opened() as behind:
        yield behind


async def test_a_round_writes_only_what_has_changed_and_says_up_to_which_change(
    world: World, behind: WriteBehind
) -> None:
    await behind.catch_up()
    assert world.files() == {"blacklist.json": [], "auto_responses.json": []}
    await world.store.write(respond(200))
    await world.store.write(respond(201))
    await behind.catch_up()
    await behind.catch_up()
    assert world.files() == {"blacklist.json": [], "auto_responses.json": [200, 201]}
    assert (world.blacklist.times, world.responses.times) == (1, 2)
    state = world.folder.read()
    assert state is not None
    assert [state.counter] == await world.store.fetch(COUNTER) == [1]  # both went into one round
    assert world.folder.changed(state) == ()


async def test_tables_about_the_database_itself_make_nothing_due(world: World, behind: WriteBehind) -> None:
    await behind.catch_up()
    before = world.folder.read()
    await world.store.write(storage.note_files(NOW, "x"))
    await behind.catch_up()
    assert world.folder.read() == before


async def test_a_file_that_was_taken_away_is_written_again(world: World, behind: WriteBehind) -> None:
    await world.store.write(respond(200), blacklist(300))
    await behind.catch_up()
    (world.folder.path / "blacklist.json").unlink()
    await world.store.write(respond(201))
    await behind.catch_up()
    assert world.files() == {"blacklist.json": [300], "auto_responses.json": [200, 201]}


async def test_a_file_that_its_plan_no_longer_has_is_gone(world: World, behind: WriteBehind) -> None:
    await world.store.write(respond(1), respond(2), blacklist(3))
    await behind.catch_up()
    await world.store.write(Statement("DELETE FROM auto_responses WHERE user_id = 1"))
    await behind.catch_up()
    assert set(world.files()) == {"blacklist.json", "blacklist-3.json", "auto_responses.json", "auto_responses-2.json"}


async def test_it_is_gone_too_where_the_process_before_wrote_it(world: World) -> None:
    async with world.opened():
        await world.store.write(respond(1))
    async with world.opened():
        await world.store.write(Statement("DELETE FROM auto_responses"))
    assert set(world.files()) == {"blacklist.json", "auto_responses.json"}


async def test_a_start_that_finds_everything_written_rewrites_nothing(world: World) -> None:
    async with world.opened():
        await world.store.write(respond(1))
    before = (world.folder.read(), world.responses.times)
    async with world.opened() as behind:
        await behind.catch_up()
    assert (world.folder.read(), world.responses.times) == before


async def test_what_another_process_wrote_makes_everything_due(world: World, behind: WriteBehind) -> None:
    await behind.catch_up()
    await world.store.write(Statement("UPDATE storage SET mode = 'dual'"))
    other = await open_store(world.settings.database_path, settings=world.settings)
    await other.write(blacklist(500))
    await other.close()
    await world.store.write(respond(501))
    await behind.catch_up()
    assert world.files() == {"blacklist.json": [500], "auto_responses.json": [501]}


async def test_a_failed_round_is_told_once_noted_tried_again_and_over_when_it_works(
    world: World, behind: WriteBehind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await behind.catch_up()
    world.responses.error = StorageError("auto_responses.json can't be written: the disk is full.")
    await world.store.write(respond(200))
    for _ in range(3):
        await behind.catch_up()
    assert behind.trouble is not None
    row = await world.row()
    assert (row.files_failed_at, row.files_error) == (NOW, str(world.responses.error))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "stop at change 0" in caplog.text
    assert "the disk is full" in caplog.text
    world.responses.error = None
    await behind.catch_up()
    assert world.files()["auto_responses.json"] == [200]
    row = await world.row()
    assert (row.files_failed_at, row.files_error) == (None, None)
    assert caplog.records[-1].levelname == "INFO"
    assert "up to date again" in caplog.text


@pytest.mark.usefixtures("obeying_permissions")
async def test_a_folder_that_may_not_be_written_fails_no_write_and_is_caught_up_with_later(world: World) -> None:
    async with world.opened() as behind:
        await behind.catch_up()
        world.folder.path.chmod(0o500)
        await world.store.write(respond(200))
        await behind.catch_up()
        assert "read-only for this user" in ((await world.row()).files_error or "")
        world.folder.path.chmod(0o700)
        await behind.catch_up()
        assert world.files()["auto_responses.json"] == [200]
        assert (await world.row()).files_error is None


async def test_a_row_that_no_file_can_say_is_trouble_that_names_the_file_and_no_content(
    world: World, behind: WriteBehind
) -> None:
    await behind.catch_up()
    world.responses.error = ValueError("a secret thought")
    await world.store.write(respond(200))
    await behind.catch_up()
    assert behind.trouble is not None
    assert "auto_responses can't be written" in behind.trouble.error
    assert "secret" not in behind.trouble.error


async def test_trouble_that_a_process_before_noted_is_over_with_the_first_round_that_works(world: World) -> None:
    async with world.opened():
        await world.store.write(storage.note_files(NOW, "an old story"))
    async with world.opened() as behind:
        await behind.catch_up()
        assert (await world.row()).files_failed_at is None


async def test_in_the_background_a_change_is_in_the_files_within_a_second(world: World, behind: WriteBehind) -> None:
    running = asyncio.create_task(behind.run())
    await world.store.write(respond(200))
    async with asyncio.timeout(1):
        while world.files().get("auto_responses.json") != [200]:  # noqa: ASYNC110 - a file sends no event
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


async def test_closing_writes_what_is_due_even_when_the_background_was_cut_short(world: World) -> None:
    async with world.opened() as behind:
        running = asyncio.create_task(behind.run())
        await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        await world.store.write(respond(200))
    assert world.files()["auto_responses.json"] == [200]


async def test_a_stop_that_can_not_write_the_files_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    async with world.opened() as behind:
        await behind.catch_up()
        await world.store.write(respond(200))
        world.responses.error = StorageError("auto_responses.json can't be written: the disk is full.")
    assert "stop at change 0, behind the database" in caplog.text
    assert f"tzurot export {world.folder.path}" in caplog.text
    world.responses.error = None
    async with world.opened() as behind:
        await behind.catch_up()
        assert world.files()["auto_responses.json"] == [200]


async def test_a_stop_does_not_wait_for_ever(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.settings = world.settings.model_copy(update={"json_flush_timeout_seconds": 1e-9})
    async with world.opened():
        await world.store.write(respond(200))
    assert "took too long" in caplog.text or "in time" in caplog.text
    assert world.files() == {}


async def test_each_round_can_be_watched_inside_its_snapshot_and_after(world: World, behind: WriteBehind) -> None:
    seen: list[object] = []

    @contextmanager
    def watch(connection: RawConnection) -> Iterator[None]:
        seen.append((connection.in_transaction, world.files()["auto_responses.json"]))
        yield
        seen.append(connection.in_transaction)

    behind.rounds.on_round = watch
    await world.store.write(respond(200))
    await behind.catch_up()
    assert seen == [(True, [200]), False]


async def test_changes_made_while_a_round_runs_are_in_the_next_one(world: World, behind: WriteBehind) -> None:
    async def write_on() -> None:
        for number in range(1000, 1300):
            await world.store.write(respond(number), blacklist(number))

    writing = asyncio.create_task(write_on())
    seen: dict[int, int] = {}
    while not writing.done():
        await behind.catch_up()
        found, state = world.files(), world.folder.read()
        assert state is not None
        assert found["blacklist.json"] == found["auto_responses.json"]
        # A change of the counter is what tells one state of the files from the next.
        assert seen.setdefault(state.counter, len(found["blacklist.json"])) == len(found["blacklist.json"])
    assert sorted(seen.items()) == sorted(seen.items(), key=lambda item: item[1])
    await writing
    await behind.catch_up()
    assert len(world.files()["blacklist.json"]) == 300
