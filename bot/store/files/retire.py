"""Moving the JSON files of before the switch away: copied, synced and checked first, and then gone all together.

Killed at any point it can be run again: the copies that are there are used, and the files go in one commit.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path, PurePosixPath

from bot.errors import ConflictError, StorageError
from bot.rules.operation.retirement import RetirementFacts
from bot.rules.operation.switching import fault_of
from bot.settings import Settings
from bot.store import drills, storage
from bot.store.engine import RawConnection, ask
from bot.store.files.folder.commit import STAGING
from bot.store.files.folder.disk import (
    copy_file,
    digest_file,
    digest_or_none,
    make_folder,
    sync,
    sync_all,
    sync_file,
    told,
)
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import MODE_FILE, REST_FOLDER, FileDigest, FolderState
from bot.store.files.modes.facts import look
from bot.store.legacy.folder import IMAGES, STAND_INS

TARGET = "retired-json-"
PART = ".part"
EMPTIED = (IMAGES, str(PurePosixPath(IMAGES).parent), REST_FOLDER, STAGING)

Files = Mapping[str, FileDigest]


@dataclass(frozen=True, slots=True)
class Retired:
    """What was moved, and where to; nothing, and None, where a run that was killed had moved all of it."""

    folder: Path
    target: Path | None
    files: Files


def look_at_retirement(connection: RawConnection, settings: Settings) -> RetirementFacts:
    """What speaks for and against retiring the settings' folder; its files are read, nothing is changed."""
    recorded, facts = storage.read_from(connection), look(settings)
    latest = ask(connection, drills.latest())
    serves_alone = "database" == recorded.mode == settings.mode
    return RetirementFacts(
        switched_at=recorded.switched_at if serves_alone else None,
        verified_at=latest[0].verified_at if latest else None,
        retention=timedelta(seconds=settings.json_retention_seconds),
        has_files=not facts.folder.is_empty,
        folder_fault=fault_of(facts.folder, recorded.lineage, recorded.counter),
    )


def retire(folder: JsonFolder, connection: RawConnection, target: Path | None, now: datetime) -> Retired:
    """Move the files away, into a new folder beside or the target; whoever calls has seen that they may go.

    Raises ConflictError where the target holds something else, StorageError where a file can't be moved.
    """
    folder.recover()
    state = folder.read() or _as_found(folder, connection, now)
    files = dict(state.files) | _copies_of_the_original(folder)
    chosen = _choose(folder, target, files, now) if files else None
    if chosen:
        _copy_all(folder, chosen, files)
        folder.commit((), replace(state, files=files), drop=files)
        if left := [name for name in files if folder.path.joinpath(name).exists()]:
            raise StorageError(f"{folder.path / left[0]} can't be taken away.", remedy="Run it again.")
    _clear(folder.path)
    return Retired(folder.path, chosen, files)


def _as_found(folder: JsonFolder, connection: RawConnection, now: datetime) -> FolderState:
    recorded = storage.read_from(connection)
    return FolderState(
        recorded.lineage,
        "database",
        recorded.counter,
        folder.format(),
        is_final=False,
        written_at=now,
        files=folder.data_files(),
    )


def _copies_of_the_original(folder: JsonFolder) -> dict[str, FileDigest]:
    """What the original kept of files that it has converted: logins too."""
    found = {name: digest_or_none(folder.path / name) for name, _ in STAND_INS.values()}
    return {name: digest for name, digest in found.items() if digest}


def _choose(folder: JsonFolder, target: Path | None, files: Files, now: datetime) -> Path:
    """The target, or the first free name beside; one that a killed run has begun to fill is free."""
    if target is not None:
        if not _is_free(target, files):
            raise ConflictError(f"{target} holds something else.", remedy="Name a new or an empty folder.")
        return target
    name = f"{TARGET}{now.astimezone(UTC):%Y-%m-%d}"
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(path for one in names if _is_free(path := folder.path / one, files))


def _is_free(target: Path, files: Files) -> bool:
    if not target.exists():
        return True
    present = [path for path in target.rglob("*") if not path.is_dir()]
    return target.is_dir() and all(_is_ours(path, path.relative_to(target).as_posix(), files) for path in present)


def _is_ours(path: Path, name: str, files: Files) -> bool:
    if name.endswith(PART):
        return name.removesuffix(PART) in {*files, MODE_FILE}
    return name == MODE_FILE or (name in files and digest_file(path) == files[name])


def _copy_all(folder: JsonFolder, target: Path, files: Files) -> None:
    """Copy them, the mode file last; what is begun in a new place is taken away again where it fails."""
    is_new = not target.exists()
    try:
        for name, digest in files.items():
            _copy(folder.path / name, target / name, digest)
        if (mode_file := folder.path / MODE_FILE).exists():
            _copy(mode_file, target / MODE_FILE, digest_file(mode_file))
        sync_all(target)
    except BaseException:
        if is_new:
            shutil.rmtree(target, ignore_errors=True)
        raise


def _copy(source: Path, target: Path, expected: FileDigest) -> None:
    if target.is_file() and digest_file(target) == expected:
        return
    make_folder(target.parent)
    part = target.with_name(target.name + PART)
    with told(target):
        copy_file(source, part)
        sync_file(part)
        if digest_file(part) != expected:
            raise StorageError(f"{source} is not what it was a moment ago.", remedy="Find out who writes it.")
        part.replace(target)


def _clear(folder: Path) -> None:
    """Take away the empty folders that are left, and the mode file last: a folder without it holds nothing."""
    for name in EMPTIED:
        path = folder / name
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    with told(folder / MODE_FILE):
        (folder / MODE_FILE).unlink(missing_ok=True)
    sync(folder)
