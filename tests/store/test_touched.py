"""Which tables a transaction changed, and the hook that is told before COMMIT."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import pytest

from bot.errors import ConflictError, StorageError
from bot.model import Personality
from bot.settings import Settings
from bot.store import personalities
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import RawConnection
from bot.store.migrate import create_database
from bot.store.statement import Query, Statement

from .conftest import NOW

INSERT = "INSERT INTO auto_responses (user_id, enabled_at) VALUES (:id, :text)"
COUNTER = Query("SELECT counter FROM storage", lambda row: int(row["counter"]))
ROWS = Query("SELECT user_id FROM auto_responses ORDER BY user_id", lambda row: int(row["user_id"]))


def insert(user_id: int) -> Statement:
    return Statement(INSERT, {"id": user_id, "text": ""})


@dataclass
class Recorder:
    """A hook that notes what it is told, and fails when asked to."""

    told: list[frozenset[str]] = field(default_factory=list)
    committed: int = 0
    error: Exception | None = None

    @contextmanager
    def __call__(self, connection: RawConnection, tables: frozenset[str]) -> Iterator[None]:
        assert connection.in_transaction
        self.told.append(tables)
        if self.error:
            raise self.error
        yield
        assert not connection.in_transaction
        self.committed += 1


@pytest.fixture
def hook() -> Recorder:
    return Recorder()


@pytest.fixture
async def store(settings: Settings, hook: Recorder) -> AsyncIterator[SQLiteStore]:
    create_database(settings.database_path)
    store = await open_store(settings.database_path, settings=settings, hook=hook)
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("INSERT INTO blacklist (user_id, blacklisted_at) VALUES (1, '') RETURNING user_id", {"blacklist"}),
        ("WITH one AS (SELECT 1) UPDATE storage SET counter = 7 WHERE id IN one", {"storage"}),
        ("DELETE FROM personalities WHERE id = 1", {"personalities", "personality_aliases", "channel_activations"}),
        ("UPDATE personalities SET display_name = '' WHERE id = 1", {"personalities"}),
        ("UPDATE personalities SET display_name = '' WHERE id = 2", set()),
        ("DELETE FROM turns", set()),
        ("UPDATE auth_tokens SET last_used = '2'", {"auth_tokens.last_used"}),
        ("UPDATE auth_tokens SET last_used = '2', token = ''", {"auth_tokens.last_used", "auth_tokens"}),
        ("INSERT INTO auto_responses SELECT 1, '', NULL WHERE false ON CONFLICT DO NOTHING RETURNING 1", set()),
        ("SELECT * FROM turns", set()),
    ],
)  # fmt: skip
async def test_the_hook_hears_which_tables_a_statement_changed(
    store: SQLiteStore, hook: Recorder, sql: str, tables: set[str]
) -> None:
    await store.write(
        Statement(personalities.INSERT, personalities.to_row(Personality("Lilith", "", 1, NOW))),
        Statement("INSERT INTO auth_tokens (user_id, token, created_at) VALUES (1, '', '')"),
    )
    hook.told.clear()
    for _ in range(2):  # the second time from memory
        await store.write(Statement("SAVEPOINT again"), Statement(sql), Statement("ROLLBACK TO again"))
    assert hook.told == [tables, tables]


async def test_a_trigger_made_later_is_seen_too(store: SQLiteStore, hook: Recorder) -> None:
    await store.write(insert(1))
    await store.write(Statement("CREATE TRIGGER noting AFTER INSERT ON auto_responses BEGIN DELETE FROM webhooks; END"))
    await store.write(insert(2))
    assert hook.told[0] == {"auto_responses"}
    assert hook.told[1] > {"auto_responses", "webhooks"}
    assert hook.told[2] == {"auto_responses", "webhooks"}


async def test_a_group_tells_only_of_batches_that_are_in_it(store: SQLiteStore, hook: Recorder) -> None:
    bad = store.write(Statement("DELETE FROM storage"), insert(1), insert(1))
    empty = store.write()
    results = await asyncio.gather(store.write(insert(2)), bad, empty, return_exceptions=True)
    assert [type(result) for result in results] == [list, ConflictError, list]
    assert hook.told == [{"auto_responses"}]
    assert hook.committed == 1


async def test_work_that_nobody_sees_touches_every_table(store: SQLiteStore, hook: Recorder) -> None:
    await store.transact(lambda connection: connection.execute("SELECT 1"))
    assert hook.told[0] > {"turns", "message_mappings", "storage"}


async def test_what_the_hook_raises_rolls_the_whole_group_back_and_tells_everyone(
    store: SQLiteStore, hook: Recorder
) -> None:
    hook.error = StorageError("The files can't be written.")
    results = await asyncio.gather(*(store.write(insert(n)) for n in range(5)), return_exceptions=True)
    with pytest.raises(StorageError, match="files can't"):
        await store.write(insert(6))
    with pytest.raises(StorageError, match="files can't"):
        await store.transact(lambda connection: connection.execute(INSERT, {"id": 7, "text": ""}))
    assert all(result is hook.error for result in results)
    assert len(hook.told) == 3
    hook.error = None
    await store.write(insert(8))
    assert await store.fetch(ROWS) == [8]


async def test_each_batch_that_runs_alone_hears_its_own_error(store: SQLiteStore, hook: Recorder) -> None:
    """A trigger ends the whole transaction, so every batch runs once more alone; the hook fails for one of them."""
    await store.write(
        Statement("CREATE TRIGGER bang BEFORE INSERT ON blacklist BEGIN SELECT RAISE(ROLLBACK, 'unlucky'); END")
    )
    hook.error = StorageError("The files can't be written.")
    bang = Statement("INSERT INTO blacklist (user_id, blacklisted_at) VALUES (1, '')")
    results = await asyncio.gather(
        store.write(insert(1)), store.write(bang), store.write(insert(2)), return_exceptions=True
    )
    assert [type(result) for result in results] == [StorageError, ConflictError, StorageError]
    assert await store.fetch(ROWS) == []


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[SQLiteStore]:
    store = await open_store(settings.database_path, settings=settings)
    yield store
    await store.close()


@pytest.mark.parametrize(("mode", "expected"), [(None, 0), ("database", 0), ("dual", 2), ("shadow", 2)])
async def test_changes_are_counted_only_where_files_follow(settings: Settings, mode: str | None, expected: int) -> None:
    create_database(settings.database_path)
    async with opened(settings) as store:
        await store.write(Statement("UPDATE storage SET mode = :mode", {"mode": mode}))
    async with opened(settings) as store:
        await store.write(insert(1), insert(2))
        await store.write(Statement("UPDATE storage SET files_error = 'nobody follows this'"))
        await store.write(Statement("DELETE FROM auto_responses WHERE user_id = 1"))
        assert await store.fetch(COUNTER) == [expected]
