"""What differs between two databases, read in the order of their keys and a few rows at a time.

So millions of rows take no more memory than a few, and no read of a live file lasts long enough to hold a
checkpoint up. A row that changes while it is read counts as it was at its own read.
"""

# ruff: noqa: S608 - names of tables and columns come from the database's own catalogue

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.errors import StorageError, UnreadableError
from bot.store.engine import RawConnection, connect_reader, opened
from bot.store.migrate import read_applied
from bot.store.overview import TABLES
from bot.store.progress import Progress
from bot.store.translate import REFUSALS, translate

CHUNK = 1_000
CHUNK_WITH_BLOBS = 8
SHOWN = 5
MOVES_BY_ITSELF = frozenset({"canary", "gateway_marks", "storage"})
"""Tables that a running bot rewrites all the time, whatever anybody does."""

Key = tuple[Any, ...]
RawRow = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A table's columns in their order, and which of them are its key."""

    columns: tuple[str, ...]
    key: tuple[str, ...]
    has_blobs: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two databases."""

    path: Path
    connection: RawConnection
    tables: dict[str, Shape]
    migrations: tuple[str, ...]


@dataclass(slots=True)
class Difference:
    """How a table differs; of the keys only the first few are kept, of changed rows the names of their columns."""

    key: tuple[str, ...] = ()
    only_here: int = 0
    only_there: int = 0
    changed: int = 0
    columns_only_here: tuple[str, ...] = ()
    columns_only_there: tuple[str, ...] = ()
    keys_only_here: list[Key] = field(default_factory=list)
    keys_only_there: list[Key] = field(default_factory=list)
    keys_changed: list[tuple[Key, list[str]]] = field(default_factory=list)

    @property
    def is_none(self) -> bool:
        """Whether rows and columns are the same."""
        counts = self.only_here + self.only_there + self.changed
        return not (counts or self.columns_only_here or self.columns_only_there)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every table of either side; those that only one of them has are named, not compared."""

    here: Side
    there: Side
    tables: dict[str, Difference]
    tables_only_here: tuple[str, ...]
    tables_only_there: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        is_missing = self.tables_only_here or self.tables_only_there
        return not is_missing and all(difference.is_none for difference in self.tables.values())


@contextmanager
def open_side(path: Path, busy_timeout_seconds: float) -> Iterator[Side]:
    """Open a database of any version for comparing; raises StorageError or UnreadableError that names it."""
    with _naming(path), opened(connect_reader(path, busy_timeout_seconds)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
        names = [row[0] for row in connection.execute(TABLES)]
        shapes = {name: _shape(connection, name) for name in names}
        side = Side(path, connection, shapes, tuple(read_applied(connection)))
        connection.row_factory = None
        yield side


def compare(here: Side, there: Side, only: str | None, progress: Progress) -> Comparison:
    """Compare all tables, or one; those that move by themselves only where they are asked for."""
    names = sorted({*here.tables, *there.tables} - MOVES_BY_ITSELF) if only is None else [only]
    shared = [name for name in names if name in here.tables and name in there.tables]
    return Comparison(
        here,
        there,
        {name: _compare(here, there, name, progress) for name in shared},
        tuple(name for name in names if name not in there.tables),
        tuple(name for name in names if name not in here.tables),
    )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    try:
        yield
    except REFUSALS as error:
        reason = translate(error)
        kind = StorageError if isinstance(reason, StorageError) else UnreadableError
        raise kind(f"{path}: {reason.message}", remedy=reason.remedy) from error


def _shape(connection: RawConnection, table: str) -> Shape:
    found = connection.execute("SELECT name, type, pk FROM pragma_table_info(:table)", {"table": table}).fetchall()
    key = [row["name"] for row in sorted(found, key=lambda row: int(row["pk"])) if row["pk"]]
    return Shape(
        tuple(row["name"] for row in found), tuple(key) or ("rowid",), any(row["type"] == "BLOB" for row in found)
    )


def _compare(here: Side, there: Side, table: str, progress: Progress) -> Difference:
    ours, theirs = here.tables[table], there.tables[table]
    difference = Difference(
        key=ours.key,
        columns_only_here=tuple(name for name in ours.columns if name not in theirs.columns),
        columns_only_there=tuple(name for name in theirs.columns if name not in ours.columns),
    )
    shared = tuple(name for name in ours.columns if name in theirs.columns and name not in ours.key)
    columns = (*ours.key, *shared)
    left, right = (_Stream(side, table, columns, ours) for side in (here, there))
    while left.fill() | right.fill():
        if left.rows == right.rows:
            left.drop()
            right.drop()
        else:
            bound = min(stream.last_key for stream in (left, right) if stream.rows)
            _note(difference, columns, left.take(bound), right.take(bound))
        progress(table, left.count)
    return difference


def _note(difference: Difference, columns: tuple[str, ...], ours: dict[Key, RawRow], theirs: dict[Key, RawRow]) -> None:
    for key, row in ours.items():
        other = theirs.pop(key, None)
        if other is None:
            difference.only_here += 1
            _keep(difference.keys_only_here, key)
        elif other != row:
            difference.changed += 1
            names = [name for name, a, b in zip(columns, row, other, strict=True) if a != b]
            _keep(difference.keys_changed, (key, names))
    difference.only_there += len(theirs)
    for key in theirs:
        _keep(difference.keys_only_there, key)


def _keep(examples: list[Any], example: Any) -> None:
    if len(examples) < SHOWN:
        examples.append(example)


class _Stream:
    """A table's rows in the order of the key, the key's columns first; each chunk is one short read."""

    def __init__(self, side: Side, table: str, columns: tuple[str, ...], shape: Shape) -> None:
        self.rows: list[RawRow] = []
        self.count = 0
        self._side = side
        self._width = len(shape.key)
        self._limit = CHUNK_WITH_BLOBS if shape.has_blobs else CHUNK
        self._after: Key | None = None
        self._is_over = False
        listed, key = ", ".join(map(_quoted, columns)), ", ".join(map(_quoted, shape.key))
        end = f"ORDER BY {key} LIMIT {self._limit}"
        self._first = f"SELECT {listed} FROM {_quoted(table)} {end}"
        marks = ", ".join("?" * self._width)
        self._next = f"SELECT {listed} FROM {_quoted(table)} WHERE ({key}) > ({marks}) {end}"

    @property
    def last_key(self) -> Key:
        """The greatest key of the rows at hand."""
        return self.rows[-1][: self._width]

    def fill(self) -> bool:
        """Read on if nothing is at hand; whether there is anything."""
        if not self.rows and not self._is_over:
            with _naming(self._side.path):
                sql = self._first if self._after is None else self._next
                self.rows = self._side.connection.execute(sql, self._after or ()).fetchall()
            self._is_over = len(self.rows) < self._limit
            if self.rows:
                self._after = self.last_key
        return bool(self.rows)

    def drop(self) -> None:
        """Be done with the rows at hand."""
        self.count += len(self.rows)
        self.rows = []

    def take(self, bound: Key) -> dict[Key, RawRow]:
        """The rows at hand up to that key, by key."""
        end = bisect_right(self.rows, bound, key=lambda row: row[: self._width])
        taken, self.rows = self.rows[:end], self.rows[end:]
        self.count += end
        return {row[: self._width]: row for row in taken}


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
