"""What the database and the JSON folder say of themselves, found out without changing anything."""

from collections.abc import Mapping
from pathlib import Path

from bot.errors import ConfigurationError, ProtectedError, UnreadableError
from bot.rules.operation.storage_mode import DatabaseSide, Facts, FolderRecord, FolderSide, Mode
from bot.settings import Settings
from bot.store import storage
from bot.store.engine import RawConnection, ask, connect, opened
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import REST_FOLDER, FileDigest
from bot.store.inspection import TABLES, FileKind, inspect_file
from bot.store.legacy.folder import IMAGES, MIGRATED
from bot.store.migrate import LOCK_SECONDS, require_known
from bot.store.translate import translated

SIGNS_OF_LIFE = ("lives", "personalities")
"""Tables of which one row says that a database has served."""

EMPTY = "the file is empty, or only a part of it is there"


def look(settings: Settings, mode: str = "ro") -> Facts:
    """What both sides say; `mode` is how the database's file is opened.

    Raises ProtectedError for a side that is there and can't be read: what it knows is not nothing.
    """
    require_folder(settings)
    folder = JsonFolder(settings.json_folder)
    database, imports = _look_at_database(settings.database_path, mode)
    try:
        side = _look_at_folder(folder, imports)
    except UnreadableError as error:
        raise ProtectedError(error.message, remedy=error.remedy) from error
    return Facts(
        Mode(settings.mode),
        database,
        side,
        may_begin=settings.allow_init == "local",
        is_importing=database is None and _imports_files(settings),
    )


def require_folder(settings: Settings) -> None:
    """Raise ConfigurationError where something else than a folder lies in the place of the JSON files."""
    path = settings.json_folder
    if path.exists() and not path.is_dir():
        raise ConfigurationError(f"JSON_DIR names {path}, which is no folder.", remedy="Correct JSON_DIR.")


def import_source(settings: Settings) -> Path | None:
    """The folder that a new database begins with: IMPORT_DIR, or the files that are going to follow it."""
    if settings.import_dir is not None or settings.mode in ("json", "database"):
        return settings.import_dir
    return settings.json_folder if JsonFolder(settings.json_folder).has_data() else None


def _imports_files(settings: Settings) -> bool:
    """Whether a new database would begin with the folder of the JSON files."""
    source = import_source(settings)
    return source is not None and source.resolve() == settings.json_folder.resolve()


def _look_at_database(path: Path, mode: str) -> tuple[DatabaseSide | None, list[storage.Import]]:
    report = inspect_file(path, full=False, mode=mode)
    if report.kind is FileKind.MISSING and not report.side_files:
        return None, []
    if report.kind is not FileKind.OK:
        found = "; ".join(report.problems) or EMPTY
        raise ProtectedError(
            f"Which mode served last can't be read from the database {path}: {found.rstrip('.')}.",
            remedy="Put back a sound one, or move it away to go on without what it says.",
        )
    require_known(path, report.migrations)
    with translated(), opened(connect(path, mode, LOCK_SECONDS)) as connection:
        return _read_database(connection)


def _read_database(connection: RawConnection) -> tuple[DatabaseSide, list[storage.Import]]:
    tables = {row["name"] for row in connection.execute(TABLES)}
    has_lived = any(
        connection.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone()  # noqa: S608 - own names
        for table in SIGNS_OF_LIFE
        if table in tables
    )
    if "storage" not in tables:
        return DatabaseSide("", is_unrecorded=has_lived), []
    kept = storage.read_from(connection)
    imports = ask(connection, storage.imports())
    mode = Mode(kept.mode) if kept.mode else None
    is_unrecorded = has_lived and mode is None and not imports
    return DatabaseSide(kept.lineage, kept.counter, mode, bool(imports), is_unrecorded), imports


def _look_at_folder(folder: JsonFolder, imports: list[storage.Import]) -> FolderSide:
    state, files, name = folder.read(), folder.data_files(), str(folder.path)
    is_imported = _is_imported(str(folder.path.absolute()), files, imports)
    if state is None:
        return FolderSide(name, bool(files), is_imported=is_imported)
    differing = folder.changed(state)
    gone = {file for file in differing if file in state.files and not folder.locate(file).exists()}
    damaged = {file for file in differing if file.startswith(f"{REST_FOLDER}/")}
    return FolderSide(
        name,
        bool(files),
        FolderRecord(state.lineage, state.counter, state.is_final),
        changed=tuple(file for file in differing if file not in gone | damaged),
        lost=tuple(sorted({file for file in gone if _is_missed(folder, file)} | damaged)),
        is_imported=is_imported,
    )


def _is_missed(folder: JsonFolder, file: str) -> bool:
    """Whether records went with a file: the original clears images away, and renames what it has taken over."""
    return not _is_image(file) and not folder.path.joinpath(f"{file}{MIGRATED}").exists()


def _is_imported(name: str, files: Mapping[str, FileDigest], imports: list[storage.Import]) -> bool:
    """Whether every file is what an import has read; of those from this very folder only the last one counts."""
    found = {file: digest.sha256 for file, digest in files.items() if not _is_image(file)}
    here = [one for one in imports if one.folder == str(Path(name).resolve())][:1]
    return bool(found) and any(found.items() <= dict(one.files).items() for one in here or imports)


def _is_image(file: str) -> bool:
    """Images are told apart by the file that lists them."""
    return file.startswith(f"{IMAGES}/")
