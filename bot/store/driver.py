"""The SQLite driver: one writer with group commit, one reader on a thread, one for look-ups on the event loop."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

from bot.errors import StorageError, TzurotError
from bot.settings import Settings
from bot.store import storage
from bot.store.engine import RawConnection, connect_reader, connect_writer, engine_version, require_engine
from bot.store.group import CommitHook, Group, Result, log_slow
from bot.store.inspection import FileReport, back_up, inspect_file
from bot.store.migrate import require_current
from bot.store.reader import Reader, ThreadConnection, open_connection, open_reader
from bot.store.statement import Outcome, Query, Statement
from bot.store.translate import REFUSALS, check_text, translate, translated

__all__ = [
    "FileReport",
    "Reader",
    "SQLiteStore",
    "back_up",
    "engine_version",
    "inspect_file",
    "open_reader",
    "open_store",
    "require_engine",
]

T = TypeVar("T")

GROUP_LIMIT = 256
"""How many batches one COMMIT takes at most, so that the first of them does not wait for too many others."""

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    statements: tuple[Statement, ...]
    future: "asyncio.Future[list[Outcome]]"


class SQLiteStore:
    """The state in one SQLite file; made by `open_store`."""

    def __init__(self, writer: ThreadConnection, reader: Reader, quick: RawConnection, group: Group) -> None:
        self._writer = writer
        self._reader = reader
        self._quick = quick
        self._group = group
        self._waiting: list[_Waiting] = []
        self._idle = asyncio.Event()
        self._idle.set()
        self._is_closed = False
        self._loop = asyncio.get_running_loop()
        self.on_read: Callable[[Query[Any]], None] | None = None
        """Told of every read that was answered, on the event loop."""

    async def write(self, *statements: Statement) -> list[Outcome]:
        """Run the statements as one transaction; return after COMMIT, or raise with none of them done.

        A caller that is cancelled has its batch done whole or not at all.
        """
        for statement in statements:
            check_text(statement.parameters)
        self._require_open()
        future: asyncio.Future[list[Outcome]] = self._loop.create_future()
        self._waiting.append(_Waiting(statements, future))
        if self._idle.is_set():
            self._idle.clear()
            # Not at once: callers that the loop wakes in this same round get into the first group too.
            self._loop.call_soon(self._start_group)
        return await future

    async def transact(self, work: Callable[[RawConnection], T]) -> T:
        """Run a function of this layer on the writer's thread inside one transaction; rolled back if it raises."""
        self._require_open()
        return await self._writer.submit(self._group.work, work)

    async def fetch(self, query: Query[T]) -> list[T]:
        """All values of a query, from a connection that cannot write."""
        values = await self._reader.fetch(query)
        self._note(query)
        return values

    async def first(self, query: Query[T]) -> T | None:
        """The first value of a query, or None."""
        value = await self._reader.first(query)
        self._note(query)
        return value

    async def look_up(self, query: Query[T]) -> list[T]:
        """Run key look-ups on the event loop itself; where another program holds a lock, on the reader's thread."""
        check_text(query.parameters)
        started = perf_counter()
        try:
            rows = self._quick.execute(query.sql, query.parameters).fetchall()
        except REFUSALS as error:
            if getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
                return await self._reader.fetch(query)
            raise translate(error) from error
        seconds = perf_counter() - started
        if seconds > self._group.slow_seconds:
            log_slow(query.sql, seconds)
        self._note(query)
        return [query.read(row) for row in rows]

    async def close(self) -> None:
        """Refuse new writes, finish those that were accepted, and close every connection."""
        if self._is_closed:
            return
        self._is_closed = True
        await self._idle.wait()
        self._quick.close()
        await self._reader.close()
        with translated():
            await self._writer.close()

    def _note(self, query: Query[Any]) -> None:
        if self.on_read is not None:
            self.on_read(query)

    def _require_open(self) -> None:
        if self._is_closed:
            raise StorageError("The database is closed: the program is stopping.")

    def _start_group(self) -> None:
        group, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
        batches = [waiting.statements for waiting in group]
        done = self._writer.submit(self._group.run, batches)
        done.add_done_callback(partial(self._end_group, group))

    def _end_group(self, group: list[_Waiting], done: "asyncio.Future[list[Result]]") -> None:
        failure = done.exception()
        results = [failure] * len(group) if failure else done.result()
        for waiting, result in zip(group, results, strict=True):
            _tell(waiting.future, result)
        if self._waiting:
            # After the callers that were just told, so that what they write next is in the same group.
            self._loop.call_soon(self._start_group)
        else:
            self._idle.set()


def _tell(future: "asyncio.Future[list[Outcome]]", result: Result | BaseException) -> None:
    if not isinstance(result, list):
        if future.done():
            logger.error("A write failed whose caller was cancelled: %s", result)
        else:
            future.set_exception(result)
    elif not future.done():
        future.set_result(result)


async def open_store(
    path: Path, *, settings: Settings, hook: CommitHook | None = None, is_scratch: bool = False
) -> SQLiteStore:
    """Open the database for writing; it must be there and of this program's schema.

    Without a `hook`, every change of a database that JSON files follow is counted, so that they follow this one
    too. A scratch database survives no power cut. Raises ProtectedError for an unsafe engine or another schema,
    StorageError for a file that can't be opened.
    """
    require_engine()
    require_current(path)
    writer = await open_connection(partial(connect_writer, path, settings, is_scratch=is_scratch))
    try:
        reader = await open_reader(path, settings)
    except TzurotError:
        await writer.close()
        raise
    with translated():
        quick = connect_reader(path, settings.busy_timeout_seconds)
        # Waiting would stop the event loop; from here on a locked look-up goes to the reader's thread.
        quick.execute("PRAGMA busy_timeout=0").fetchall()
        hook = hook or storage.counting_hook(quick)
    return SQLiteStore(writer, reader, quick, Group(settings.slow_statement_seconds, hook))
