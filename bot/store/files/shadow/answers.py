"""Whether two databases answer the same reads alike; where they don't, which table differs, and where first.

One is a copy of the database that serves, the other was loaded from the JSON files. Both are this comparison's own,
so nothing here holds anybody up.
"""

# ruff: noqa: S608 - names of tables and columns come from the database's own catalogue

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pysqlite3

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, connect, opened
from bot.store.files.shadow.ciphertexts import adopt_ciphertexts
from bot.store.files.shadow.reads import Read
from bot.store.migrate import LOCK_SECONDS
from bot.store.overview import is_own
from bot.store.storage import OWN_TABLES

MOST_ROWS = 1_000
"""How much of an answer is compared."""

NATURAL_KEY = """
SELECT c.name FROM pragma_index_list(:table) AS l JOIN pragma_index_info(l.name) AS c
WHERE l.origin = 'u' AND l.partial = 0 ORDER BY l.seq, c.seqno
"""
COLUMNS = "SELECT name, pk FROM pragma_table_info(:table)"
VIEWS = "SELECT name FROM sqlite_schema WHERE type = 'view'"
SURROGATE = "id"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A table that differs, by the reads that it made answer differently; `first_key` is of its first such row."""

    table: str
    reads: int
    first_key: str


@dataclass(frozen=True, slots=True)
class Answers:
    """How many reads were compared, and what came of it."""

    compared: int
    mismatches: list[Mismatch] = field(default_factory=list)


def compare_answers(database: Path, files: Path, reads: Sequence[Read], cipher: Cipher) -> Answers:
    """Ask both databases the same; the one loaded from files is changed by it (see `adopt_ciphertexts`)."""
    with _attached(database, files) as both:
        adopt_ciphertexts(both, cipher)
        differing: Counter[str] = Counter()
        for read in _find_differing(both, database, reads):
            differing.update(find_tables(both, read))
        first = {table: find_first_difference(both, table) for table in sorted(differing)}
    # Where no table differs, only the order did, which nothing had promised.
    found = [Mismatch(table, differing[table], key) for table, key in first.items() if key is not None]
    return Answers(len(reads), found)


def _find_differing(both: RawConnection, database: Path, reads: Sequence[Read]) -> list[Read]:
    with opened(connect(database, "ro", LOCK_SECONDS)) as serving:
        serving.row_factory = None
        return [read for read in reads if not _is_equal(read, _ask(serving, read), _ask(both, read))]


@contextmanager
def _attached(database: Path, files: Path) -> Iterator[RawConnection]:
    """The loaded database, with the one that serves beside it as `serving`."""
    with opened(connect(files, "rw", LOCK_SECONDS)) as connection:
        connection.execute("ATTACH :database AS serving", {"database": str(database)})
        connection.row_factory = None
        yield connection


def _ask(connection: RawConnection, read: Read) -> list[Any]:
    rows: list[Any] = connection.execute(read.sql, read.parameters).fetchmany(MOST_ROWS)
    return rows


def _is_equal(read: Read, ours: list[Any], theirs: list[Any]) -> bool:
    if ours == theirs:
        return True
    return "ORDER BY" not in read.sql.upper() and Counter(ours) == Counter(theirs)


def find_tables(connection: RawConnection, read: Read) -> frozenset[str]:
    """The tables that a statement reads, as the engine itself says; those behind views, and not the views."""
    found: set[str] = set()

    def note(action: int, table: str | None, _column: str | None, schema: str | None, _source: str | None) -> int:
        if action == pysqlite3.SQLITE_READ and table and schema:
            found.add(table)
        return int(pysqlite3.SQLITE_OK)

    connection.set_authorizer(note)
    try:
        connection.execute(f"EXPLAIN {read.sql}", read.parameters).fetchall()
    finally:
        connection.set_authorizer(None)
    return frozenset(found - {name for (name,) in connection.execute(VIEWS)})


def may_compare(tables: frozenset[str]) -> bool:
    """Whether the files have all of these tables."""
    return tables.isdisjoint(OWN_TABLES) and all(map(is_own, tables))


def find_first_difference(both: RawConnection, table: str) -> str | None:
    """The key of the first row that only one side has as it is, or None.

    Rows are named by what the original knows them by. A number that the database gave a row counts only where
    nothing else differs, because of one row that moved it would name all that come after.
    """
    columns = both.execute(COLUMNS, {"table": table}).fetchall()
    names = [name for name, _ in columns]
    primary = [name for name, position in sorted(columns, key=lambda column: int(column[1])) if position]
    natural = [name for (name,) in both.execute(NATURAL_KEY, {"table": table})] if primary == [SURROGATE] else []
    if not natural:
        return _first_difference(both, table, primary, names)
    others = [name for name in names if name != SURROGATE]
    return _first_difference(both, table, natural, others) or _first_difference(both, table, natural, names)


def _first_difference(both: RawConnection, table: str, key: list[str], columns: list[str]) -> str | None:
    shown, listed = ", ".join(map(_quoted, key)), ", ".join(map(_quoted, columns))
    here, there = (f"SELECT {listed} FROM {schema}.{_quoted(table)}" for schema in ("main", "serving"))
    differing = f"SELECT * FROM ({here} EXCEPT {there}) UNION ALL SELECT * FROM ({there} EXCEPT {here})"
    row = both.execute(f"SELECT {shown} FROM ({differing}) ORDER BY {shown} LIMIT 1").fetchone()
    return None if row is None else " ".join(map(str, row))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
