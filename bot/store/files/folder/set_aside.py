"""Copies of files that are about to be replaced, kept beside them; nothing of that is ever deleted by itself."""

import shutil
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from bot.store.files.folder.disk import copy_file, digest_or_none, make_folder, sync, sync_all, sync_file, told

PREFIX = ".tzurot-original-"
UNFINISHED = ".tzurot-copying"


def copy_aside(folder: Path, names: Collection[str], now: datetime) -> Path:
    """Copy the files into a new folder named after the time; it appears under its name when it is complete.

    Copies and no links, because the original writes into its files where they lie. Where the last copy is the same,
    it does: a start that fails and is tried again and again must not fill the disk. Raises StorageError.
    """
    if (last := max(folder.glob(f"{PREFIX}*"), default=None)) and _holds(last, folder, names):
        return last
    unfinished = folder / UNFINISHED
    try:
        _clear(unfinished)
        for name in names:
            _copy(folder / name, unfinished / name)
        sync_all(unfinished)
        target = next(path for path in _targets(folder, now) if not path.exists())
        with told(target):
            unfinished.rename(target)
    finally:
        _clear(unfinished)
    sync(folder)
    return target


def _holds(copy: Path, folder: Path, names: Collection[str]) -> bool:
    present = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    return present == {*names} and all(digest_or_none(copy / name) == digest_or_none(folder / name) for name in names)


def _targets(folder: Path, now: datetime) -> Iterator[Path]:
    name = f"{PREFIX}{now.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}"
    yield folder / name
    for number in count(2):
        yield folder / f"{name}-{number}"


def _copy(source: Path, target: Path) -> None:
    make_folder(target.parent)
    with told(target):
        copy_file(source, target)
    sync_file(target)


def _clear(unfinished: Path) -> None:
    with told(unfinished):
        if unfinished.is_dir():
            shutil.rmtree(unfinished)
