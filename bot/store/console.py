"""Questions of an operator to a database file: read-only, within a time limit, and harmless beside a running bot."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import pysqlite3

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError, StorageError, UnreadableError
from bot.store.engine import RawConnection, connect_reader
from bot.store.statement import Query
from bot.store.translate import REFUSALS, translate

T = TypeVar("T")

UNREADABLE: tuple[type[Exception], ...] = (*REFUSALS, ValueError)
STEPS_BETWEEN_LOOKS = 10_000
READS = {pysqlite3.SQLITE_SELECT, pysqlite3.SQLITE_READ, pysqlite3.SQLITE_FUNCTION, pysqlite3.SQLITE_RECURSIVE}
READING_PRAGMAS = {
    *("table_list", "table_info", "table_xinfo", "index_list", "index_info", "index_xinfo", "foreign_key_list"),
    *("foreign_key_check", "integrity_check", "quick_check", "compile_options", "database_list", "collation_list"),
}
STATE_PRAGMAS = {
    *("user_version", "schema_version", "application_id", "page_count", "page_size", "freelist_count", "encoding"),
    *("journal_mode", "auto_vacuum", "synchronous", "query_only", "foreign_keys"),
}
"""Pragmas that only read as long as they are given no value."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a statement returned; `is_complete` is False when rows beyond the limit were left out."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    is_complete: bool = True


class Console:
    """One connection that cannot write: the file is opened read-only, and every statement is checked before it runs."""

    def __init__(self, path: Path, timeout_seconds: float) -> None:
        self._path = path
        self._timeout = timeout_seconds
        self._deadline = float("inf")
        self._refused = ""
        with self._translated():
            self._connection = _connect(path, timeout_seconds)
        self._connection.set_authorizer(self._authorize)
        self._connection.set_progress_handler(self._is_late, STEPS_BETWEEN_LOOKS)

    def __enter__(self) -> Self:
        """For one block of questions."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, sql: str, limit: int | None = None, timeout_seconds: float | None = None) -> Answer:
        """Run one statement and read its rows, all or at most `limit`.

        Raises InvalidInputError for what is no statement, NotAllowedError for one that writes,
        StorageError past the time limit and for a damaged file.
        """
        self._deadline = time.monotonic() + (timeout_seconds or self._timeout)
        self._refused = ""
        with self._translated():
            cursor = self._connection.execute(sql)
            try:
                return _read(cursor, limit)
            finally:
                cursor.close()

    def fetch(self, query: Query[T]) -> list[T]:
        """All values of one of the program's own queries."""
        return self._read(query, None)

    def first(self, query: Query[T]) -> T | None:
        """The first value of one of them, or None."""
        values = self._read(query, 1)
        return values[0] if values else None

    def _read(self, query: Query[T], limit: int | None) -> list[T]:
        self._deadline = time.monotonic() + self._timeout
        with self._translated():
            cursor = self._connection.cursor()
            cursor.row_factory = pysqlite3.Row
            cursor.execute(query.sql, query.parameters)
            rows = cursor.fetchall() if limit is None else cursor.fetchmany(limit)
            cursor.close()
        return [query.read(row) for row in rows]

    def _is_late(self) -> int:
        return int(time.monotonic() > self._deadline)

    def _authorize(self, action: int, first: str | None, second: str | None, *_: object) -> int:
        if action in READS or (action == pysqlite3.SQLITE_PRAGMA and _only_reads(first, second)):
            return int(pysqlite3.SQLITE_OK)
        self._refused = f"PRAGMA {first}" if action == pysqlite3.SQLITE_PRAGMA else "A statement that writes"
        return int(pysqlite3.SQLITE_DENY)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except UNREADABLE as error:
            raise self._explain(error) from None

    def _explain(self, error: Exception) -> Exception:
        if self._refused:
            return NotAllowedError(
                f"{self._refused} is refused: this connection only reads.",
                remedy="Make a copy with `tzurot backup` and change that.",
            )
        name = getattr(error, "sqlite_errorname", None)
        if name is None or name in {"SQLITE_ERROR", "SQLITE_MISUSE"}:
            return InvalidInputError(f"SQLite says: {str(error).rstrip('.')}.")
        reason = translate(error)
        if name.startswith(("SQLITE_INTERRUPT", "SQLITE_BUSY")):
            return reason
        return StorageError(f"{self._path}: {reason.message}", remedy=reason.remedy)


def _connect(path: Path, timeout_seconds: float) -> RawConnection:
    if not path.exists():
        raise NotFoundError(
            f"There is no database at {path}.", remedy="Give its path with --database or set DATABASE_PATH."
        )
    if path.stat().st_size == 0:
        raise UnreadableError(f"{path} is empty: 0 bytes are no database.", remedy="`tzurot restore` fetches the copy.")
    connection = connect_reader(path, timeout_seconds)
    connection.row_factory = None
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _only_reads(pragma: str | None, value: str | None) -> bool:
    name = (pragma or "").lower()
    return name in READING_PRAGMAS or (name in STATE_PRAGMAS and value is None)


def _read(cursor: Any, limit: int | None) -> Answer:
    if cursor.description is None:
        raise InvalidInputError("There is no statement that returns anything.")
    columns = [column[0] for column in cursor.description]
    if limit is None:
        return Answer(columns, cursor.fetchall())
    rows = cursor.fetchmany(limit + 1)
    return Answer(columns, rows[:limit], is_complete=len(rows) <= limit)
