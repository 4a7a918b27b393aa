"""Creating a database and bringing its schema up to date; sqlite-utils is imported only when something is pending."""

import os
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import schema
from bot.errors import ProtectedError
from bot.store.engine import EngineError, RawConnection, connect, opened, require_engine
from bot.store.translate import comes_from_outside, translated

APPLIED = "SELECT name FROM _sqlite_migrations WHERE migration_set = 'tzurot' ORDER BY name"
HAS_TABLE = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '_sqlite_migrations'"
LOCK_SECONDS = 10.0
SIDE_FILES = ("-wal", "-shm", "-journal")


def known_migrations() -> list[str]:
    """The names of this program's migrations, in order, read from the folder and not by importing them."""
    return sorted(path.stem for path in Path(schema.__file__).parent.glob("[0-9][0-9][0-9][0-9]_*.py"))


def applied_migrations(path: Path) -> list[str]:
    """The names of the migrations that the database has; raises StorageError if it can't be read."""
    with translated(), opened(connect(path, "ro", LOCK_SECONDS)) as connection:
        return read_applied(connection)


def read_applied(connection: RawConnection) -> list[str]:
    """The same, on a connection that is open."""
    if connection.execute(HAS_TABLE).fetchone() is None:
        return []
    return [row["name"] for row in connection.execute(APPLIED)]


def is_current(path: Path) -> bool:
    """Whether nothing is pending; raises ProtectedError for a database from a newer version of the program."""
    applied = applied_migrations(path)
    require_known(path, applied)
    return applied == known_migrations()


def require_current(path: Path) -> None:
    """Raise ProtectedError unless the database has exactly this program's schema."""
    if not is_current(path):
        raise ProtectedError(
            f"{path} has an older schema, or none.", remedy="`tzurot run` brings it up to date; start that first."
        )


def migrate(path: Path) -> list[str]:
    """Apply what is pending, each migration in a transaction of its own; returns the names.

    Raises ProtectedError for a newer database, and for a migration that failed, naming it: the file is then as
    the last successful one left it.
    """
    require_engine()
    if is_current(path):
        return []
    with translated(), opened(connect(path, "rw", LOCK_SECONDS)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        return _apply_pending(connection)


def create_database(path: Path) -> None:
    """Make a new, empty database: built under a temporary name beside, then renamed into place.

    Raises ProtectedError if there is a file already, or what another database left behind.
    """
    require_engine()
    _require_free(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.new")
    _remove(unfinished)
    try:
        with translated(), opened(connect(unfinished, "rwc", LOCK_SECONDS)) as connection:
            _apply_pending(connection)
            connection.execute("PRAGMA journal_mode=WAL").fetchall()
        _require_free(path)
        unfinished.rename(path)
    finally:
        _remove(unfinished)
    sync_folder(path.parent)


def _remove(unfinished: Path) -> None:
    for suffix in ("", *SIDE_FILES):
        Path(f"{unfinished}{suffix}").unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a rename in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _apply_pending(connection: RawConnection) -> list[str]:
    from sqlite_utils import Database  # noqa: PLC0415 - 52 ms, only when something is pending

    from schema.migrations import migrations  # noqa: PLC0415 - the same

    database = Database(connection)
    done: list[str] = []
    names = [migration.name for migration in migrations.pending(database)]
    for name, following in zip_longest(names, names[1:]):
        try:
            migrations.apply(database, stop_before=following)
        except (EngineError, ArithmeticError, LookupError, TypeError, ValueError, OSError) as error:
            if comes_from_outside(error):  # nothing is wrong with the migration
                raise
            raise ProtectedError(
                f"Migration {name} failed: {error}.",
                remedy="The database is as the last successful migration left it; start the previous version.",
            ) from error
        done.append(name)
    return done


def require_known(path: Path, applied: Sequence[str]) -> None:
    """Raise ProtectedError for a database that has migrations of a newer version of the program."""
    unknown = sorted(set(applied) - set(known_migrations()))
    if unknown:
        raise ProtectedError(
            f"{path} is from a newer version of the program, which added {', '.join(unknown)}.",
            remedy="Start that version, or restore the database to a time before it.",
        )


def _require_free(path: Path) -> None:
    left = [name for suffix in ("", *SIDE_FILES) if (name := Path(f"{path}{suffix}")).exists()]
    if left:
        raise ProtectedError(
            f"No new database is made at {path}, because {', '.join(file.name for file in left)} is there.",
            remedy="Move it away, if nothing in it is needed.",
        )
