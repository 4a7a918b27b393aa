"""What a finished copy holds, said the same way by `backup` and `restore`."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from bot.cli.printing import print_pairs, print_table, size
from bot.errors import NotFoundError, ProtectedError, StorageError
from bot.model import snowflake_time
from bot.store.census import count_tables
from bot.store.columns import to_text
from bot.store.console import Console
from bot.store.engine import connect, opened
from bot.store.inspection import FileKind, FileReport
from bot.store.migrate import SIDE_FILES, applied_migrations, sync_folder
from bot.store.translate import translated

NEWEST = "SELECT max(message_id) FROM message_mappings"
READ_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Contents:
    """A verified file: its rows per table and when its newest message was sent."""

    path: Path
    file_bytes: int
    rows: dict[str, int]
    migration: str | None
    newest_message_at: str | None
    seconds: float


def look_into(report: FileReport, seconds: float) -> Contents:
    """Describe a file that was just verified."""
    rows = {table: count for table, count in report.rows.items() if not table.startswith("_")}
    return Contents(
        path=report.path,
        file_bytes=report.path.stat().st_size,
        rows=rows,
        migration=report.migrations[-1] if report.migrations else None,
        newest_message_at=_newest_message(report.path) if "message_mappings" in rows else None,
        seconds=round(seconds, 2),
    )


def _newest_message(path: Path) -> str | None:
    with Console(path, READ_SECONDS) as console:
        newest = console.ask(NEWEST).rows[0][0]
    return to_text(snowflake_time(newest)) if newest else None


def as_object(contents: Contents) -> dict[str, Any]:
    """The contents as they stand in JSON."""
    return {
        "path": str(contents.path.absolute()),
        "bytes": contents.file_bytes,
        "seconds": contents.seconds,
        "schema": contents.migration,
        "newest_message_at": contents.newest_message_at,
        "tables": contents.rows,
    }


def show(sentence: str, contents: Contents) -> None:
    """Tell a person what was made and what is in it."""
    print_pairs(
        {
            sentence: f"{contents.path}, {size(contents.file_bytes)}, in {contents.seconds:.1f} s",
            "Checked": "every page, every index, every foreign key",
            "Schema": contents.migration or "none",
            "Newest message": contents.newest_message_at or "none",
        }
    )
    click.echo()
    print_table(["table", "rows"], [(name, f"{count:,}") for name, count in contents.rows.items()], frozenset({1}))


def report_on(path: Path) -> FileReport:
    """What a file that was verified a moment ago holds, without checking all of it again."""
    with Console(path, READ_SECONDS) as console:
        census = count_tables(console, READ_SECONDS)
    return FileReport(path, FileKind.OK, rows=census.rows, migrations=tuple(applied_migrations(path)))


def make_single_file(path: Path) -> None:
    """Leave WAL mode, so that whoever reads the copy leaves nothing beside it; a start of the bot switches it on."""
    with translated(), opened(connect(path, "rw", READ_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()


def publish(prepared: Path, target: Path) -> None:
    """Give a finished file its name in one step that never replaces another file."""
    try:
        _move(prepared, target)
        sync_folder(target.parent)
    except FileExistsError:
        raise ProtectedError(f"{target} appeared meanwhile, and was not replaced.") from None
    except OSError as error:
        raise StorageError(f"{target} can't be written: {error.strerror}.") from None


def _move(prepared: Path, target: Path) -> None:
    try:
        os.link(prepared, target)
    except FileExistsError:
        raise
    except OSError:  # some network file systems know no hard links
        prepared.rename(target)


def require_free(target: Path) -> None:
    """Raise unless a database can get this name: ProtectedError if it or a trace of one is there."""
    for path in (target, *(Path(f"{target}{suffix}") for suffix in SIDE_FILES)):
        if path.exists() or path.is_symlink():
            raise ProtectedError(f"{path} is already there.", remedy="Choose another name, or move it away.")
    if not target.parent.is_dir():
        raise NotFoundError(f"The folder {target.parent} does not exist.", remedy="Make it first.")
    if not os.access(target.parent, os.W_OK, effective_ids=True):
        raise StorageError(f"The folder {target.parent} can't be written.", remedy="Choose another place.")


def require_space(target: Path, needed_bytes: int) -> None:
    """Raise StorageError unless the target's disk has room for that much."""
    free = shutil.disk_usage(target.parent).free
    if free < needed_bytes:
        raise StorageError(
            f"{target.parent} has {size(free)} free, and {size(needed_bytes)} are needed.",
            remedy="Choose another place.",
        )
