"""Reads on a thread of their own, from a connection that cannot write."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any, TypeVar

import aiosqlite

from bot.errors import StorageError, TzurotError
from bot.settings import Settings
from bot.store.engine import RawConnection, connect_reader
from bot.store.group import log_slow
from bot.store.statement import Query
from bot.store.translate import check_text, translated

T = TypeVar("T")

STEPS_BETWEEN_CHECKS = 20_000
"""How many of the engine's steps pass until it looks whether a read took too long: under a millisecond."""


class ThreadConnection(aiosqlite.Connection):
    """An aiosqlite connection that runs whole functions on its thread, in one hop."""

    stopped: asyncio.Future[None] | None = None

    def submit(self, function: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Queue `function(connection, *arguments)`; it runs whatever becomes of the caller."""
        if self._connection is None:
            raise StorageError("The database is closed: the program is stopping.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._tx.put_nowait((future, partial(function, self._conn, *arguments)))
        return future

    def stop(self) -> asyncio.Future[None] | None:
        """End the thread; also called by aiosqlite, which does not wait for it, when connecting fails."""
        self.stopped = super().stop()
        return self.stopped


async def open_connection(connector: Callable[[], RawConnection]) -> ThreadConnection:
    """Start a thread that makes its connection with `connector`; raises the program's errors."""
    connection = ThreadConnection(connector, iter_chunk_size=1)
    try:
        with translated():
            await connection
    except TzurotError:
        # A thread that ends after the event loop has nobody to tell.
        if connection.stopped is not None:
            await connection.stopped
        raise
    return connection


class Reader:
    """A connection that cannot write; a read that takes too long is stopped, because it would hold up writers."""

    def __init__(self, connection: ThreadConnection, settings: Settings) -> None:
        self._connection = connection
        self._timeout_seconds = settings.read_timeout_seconds
        self._slow_seconds = settings.slow_statement_seconds

    async def fetch(self, query: Query[T]) -> list[T]:
        """All values of a query."""
        check_text(query.parameters)
        with translated():
            return await self._connection.submit(self._run, query, None)

    async def first(self, query: Query[T]) -> T | None:
        """The first value of a query, or None."""
        check_text(query.parameters)
        with translated():
            values = await self._connection.submit(self._run, query, 1)
        return values[0] if values else None

    async def close(self) -> None:
        """End the thread after what is queued."""
        await self._connection.close()

    def _run(self, connection: RawConnection, query: Query[T], limit: int | None) -> list[T]:
        started = perf_counter()
        deadline = monotonic() + self._timeout_seconds
        connection.set_progress_handler(lambda: monotonic() > deadline, STEPS_BETWEEN_CHECKS)
        rows = _read(connection, query, limit)
        seconds = perf_counter() - started
        if seconds > self._slow_seconds:
            log_slow(query.sql, seconds)
        return [query.read(row) for row in rows]


def _read(connection: RawConnection, query: Query[T], limit: int | None) -> list[Any]:
    cursor = connection.execute(query.sql, query.parameters)
    try:
        rows: list[Any] = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
    finally:
        # A statement that is not read to its end would keep its snapshot, and stall checkpoints.
        cursor.close()
    return rows


async def open_reader(path: Path, settings: Settings) -> Reader:
    """A reader of the database at `path`; raises StorageError if there is none."""
    connector = partial(connect_reader, path, settings.busy_timeout_seconds)
    return Reader(await open_connection(connector), settings)
