"""The tables `storage`, `imports` and `shadow_mismatches`: how the database and the JSON folder stand to each other."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.rules.operation.storage_mode import FOLLOWED
from bot.store.columns import from_json, to_text, to_text_or_none, to_time_or_none
from bot.store.engine import RawConnection, ask
from bot.store.group import CommitHook
from bot.store.statement import Query, Row, Statement

OWN_TABLES = frozenset({"storage", "imports", "shadow_mismatches", "canary", "drills", "gateway_refusals"})
"""Tables about this database file and this process; the JSON folder has no part of them."""

COUNT = "UPDATE storage SET counter = counter + 1"
COUNT_UNCOUNTED = "UPDATE storage SET counter = counter + 1 WHERE mode = 'database'"
"""Once for all changes that were not counted while no files followed."""

SERVE = """
UPDATE storage SET lineage = :lineage, counter = :counter, folder = :folder, mode = :mode,
    switched_at = CASE WHEN mode IS :mode THEN switched_at ELSE :now END
WHERE (lineage, counter, folder, mode) IS NOT (:lineage, :counter, :folder, :mode)
"""
LEAVE_TO_FILES = """
UPDATE storage SET lineage = :lineage, folder = :folder, mode = 'json',
    switched_at = CASE WHEN mode IS 'json' THEN switched_at ELSE :now END
WHERE (lineage, folder, mode) IS NOT (:lineage, :folder, 'json')
"""
TAKE_IN = """
UPDATE storage SET counter = counter + 1,
    mode = CASE WHEN mode = 'json' AND folder = :folder THEN NULL ELSE mode END
"""
TAKE_OVER = "UPDATE storage SET lineage = :lineage, counter = max(counter, :counter), mode = NULL"


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


@dataclass(frozen=True, slots=True)
class Import:
    """A folder that was imported, and each of its files' SHA-256 at that time."""

    folder: str
    files: Mapping[str, str]


def get() -> Query[Storage]:
    """The one row."""
    return Query("SELECT * FROM storage", _read)


def _read(row: Row) -> Storage:
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


def read_from(connection: RawConnection) -> Storage:
    """The one row, as the connection's transaction sees it."""
    return ask(connection, get())[0]


def is_followed_by(recorded: Storage, folder: Path) -> bool:
    """Whether the files of this folder, under whatever path, follow the database while it is served."""
    is_same = recorded.folder is not None and Path(recorded.folder).resolve() == folder.resolve()
    return is_same and recorded.mode in FOLLOWED


def serve(lineage: str, counter: int, mode: str, *, folder: str, now: datetime) -> Statement:
    """A mode begins to serve this database; the switch has its time where the mode is another one than before."""
    return Statement(
        SERVE, {"lineage": lineage, "counter": counter, "mode": mode, "folder": folder, "now": to_text(now)}
    )


def leave_to_files(lineage: str, *, folder: str, now: datetime) -> Statement:
    """The folder's files are served from now on, and this database goes without what is written there."""
    return Statement(LEAVE_TO_FILES, {"lineage": lineage, "folder": folder, "now": to_text(now)})


def take_over(lineage: str, counter: int) -> Statement:
    """This database has become the state of a folder, up to that change, and nobody has served it since."""
    return Statement(TAKE_OVER, {"lineage": lineage, "counter": counter})


def take_in(folder: str) -> Statement:
    """What a folder has was added to this database, which need not wait for it any more if it was served from there."""
    return Statement(TAKE_IN, {"folder": folder})


def imports() -> Query[Import]:
    """Every import, the last one first."""
    return Query("SELECT folder, manifest FROM imports ORDER BY id DESC", _read_import)


def _read_import(row: Row) -> Import:
    files = (from_json(row["manifest"]) or {}).get("files", {})
    return Import(row["folder"], {name: file["sha256"] for name, file in files.items()})


def counting_hook(connection: RawConnection) -> CommitHook | None:
    """What each COMMIT needs in this database: a count of its changes if JSON files follow it, else nothing."""
    row = connection.execute("SELECT mode FROM storage").fetchone()
    return count if row and row["mode"] in FOLLOWED else None


@contextmanager
def count(connection: RawConnection, tables: frozenset[str]) -> Iterator[None]:
    """Count a transaction that changed something that the files follow; a hook for COMMIT."""
    if tables - OWN_TABLES:
        connection.execute(COUNT)
    yield
