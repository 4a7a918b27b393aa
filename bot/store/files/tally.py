"""A scratch database in which the records of two sides meet, so that millions of them take no memory."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bot.store.engine import RawConnection, connect, opened
from bot.store.files.records import DIGEST_BYTES, Record
from bot.store.migrate import LOCK_SECONDS
from bot.store.translate import translated

AT_ONCE = 5_000
MODULUS = 1 << 8 * DIGEST_BYTES
"""A table's digest is the sum of its records', so that their order does not count."""

Progress = Callable[[str, int], None]

TABLES = """
CREATE TABLE records (side INTEGER, name INTEGER, key BLOB, file TEXT, digest BLOB);
CREATE TABLE differing (name INTEGER, key BLOB, file TEXT, theirs BLOB, ours BLOB, meant BLOB, PRIMARY KEY (name, key));
CREATE TABLE lasting (name INTEGER, key BLOB, theirs BLOB, ours BLOB, PRIMARY KEY (name, key));
"""
ADD = "INSERT INTO records VALUES (?, ?, ?, ?, ?)"
# Where a key stands twice in a file, either record counts.
COMPARE = """
INSERT INTO differing (name, key, file, theirs, ours)
SELECT name, key, file, least, ours FROM (
    SELECT name, key, max(file) AS file,
        min(CASE WHEN side = 0 THEN digest END) AS least,
        max(CASE WHEN side = 0 THEN digest END) AS most,
        max(CASE WHEN side = 1 THEN digest END) AS ours
    FROM records WHERE side < 2 GROUP BY name, key
) WHERE ours IS NOT least AND ours IS NOT most
"""
KEEP_LASTING = """
DELETE FROM differing AS d WHERE NOT EXISTS (
    SELECT 1 FROM lasting AS l
    WHERE l.name = d.name AND l.key = d.key AND l.theirs IS d.theirs AND l.ours IS d.ours
)
"""
REMEMBER = "INSERT INTO lasting SELECT name, key, theirs, ours FROM differing"
EXPLAIN = """
UPDATE differing SET meant = r.digest FROM records AS r
WHERE r.side = 2 AND r.name = differing.name AND r.key = differing.key
"""
DIFFERING = "SELECT name, key, file, theirs, ours, meant FROM differing ORDER BY name, key"


class Side(IntEnum):
    """Where a record was found: in the folder; in what the database would write; in what the folder is read as."""

    FOLDER = 0
    DATABASE = 1
    MEANING = 2


class Pair(NamedTuple):
    """A record of which the two sides say different things; None where a side does not have it."""

    table: str
    key: str
    file: str
    theirs: bytes | None
    ours: bytes | None
    meant: bytes | None


class Tally:
    """Counts and compares; made by `open_tally`."""

    def __init__(self, connection: RawConnection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._names: dict[str, int] = {}
        self.counts: dict[Side, dict[str, int]] = {}
        self._sums: dict[Side, dict[str, int]] = {}

    def take(self, side: Side, records: Iterable[Record], saying: str) -> None:
        """Take in one side, in place of what it had before."""
        self._connection.execute("DELETE FROM records WHERE side = ?", (side,))
        counts: dict[str, int] = defaultdict(int)
        sums: dict[str, int] = defaultdict(int)
        stream, done = iter(records), 0
        while batch := list(islice(stream, AT_ONCE)):
            for record in batch:
                counts[record.table] += 1
                sums[record.table] += int.from_bytes(record.digest)
            self._connection.executemany(ADD, [self._row(side, record) for record in batch])
            done += len(batch)
            self._progress(saying, done)
        self.counts[side], self._sums[side] = counts, sums

    def compare(self, *, only_lasting: bool) -> int:
        """Find what differs, if asked to only what differed in the same way the last time; how much that is."""
        self._connection.execute("DELETE FROM differing")
        self._connection.execute(COMPARE)
        if only_lasting:
            self._connection.execute(KEEP_LASTING)
        self._connection.execute("DELETE FROM lasting")
        self._connection.execute(REMEMBER)
        return int(self._connection.execute("SELECT count(*) FROM differing").fetchone()[0])

    def explain(self) -> None:
        """Take up, for what differs, what the folder's record is read as."""
        self._connection.execute("CREATE INDEX meanings ON records (name, key) WHERE side = 2")
        self._connection.execute(EXPLAIN)

    def pairs(self) -> Iterator[Pair]:
        """What differs, in the order of tables and keys."""
        tables = {number: table for table, number in self._names.items()}
        for name, key, *rest in self._connection.execute(DIFFERING):
            yield Pair(tables[name], key.decode("utf-8", "surrogatepass"), *rest)

    def digest(self, side: Side, table: str) -> str:
        """One digest of all records of a table."""
        return f"{self._sums[side].get(table, 0) % MODULUS:0{2 * DIGEST_BYTES}x}"

    def _row(self, side: Side, record: Record) -> tuple[int, int, bytes, str, bytes]:
        name = self._names.setdefault(record.table, len(self._names))
        return side, name, record.key.encode("utf-8", "surrogatepass"), record.file, record.digest


@contextmanager
def open_tally(directory: Path, progress: Progress) -> Iterator[Tally]:
    """A tally in an empty directory, which whoever gives it takes away afterwards."""
    with translated(), opened(connect(directory / "tally.db", "rwc", LOCK_SECONDS)) as connection:
        connection.row_factory = None
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" + TABLES)
        yield Tally(connection, progress)
