"""What other programs may do to the live database, beside the bot and Litestream: no row is lost and no copy breaks."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import pysqlite3
import pytest

from bot.durability.boot import Boot
from bot.durability.lock import VolumeLock
from bot.store.driver import open_store
from bot.store.engine import connect, opened
from bot.store.inspection import inspect_file
from tests.durability.conftest import Container, aside, until
from tests.durability.dangers.conftest import off_site
from tests.durability.test_boot import ADD, replicating


@contextmanager
def running(container: Container) -> Iterator[Callable[[], None]]:
    """A bot that writes one more row, confirmed by the bucket, per call; in the end every row is there and off-site."""
    process = container.start()
    event = container.event()
    rows = event["rows"]

    def write() -> None:
        nonlocal rows
        rows += 1
        os.kill(event["pid"], signal.SIGUSR1)
        assert container.event(rows=rows)["failure"] is None

    yield write
    assert container.stop(process) == 0, container.log
    assert off_site(container) == rows + 1
    assert container.rows == rows + 1


def run(container: Container, *statements: str) -> list[Any]:
    """As an administrator's tool does; what the last statement returned."""
    with opened(connect(container.database, "rw", 5)) as connection:
        for statement in statements:
            found = [tuple(row) for row in connection.execute(statement).fetchall()]
    return found


def is_whole_wal_moved(container: Container, kind: str) -> bool:
    ((is_busy, frames, moved),) = run(container, f"PRAGMA wal_checkpoint({kind})")
    return not is_busy and frames == moved


@pytest.mark.parametrize("kind", ["PASSIVE", "FULL", "RESTART", "TRUNCATE"])
def test_checkpoints_by_another_program_cost_no_row(container: Container, kind: str) -> None:
    with running(container) as write_one_more:
        for _ in range(2):
            write_one_more()
            until(partial(is_whole_wal_moved, container, kind), "a checkpoint while Litestream reads nothing")


def test_a_vacuum_costs_no_row(container: Container) -> None:
    with running(container) as write_one_more:
        run(container, "CREATE TABLE bulk (content)", "INSERT INTO bulk VALUES (zeroblob(500000))", "VACUUM")
        write_one_more()
        run(container, "DELETE FROM bulk", "VACUUM", "DROP TABLE bulk")
        write_one_more()


def test_copies_made_beside_the_running_bot_are_whole(container: Container) -> None:
    copies = [container.scratch / name for name in ("vacuumed.db", "backed-up.db")]
    with running(container) as write_one_more:
        run(container, f"VACUUM INTO '{copies[0]}'")
        with opened(connect(container.database, "ro", 5)) as live, closing(pysqlite3.connect(copies[1])) as copy:
            live.backup(copy)
        write_one_more()
    for path in copies:
        report = inspect_file(path, full=True)
        assert (report.problems, report.rows["blacklist"]) == ((), 3)


@pytest.mark.parametrize("pragma", ["journal_mode=DELETE", "locking_mode=EXCLUSIVE"])
def test_a_mode_that_shuts_litestream_out_is_refused_and_harms_nothing(container: Container, pragma: str) -> None:
    with running(container) as write_one_more:
        with pytest.raises(pysqlite3.OperationalError, match="locked"):
            run(container, "PRAGMA busy_timeout=0", f"PRAGMA {pragma}", ADD.sql)
        write_one_more()
        assert run(container, "PRAGMA journal_mode") == [("wal",)]


async def test_the_database_is_in_wal_mode_before_litestream_sees_it(container: Container) -> None:
    settings = container.settings(BUSY_TIMEOUT_SECONDS="0.001")
    with VolumeLock.take(container.volume, 0) as lock:
        await Boot(settings, lock, lambda _: None).prepare()
    assert container.database.read_bytes()[18:20] == b"\x02\x02"  # how SQLite notes it in the file
    async with replicating(settings) as replication:
        store = await open_store(settings.database_path, settings=settings)
        await store.write(ADD)
        await replication.flush()
        await store.close()
    assert await aside(off_site, container) == 1
