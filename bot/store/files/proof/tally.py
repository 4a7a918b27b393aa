"""Where the records of two sides meet, so that millions of them take neither memory nor long while they are equal.

Each side is added up first, by table and by the hash of the keys: the sum of digests is the same for the same
records in any order. Only where two sums differ are records kept, in a scratch database, to find out which.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from bot.store.engine import RawConnection, connect, opened
from bot.store.files.proof.records import DIGEST_BYTES, Record
from bot.store.migrate import LOCK_SECONDS
from bot.store.progress import Progress
from bot.store.translate import translated

AT_ONCE = 5_000
BUCKETS = 1024
MODULUS = 1 << 8 * DIGEST_BYTES

Sums = defaultdict[str, list[int]]

TABLES = """
CREATE TABLE records (
    name TEXT, key BLOB, file TEXT, theirs BLOB, again BLOB, ours BLOB, meant BLOB, PRIMARY KEY (name, key)
) WITHOUT ROWID;
CREATE TABLE lasting (name TEXT, key BLOB, theirs BLOB, ours BLOB, PRIMARY KEY (name, key)) WITHOUT ROWID;
"""


class Side(IntEnum):
    """Where a record was found: in the folder; in what the database would write; in what the folder is read as."""

    FOLDER = 0
    DATABASE = 1
    MEANING = 2


# Where a key stands twice in a file, either record counts.
TAKE = {
    Side.FOLDER: """
INSERT INTO records (name, key, file, theirs, again) VALUES (:name, :key, :file, :digest, :digest)
ON CONFLICT DO UPDATE SET
    file = excluded.file, theirs = coalesce(theirs, excluded.theirs), again = excluded.again
""",
    Side.DATABASE: """
INSERT INTO records (name, key, file, ours) VALUES (:name, :key, :file, :digest)
ON CONFLICT DO UPDATE SET ours = excluded.ours
""",
    Side.MEANING: "UPDATE records SET meant = :digest WHERE name = :name AND key = :key",
}
DROP_EQUAL = "DELETE FROM records WHERE ours IS theirs OR ours IS again"
KEEP_LASTING = """
DELETE FROM records AS r WHERE NOT EXISTS (
    SELECT 1 FROM lasting AS l
    WHERE l.name = r.name AND l.key = r.key AND l.theirs IS r.theirs AND l.ours IS r.ours
)
"""
REMEMBER = "INSERT INTO lasting SELECT name, key, theirs, ours FROM records"
DIFFERING = "SELECT name, key, file, theirs, ours, meant FROM records ORDER BY name, key"


class Pair(NamedTuple):
    """A record of which the two sides say different things; None where a side does not have it."""

    table: str
    key: str
    file: str
    theirs: bytes | None
    ours: bytes | None
    meant: bytes | None


class Tally:
    """Adds up, and keeps what differs; made by `open_tally`."""

    def __init__(self, connection: RawConnection, progress: Progress) -> None:
        self._connection = connection
        self._progress = progress
        self._sums: dict[Side, Sums] = {}
        self._doubtful: dict[str, frozenset[int]] = {}
        self.counts: dict[Side, Counter[str]] = {}

    def add_up(self, side: Side, records: Iterable[Record], saying: str) -> None:
        """Count and add up one side, in place of what it had before."""
        counts, sums = Counter[str](), Sums(lambda: [0] * BUCKETS)
        for done, record in enumerate(records, start=1):
            counts[record.table] += 1
            sums[record.table][hash(record.key) % BUCKETS] += int.from_bytes(record.digest)
            if done % AT_ONCE == 0:
                self._progress(saying, done)
        self.counts[side], self._sums[side] = counts, sums

    def begin(self) -> bool:
        """Make ready for taking in what may differ; whether there is any of that."""
        self._connection.execute("DELETE FROM records")
        theirs, ours = self._sums[Side.FOLDER], self._sums[Side.DATABASE]
        for table in {*theirs, *ours}:
            pairs = enumerate(zip(theirs[table], ours[table], strict=True))
            self._doubtful[table] = frozenset(bucket for bucket, (first, second) in pairs if first != second)
        return any(self._doubtful.values())

    def take(self, side: Side, records: Iterable[Record], saying: str) -> None:
        """Take in those records of a side whose sums differ."""
        doubtful, done = (record for record in records if self._is_doubtful(record)), 0
        while batch := [_parameters(record) for record in islice(doubtful, AT_ONCE)]:
            self._connection.executemany(TAKE[side], batch)
            done += len(batch)
            self._progress(saying, done)

    def settle(self, *, only_lasting: bool) -> bool:
        """Keep what differs, if asked to only what differed in the same way the last time; whether anything does."""
        self._connection.execute(DROP_EQUAL)
        if only_lasting:
            self._connection.execute(KEEP_LASTING)
        self._connection.execute("DELETE FROM lasting")
        return bool(self._connection.execute(REMEMBER).rowcount)

    def pairs(self) -> Iterator[Pair]:
        """What differs, in the order of tables and keys."""
        for table, key, *rest in self._connection.execute(DIFFERING):
            yield Pair(table, key.decode("utf-8", "surrogatepass"), *rest)

    def digest(self, side: Side, table: str) -> str:
        """One digest of all records of a table, whatever their order."""
        return f"{sum(self._sums[side].get(table, ())) % MODULUS:0{2 * DIGEST_BYTES}x}"

    def _is_doubtful(self, record: Record) -> bool:
        return hash(record.key) % BUCKETS in self._doubtful.get(record.table, ())


def _parameters(record: Record) -> dict[str, str | bytes]:
    key = record.key.encode("utf-8", "surrogatepass")
    return {"name": record.table, "key": key, "file": record.file, "digest": record.digest}


@contextmanager
def open_tally(directory: Path, progress: Progress) -> Iterator[Tally]:
    """A tally in an empty directory, which whoever gives it takes away afterwards."""
    with translated(), opened(connect(directory / "tally.db", "rwc", LOCK_SECONDS)) as connection:
        connection.row_factory = None
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;" + TABLES)
        yield Tally(connection, progress)
