"""The files on the volume: where new ones are prepared, how old ones are set aside, and what may not be there."""

import contextlib
import itertools
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bot.errors import ConfigurationError, DamagedError, StorageError
from bot.settings import Settings
from bot.store.engine import connect, opened
from bot.store.inspection import FileKind, FileReport, inspect_file
from bot.store.migrate import LOCK_SECONDS, SIDE_FILES, sync_folder
from bot.store.translate import translated

STAGING_NAME = ".tzurot-staging"
QUARANTINE = "quarantine-"
"""What the names of folders begin with that hold a database which was not gone on with."""


def require_mounted(settings: Settings, is_mount: Callable[[Path], bool] = os.path.ismount) -> None:
    """On Railway, refuse to keep the state where the next deploy throws it away: ConfigurationError."""
    if settings.railway_environment_id is None:
        return
    mount = settings.railway_volume_mount_path
    name, place = "DATABASE_PATH", settings.database_path.absolute()
    if settings.mode == "json":
        name, place = "JSON_DIR", settings.json_folder.absolute()
    if mount is None or not is_mount(mount):
        raise ConfigurationError(
            "This service has no volume, so every deploy would begin without its data.",
            remedy="Attach a volume at /app/data in Railway.",
        )
    if not place.is_relative_to(mount):
        raise ConfigurationError(f"{name} {place} is not on the volume at {mount}.", remedy=f"Leave {name} unset.")


def replication_folder(database: Path) -> Path:
    """Litestream's own folder beside a database; it belongs to one prefix and is worthless for any other."""
    return database.parent / f".{database.name}-litestream"


def local_txid(database: Path) -> int | None:
    """The last transaction that Litestream has taken over from the database, None if it never did."""
    files = (replication_folder(database) / "ltx").glob("*/*.ltx")
    ends = [file.stem.partition("-")[2] for file in files]
    return max((int(end, 16) for end in ends if end), default=None)


def traces(database: Path) -> tuple[str, ...]:
    """What a lost database left beside its place."""
    names = [f"{database.name}{suffix}" for suffix in SIDE_FILES]
    return tuple(name for name in names if database.with_name(name).exists())


def inspect_volume(database: Path, mode: str = "ro") -> FileReport:
    """What lies where the database belongs; a sound one has passed SQLite's quick check, and nothing was changed."""
    report = inspect_file(database, full=False, mode=mode)
    if report.kind is not FileKind.OK:
        return report
    problem = _quick_check(database, mode)
    return replace(report, kind=FileKind.DAMAGED, problems=(problem,)) if problem else report


def _quick_check(database: Path, mode: str) -> str:
    try:
        # Read-only: closing a connection that may write would move the whole WAL into the database.
        with translated(), opened(connect(database, mode, LOCK_SECONDS)) as connection:
            found: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except DamagedError as error:
        return error.message
    return "" if found == "ok" else f"SQLite finds the database file damaged: {found}"


def staged(database: Path) -> Path:
    """Where a new database is prepared under the same name, on the same volume; emptied first."""
    folder = database.parent / STAGING_NAME
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    except OSError as error:
        raise StorageError(f"{folder} can't be made: {error.strerror}.") from None
    return folder / database.name


def clean(database: Path) -> None:
    """Remove what an interrupted start of ours was preparing."""
    shutil.rmtree(database.parent / STAGING_NAME, ignore_errors=True)


def place(prepared: Path, database: Path) -> None:
    """Give a prepared database its name in one step that survives a power cut."""
    wal = prepared.with_name(f"{prepared.name}-wal")
    if wal.exists() and wal.stat().st_size:
        raise StorageError(f"The database prepared in {prepared.parent} was not closed properly; nothing was replaced.")
    if left := traces(database):  # SQLite would replay an old log onto the new database
        raise StorageError(f"{', '.join(left)} of another database is in {database.parent}; nothing was put there.")
    try:
        _sync_file(prepared)
        prepared.rename(database)
        sync_folder(database.parent)
    except OSError as error:
        raise StorageError(f"{database} can't be put in place: {error.strerror}.") from None
    clean(database)


def quarantine(database: Path, now: datetime) -> Path | None:
    """Move what is left of a database, and Litestream's folder, into a folder of its own; None if nothing is left."""
    # The database first: interrupted, one without its log would pass for a sound one that is merely older.
    names = [database.name, *traces(database), replication_folder(database).name]
    left = [database.with_name(name) for name in names if database.with_name(name).exists()]
    if not left:
        return None
    name = f"{QUARANTINE}{now:%Y%m%dT%H%M%SZ}"
    try:
        folder = _new_folder(database.parent, name)
        for file in left:
            file.rename(folder / file.name)
        # The new names first: a power cut must not leave a file without any.
        sync_folder(folder)
        sync_folder(database.parent)
    except OSError as error:
        raise StorageError(f"The old database can't be moved to {name}: {error.strerror}.") from None
    return folder


def _new_folder(parent: Path, name: str) -> Path:
    """A folder that was not there: two starts within a second must not put one file over another's."""
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError  # the numbers do not end


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def forget_replication(database: Path) -> None:
    """Remove Litestream's folder before a change of prefix: kept, it would keep replication dead."""
    shutil.rmtree(replication_folder(database), ignore_errors=True)
    sync_folder(database.parent)


def is_sound(report: FileReport) -> bool:
    """Whether a restored file is this program's database and every check passed."""
    return report.kind is FileKind.OK and bool(report.migrations) and "personalities" in report.rows
