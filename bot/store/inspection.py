"""Looking at a database file, and copying it, only ever through SQLite: closing any other handle drops its locks."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bot.errors import ConflictError, StorageError
from bot.store.engine import RawConnection, connect, opened
from bot.store.migrate import LOCK_SECONDS, SIDE_FILES, read_applied, sync_folder
from bot.store.translate import REFUSALS, comes_from_outside, translate, translated

TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite|_%' ESCAPE '|' ORDER BY name"
PROBLEM_LIMIT = 10


class FileKind(StrEnum):
    """What lies where a database is expected; zero bytes are EMPTY, a file that is no sound database is DAMAGED."""

    MISSING = "missing"
    EMPTY = "empty"
    OK = "ok"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class FileReport:
    """What is known of a database file.

    `problems` is one sentence or line for each fault found, `rows` counts per table, `migrations` the schema's
    applied names, `side_files` what lies beside it (a `-wal` without its database is a trace of a lost one).
    """

    path: Path
    kind: FileKind
    problems: tuple[str, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    migrations: tuple[str, ...] = ()
    side_files: tuple[Path, ...] = ()


def inspect_file(path: Path, *, full: bool, mode: str = "ro") -> FileReport:
    """Look at the file without changing it; `full` checks every page, index, key and row count as well.

    Raises StorageError when the disk, its rights or another program keep it from being read.
    """
    side_files = tuple(file for suffix in SIDE_FILES if (file := Path(f"{path}{suffix}")).exists())
    if not path.exists():
        return FileReport(path, FileKind.MISSING, side_files=side_files)
    if path.stat().st_size == 0:
        return FileReport(path, FileKind.EMPTY, side_files=side_files)
    try:
        with opened(connect(path, mode, LOCK_SECONDS)) as connection:
            return _report(path, connection, side_files, full=full)
    except REFUSALS as error:
        problem = translate(error)
        if comes_from_outside(error):  # who can't read a file knows nothing about its content
            raise problem from error
        return FileReport(path, FileKind.DAMAGED, (problem.message,), side_files=side_files)


def _report(path: Path, connection: RawConnection, side_files: tuple[Path, ...], *, full: bool) -> FileReport:
    tables = [row["name"] for row in connection.execute(TABLES)]
    migrations = tuple(read_applied(connection))
    problems = _find_problems(path, connection) if full else ()
    rows = count_rows(connection, tables) if full and not problems else {}
    kind = FileKind.DAMAGED if problems else FileKind.OK
    return FileReport(path, kind, problems, rows, migrations, side_files)


def _find_problems(path: Path, connection: RawConnection) -> tuple[str, ...]:
    """What a full integrity check and the foreign keys' check find, at most a few lines each.

    Both at once, for each reads the whole file, and a lost database keeps everybody waiting.
    """
    with ThreadPoolExecutor(1) as thread:
        broken_keys = thread.submit(_find_broken_keys, path)
        found = [row[0] for row in connection.execute(f"PRAGMA integrity_check({PROBLEM_LIMIT})")]
        problems = [] if found == ["ok"] else found
        return (*problems, *broken_keys.result())


def _find_broken_keys(path: Path) -> list[str]:
    with opened(connect(path, "ro", LOCK_SECONDS)) as connection:
        return [
            f"{row['table']} row {row['rowid']} refers to a row of {row['parent']} that does not exist"
            for row in connection.execute("PRAGMA foreign_key_check").fetchmany(PROBLEM_LIMIT)
        ]


def count_rows(connection: RawConnection, tables: list[str]) -> dict[str, int]:
    """How many rows each table has."""
    counts = {}
    for table in tables:
        name = table.replace('"', '""')
        counts[table] = connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]  # noqa: S608 - own names
    return counts


def back_up(source: Path, target: Path) -> FileReport:
    """Copy a database that may be in use, consistently; the copy is verified before it gets its name.

    Raises ConflictError if `target` is there, StorageError if the copy can't be made or does not verify.
    """
    if target.exists():
        raise ConflictError(f"{target} is already there.", remedy="Choose another name, or move it away.")
    unfinished = target.with_name(f"{target.name}.part")
    try:
        with translated():
            _copy(source, unfinished)
        report = inspect_file(unfinished, full=True)
        if report.kind is not FileKind.OK:
            raise StorageError(f"The copy of {source} does not verify: {'; '.join(report.problems)}.")
        unfinished.rename(target)
    finally:
        for suffix in ("", *SIDE_FILES):
            Path(f"{unfinished}{suffix}").unlink(missing_ok=True)
    sync_folder(target.parent)
    return FileReport(target, report.kind, rows=report.rows, migrations=report.migrations)


def _copy(source: Path, target: Path) -> None:
    target.unlink(missing_ok=True)
    with (
        opened(connect(source, "ro", LOCK_SECONDS)) as original,
        opened(connect(target, "rwc", LOCK_SECONDS)) as copy,
    ):
        original.backup(copy)
        # The copy is one file: without WAL, reading it leaves nothing beside it.
        copy.execute("PRAGMA journal_mode=DELETE").fetchall()
