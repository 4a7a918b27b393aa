"""A copy of a folder as it was at one moment, made without a lock and without holding anybody up."""

import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from bot.errors import BusyError
from bot.store.files.folder.commit import located
from bot.store.files.folder.disk import copy_file, make_folder, told, unreadable, write_file
from bot.store.files.folder.mode_file import CommitRecord, read_record
from bot.store.files.folder.state import MODE_FILE
from bot.store.legacy.folder import IMAGES

TRIES = 100
PAUSE_SECONDS = 0.02
PIECE_BYTES = 1 << 20


def copy_state(folder: Path, target: Path, list_files: Callable[[], Iterable[str]]) -> Path:
    """Copy the files of the folder's state and those listed into the target, and return it.

    A commit replaces the mode file before any other, and never writes into a file: so what is open while the mode
    file stays the same is of one state, and remains it. Raises BusyError if that never lasts long enough.
    """
    for _ in range(TRIES):
        record = read_record(folder)
        names = {*list_files(), *(record.state.files if record else ())} - {*(record.dropped if record else ())}
        shutil.rmtree(target / IMAGES, ignore_errors=True)
        with ExitStack() as until_copied:
            for name in sorted(names):
                if name.startswith(f"{IMAGES}/"):  # too many to be open at once, and not rewritten under their names
                    _copy_image(located(folder, name, record), target / name)
            files = {
                name: until_copied.enter_context(file)
                for name in sorted(names)
                if not name.startswith(f"{IMAGES}/") and (file := _open(folder, name, record))
            }
            if read_record(folder) == record:
                _write(files, target, record)
                return target
        time.sleep(PAUSE_SECONDS)
    raise BusyError(f"{folder} is written into all the time.", remedy="Try again when less is going on.")


def _open(folder: Path, name: str, record: CommitRecord | None) -> BinaryIO | None:
    # The first place may be left by a rename that happens just now.
    for path in (located(folder, name, record), folder / name):
        try:
            return path.open("rb")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise unreadable(path, error) from None
    return None


def _copy_image(source: Path, target: Path) -> None:
    make_folder(target.parent)
    with told(target), suppress(FileNotFoundError):
        copy_file(source, target)


def _write(files: dict[str, BinaryIO], target: Path, record: CommitRecord | None) -> None:
    for name, file in files.items():
        make_folder((target / name).parent)
        write_file(target / name, iter(partial(file.read, PIECE_BYTES), b""))
    if record:
        write_file(target / MODE_FILE, (CommitRecord(record.state).to_bytes(),))
