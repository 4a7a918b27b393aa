"""What every backend promises: batches whole or not at all, cancelled or not, and readers that cannot write."""

import asyncio
import logging

import pytest

from bot.errors import ConflictError, InvalidInputError, StorageError
from bot.store.driver import SQLiteStore
from bot.store.engine import RawConnection
from bot.store.statement import Query, Statement, Store

from .modes import ModeBackend

INSERT = "INSERT INTO auto_responses (user_id, enabled_at) VALUES (:id, :text)"


def insert(user_id: int, text: str | None = "x") -> Statement:
    return Statement(INSERT, {"id": user_id, "text": text})


def ids() -> Query[int]:
    return Query("SELECT user_id FROM auto_responses ORDER BY user_id", lambda row: int(row["user_id"]))


async def test_a_batch_with_an_error_at_its_end_leaves_nothing(store: Store) -> None:
    with pytest.raises(ConflictError):
        await store.write(insert(1), insert(2), insert(1))
    assert await store.fetch(ids()) == []


async def test_one_bad_batch_does_not_touch_its_neighbours_in_the_group(store: Store) -> None:
    batches = [store.write(insert(n), insert(100 + n)) for n in range(10)]
    bad = store.write(insert(50), insert(51), insert(50))
    results = await asyncio.gather(*batches[:5], bad, *batches[5:], return_exceptions=True)
    assert [type(r) for r in results] == [list] * 5 + [ConflictError] + [list] * 5
    assert await store.fetch(ids()) == [*range(10), *range(100, 110)]


async def test_what_is_written_is_read_at_once_by_every_reader(store: Store, backend: ModeBackend) -> None:
    reader = await backend.open_reader()
    await store.write(insert(1))
    assert await store.fetch(ids()) == await store.look_up(ids()) == await reader.fetch(ids()) == [1]
    assert await store.first(ids()) == await reader.first(ids()) == 1
    await reader.close()


async def test_a_batch_sees_its_own_writes_and_returns_rows_and_counts(store: Store) -> None:
    inserted, updated, nothing = await store.write(
        Statement(INSERT + " RETURNING user_id, enabled_at", {"id": 1, "text": "a"}),
        Statement("UPDATE auto_responses SET enabled_at = 'b'"),
        Statement("DELETE FROM auto_responses WHERE user_id = 9"),
    )
    assert [tuple(row) for row in inserted.rows] == [(1, "a")]
    assert (inserted.count, updated.count, nothing.count) == (1, 1, 0)


@pytest.mark.parametrize(
    "sql", ["DELETE FROM auto_responses RETURNING 1", "PRAGMA user_version = 5", "DROP TABLE turns"]
)
async def test_readers_cannot_write(store: Store, backend: ModeBackend, sql: str) -> None:
    await store.write(insert(1))
    reader = await backend.open_reader()
    query = Query(sql, tuple)
    for read in (store.fetch, store.first, store.look_up, reader.fetch):
        with pytest.raises(StorageError, match="read-only"):
            await read(query)
    await reader.close()
    assert await store.fetch(ids()) == [1]


async def test_a_read_only_file_stays_so_when_query_only_is_switched_off(store: Store, backend: ModeBackend) -> None:
    reader = await backend.open_reader()
    await reader.fetch(Query("PRAGMA query_only = OFF", tuple))
    with pytest.raises(StorageError, match="read-only"):
        await reader.fetch(Query("DELETE FROM turns", tuple))
    await reader.close()


@pytest.mark.parametrize("text", ["a\0b", "\ud83c", "é\udf19"])
async def test_half_characters_and_nul_are_refused_everywhere(store: SQLiteStore, text: str) -> None:
    query = Query("SELECT :text AS t", lambda row: str(row["t"]), {"text": text})
    for call in (store.write(insert(1, text)), store.fetch(query), store.first(query), store.look_up(query)):
        with pytest.raises(InvalidInputError, match="can't be stored"):
            await call
    assert await store.fetch(ids()) == []


async def test_a_number_beyond_64_bits_is_refused_and_its_neighbours_are_not(store: Store) -> None:
    good, bad = await asyncio.gather(store.write(insert(1)), store.write(insert(2**63)), return_exceptions=True)
    assert isinstance(good, list)
    assert isinstance(bad, InvalidInputError)


async def test_a_value_of_the_wrong_type_is_refused(store: Store) -> None:
    with pytest.raises(ConflictError):
        await store.write(Statement(INSERT, {"id": 1, "text": b"bytes"}))


async def test_a_statement_without_its_parameters_touches_nobody_else(store: Store) -> None:
    good, bad = await asyncio.gather(
        store.write(insert(1)), store.write(insert(2), Statement(INSERT, {"id": 3})), return_exceptions=True
    )
    assert isinstance(good, list)
    assert isinstance(bad, StorageError)
    assert await store.fetch(ids()) == [1]


async def test_a_cancelled_batch_is_done_whole_or_not_at_all(store: Store) -> None:
    for rounds in range(20):
        base = rounds * 1000
        tasks = [asyncio.create_task(store.write(insert(base + n), insert(base + 500 + n))) for n in range(20)]
        for _ in range(rounds % 5):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(result, list) for result in results[1::2])
    found = set(await store.fetch(ids()))
    halves = {n for n in range(20_000) if n % 1000 < 20 and (n in found) != (n + 500 in found)}
    assert not halves


async def test_an_accepted_batch_is_committed_though_its_caller_is_cancelled(store: Store) -> None:
    task = asyncio.create_task(store.write(insert(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.write(insert(2))
    assert await store.fetch(ids()) == [1, 2]


async def test_an_error_nobody_waits_for_is_logged(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    await store.write(insert(1))
    task = asyncio.create_task(store.write(insert(1)))
    await asyncio.sleep(0)
    task.cancel()
    await store.write(insert(2))
    assert "auto_responses.user_id" in caplog.text


async def test_close_finishes_what_was_accepted_and_refuses_the_rest(backend: ModeBackend) -> None:
    opened = await backend.open()
    store = opened.store
    tasks = [asyncio.create_task(store.write(insert(n))) for n in range(600)]
    await asyncio.sleep(0)
    await opened.close()
    await asyncio.gather(*tasks)
    with pytest.raises(StorageError, match="stopping"):
        await store.write(insert(1000))
    with pytest.raises(StorageError):
        await store.fetch(ids())
    await store.close()
    again = await backend.open()
    assert len(await again.store.fetch(ids())) == 600
    await again.close()


async def test_many_callers_share_a_commit(store: Store, backend: ModeBackend) -> None:
    assert isinstance(store, SQLiteStore)
    commits: list[str] = []
    await store._writer.submit(lambda connection: connection.set_trace_callback(commits.append))
    await asyncio.gather(*(store.write(insert(n)) for n in range(64)))
    await store._writer.submit(lambda connection: connection.set_trace_callback(None))
    assert commits.count("COMMIT") == 1


async def test_work_is_one_transaction_that_anything_raised_rolls_back(store: SQLiteStore) -> None:
    def fill(connection: RawConnection, count: int) -> int:
        connection.executemany(INSERT, ({"id": n, "text": None} for n in range(count)))
        return count

    def fail(connection: RawConnection) -> None:
        fill(connection, 10)
        raise LookupError("the source broke")

    with pytest.raises(LookupError, match="broke"):
        await store.transact(fail)
    with pytest.raises(ConflictError):
        await store.transact(lambda connection: (fill(connection, 5), fill(connection, 5)))
    assert await store.fetch(ids()) == []
    assert await store.transact(lambda connection: fill(connection, 1000)) == 1000
    await store.write(insert(5000))


async def test_a_slow_statement_is_logged_without_what_users_wrote(
    backend: ModeBackend, caplog: pytest.LogCaptureFixture
) -> None:
    quick_to_complain = backend.settings.model_copy(update={"slow_statement_seconds": 1e-9})
    opened = await ModeBackend(quick_to_complain).open()
    store = opened.store
    with caplog.at_level(logging.WARNING):
        await store.write(insert(1, "a secret thought"))
        query = Query("SELECT * FROM auto_responses WHERE enabled_at = :t", tuple, {"t": "a secret thought"})
        await store.fetch(query)
        await store.look_up(query)
    assert caplog.text.count("Slow statement") == 3
    assert "INSERT INTO auto_responses" in caplog.text
    assert "secret" not in caplog.text
    await opened.close()


async def test_a_read_that_takes_too_long_is_stopped(backend: ModeBackend) -> None:
    impatient = backend.settings.model_copy(update={"read_timeout_seconds": 0.05})
    opened = await ModeBackend(impatient).open()
    store = opened.store
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(StorageError, match="took too long"):
        await store.fetch(Query(endless, tuple))
    assert await store.fetch(ids()) == []
    await opened.close()
