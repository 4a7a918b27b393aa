"""What the database and the JSON files say of who served them, shown to a person or as JSON."""

from typing import Any

from bot.rules.operation.storage_mode import DatabaseSide, Facts, FolderSide
from bot.settings import Settings


def as_object(settings: Settings, facts: Facts | None) -> dict[str, Any]:
    """Both sides as they stand in JSON; these names are a contract."""
    return {
        "mode": settings.mode,
        "folder": str(settings.json_folder),
        "database": _database_as_object(facts.database) if facts and facts.database else None,
        "files": _files_as_object(facts.folder) if facts and not facts.folder.is_empty else None,
    }


def _database_as_object(database: DatabaseSide) -> dict[str, Any]:
    return {
        "lineage": database.lineage,
        "served_mode": database.mode,
        "counter": database.counter,
        "has_import": database.has_import,
    }


def _files_as_object(folder: FolderSide) -> dict[str, Any]:
    record = folder.record
    return {
        "lineage": record.lineage if record else None,
        "counter": record.counter if record else None,
        "is_final": record.is_final if record else None,
        "is_imported": folder.is_imported,
        "changed": list(folder.changed),
        "lost": list(folder.lost),
    }


def describe(settings: Settings, facts: Facts | None) -> str:
    """Both sides in one line."""
    if facts is None:
        return f"{settings.mode} mode"
    return f"{settings.mode} mode; {_describe_database(facts.database)}; {_describe_files(facts.folder)}"


def _describe_database(database: DatabaseSide | None) -> str:
    if database is None:
        return "there is no database"
    if database.is_blank:
        return "the database has not served"
    served = f"served last in {database.mode} mode" if database.mode else "has no record of its mode"
    return f"the database {served}, at change {database.counter:,}"


def _describe_files(folder: FolderSide) -> str:
    if folder.is_empty:
        return f"no JSON files in {folder.path}"
    if folder.record is None:
        return f"files of the original in {folder.path}" + (", imported" if folder.is_imported else "")
    behind = "" if folder.record.is_final else ", older than the database"
    return f"the files in {folder.path} are at change {folder.record.counter:,}{behind}"
