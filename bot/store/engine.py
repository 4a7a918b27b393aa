"""The SQLite engine: the only module that makes connections, so that every one has the right pragmas."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pysqlite3

from bot.errors import ProtectedError
from bot.settings import Settings
from bot.store.statement import Query, Statement, T

OLDEST_SAFE = (3, 51, 3)
CACHED_STATEMENTS = 512
READ_CACHE_KIB = 8192
"""The engine's own 2 MiB make look-ups a fifth slower from ten thousand personalities on."""

UNTOUCHED = "ro&immutable=1"
"""A mode of `connect` that leaves no file beside the database; only where nobody has it open and its log is empty."""

EngineError: type[Exception] = pysqlite3.Error
"""What the engine raises; it is no `sqlite3.Error`."""

EngineWarning: type[Exception] = pysqlite3.Warning
"""What the engine raises for more than one statement in one string."""

RawConnection = Any
"""A connection of the engine, which ships no types."""

RawCursor = Any
"""A cursor of it; one for a whole group, because making one costs as much as running a small statement."""


def engine_version() -> str:
    """The engine's version, as operators read it."""
    version: str = pysqlite3.sqlite_version
    return version


def require_engine() -> None:
    """Raise ProtectedError if this SQLite can corrupt a WAL file that Litestream checkpoints."""
    if pysqlite3.sqlite_version_info < OLDEST_SAFE:
        oldest = ".".join(map(str, OLDEST_SAFE))
        raise ProtectedError(
            f"SQLite {pysqlite3.sqlite_version} can corrupt a database while Litestream checkpoints it;"
            f" {oldest} or newer is needed.",
            remedy="Install pysqlite3 0.6.1 or newer from PyPI, which bundles one.",
        )


def connect(path: Path, mode: str, busy_timeout_seconds: float) -> RawConnection:
    """A connection without implicit transactions; `mode` is SQLite's: ro, rw (must exist), rwc (may create)."""
    connection = pysqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=busy_timeout_seconds,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
    )
    connection.row_factory = pysqlite3.Row
    return connection


def connect_writer(path: Path, settings: Settings, *, is_scratch: bool = False) -> RawConnection:
    """The connection that writes; the file must be there. A scratch file need not survive a power cut."""
    pragmas = [
        f"busy_timeout={int(settings.busy_timeout_seconds * 1000)}",
        "journal_mode=WAL",
        f"synchronous={'OFF' if is_scratch else 'FULL'}",
        "foreign_keys=ON",
    ]
    if settings.is_replicated:
        pragmas.append("wal_autocheckpoint=0")
    connection = _prepare(connect(path, "rw", settings.busy_timeout_seconds), pragmas)
    try:
        _require_writable(connection)
    except EngineError:
        connection.close()
        raise
    return connection


def _require_writable(connection: RawConnection) -> None:
    """Raise the engine's error for a write-protected file, which SQLite opens without a word."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version={version:d}")
    finally:
        roll_back(connection)


def connect_reader(path: Path, busy_timeout_seconds: float) -> RawConnection:
    """A connection that cannot write: the file is opened read-only, and statements that write are refused."""
    pragmas = [f"busy_timeout={int(busy_timeout_seconds * 1000)}", "query_only=ON", f"cache_size=-{READ_CACHE_KIB}"]
    return _prepare(connect(path, "ro", busy_timeout_seconds), pragmas)


def _prepare(connection: RawConnection, pragmas: list[str]) -> RawConnection:
    try:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except EngineError:
        connection.close()
        raise
    return connection


@contextmanager
def opened(connection: RawConnection) -> Iterator[RawConnection]:
    """Close the connection at the end of the block."""
    with closing(connection):
        yield connection


@contextmanager
def transaction(connection: RawConnection) -> Iterator[None]:
    """One write transaction: committed at the end of the block, rolled back if anything is raised in it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    finally:
        roll_back(connection)


@contextmanager
def snapshot(connection: RawConnection) -> Iterator[None]:
    """One moment of the database for every read in the block; the caller's open transaction, if there is one."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        roll_back(connection)


def run(connection: RawConnection, *statements: Statement) -> None:
    """Run what repositories return, inside the transaction that is open."""
    for statement in statements:
        connection.execute(statement.sql, statement.parameters)


def ask(connection: RawConnection, query: Query[T]) -> list[T]:
    """All values of a query, as the connection sees them now."""
    return [query.read(row) for row in connection.execute(query.sql, query.parameters)]


def roll_back(connection: RawConnection) -> None:
    """End an open transaction without its changes; nothing to do where the engine has already ended it."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
