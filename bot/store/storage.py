"""The tables `storage`, `imports` and `shadow_mismatches`: how the database and the JSON folder stand to each other."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from bot.store.columns import to_text_or_none, to_time_or_none
from bot.store.engine import RawConnection
from bot.store.group import CommitHook
from bot.store.statement import Query, Row, Statement

OWN_TABLES = frozenset({"storage", "imports", "shadow_mismatches", "canary", "drills", "gateway_refusals"})
"""Tables about this database file and this process; the JSON folder has no part of them."""

FOLLOWED_MODES = ("dual", "shadow")
"""The modes in which JSON files follow the database, so that its changes are counted."""

COUNT = "UPDATE storage SET counter = counter + 1"


@dataclass(frozen=True, slots=True)
class Storage:
    """Which mode served the database last, up to which change, and how its JSON folder fares.

    `mode` is None for a database that no bot has served yet.
    """

    lineage: str
    mode: str | None
    counter: int
    switched_at: datetime | None
    folder: str | None
    files_failed_at: datetime | None
    files_error: str | None
    reads_compared: int
    compared_at: datetime | None


def get() -> Query[Storage]:
    """The one row."""
    return Query("SELECT * FROM storage", read)


def read(row: Row) -> Storage:
    """The row as a value."""
    return Storage(
        lineage=row["lineage"],
        mode=row["mode"],
        counter=row["counter"],
        switched_at=to_time_or_none(row["switched_at"]),
        folder=row["folder"],
        files_failed_at=to_time_or_none(row["files_failed_at"]),
        files_error=row["files_error"],
        reads_compared=row["reads_compared"],
        compared_at=to_time_or_none(row["compared_at"]),
    )


def note_files(failed_at: datetime | None, error: str | None) -> Statement:
    """Note since when the files can't be written and why, or that they can."""
    return Statement(
        "UPDATE storage SET files_failed_at = :failed_at, files_error = :error",
        {"failed_at": to_text_or_none(failed_at), "error": error},
    )


def counting_hook(connection: RawConnection) -> CommitHook | None:
    """What each COMMIT needs in this database: a count of its changes if JSON files follow it, else nothing."""
    row = connection.execute("SELECT mode FROM storage").fetchone()
    return count if row and row["mode"] in FOLLOWED_MODES else None


@contextmanager
def count(connection: RawConnection, tables: frozenset[str]) -> Iterator[None]:
    """Count a transaction that changed something that the files follow; a hook for COMMIT."""
    if tables - OWN_TABLES:
        connection.execute(COUNT)
    yield
