"""Files on the disk: written whole and synced, hashed in pieces, and told of in a sentence where that fails."""

import errno
import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.errors import BusyError, StorageError, UnreadableError
from bot.store.files.folder.state import FileDigest
from bot.store.migrate import LOCK_SECONDS, sync_folder

FILE_MODE = 0o600
FOLDER_MODE = 0o700
LOCK_PAUSE_SECONDS = 0.01

_REASONS = {
    **dict.fromkeys(
        (errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
        ("the disk is full", "Free space on the volume or make it larger."),
    ),
    **dict.fromkeys(
        (errno.EROFS, errno.EACCES, errno.EPERM),
        ("it is read-only for this user", "Mount the volume writable and give this user write permission."),
    ),
    **dict.fromkeys(
        (errno.ENOENT, errno.ENOTDIR),
        ("the folder is gone", "Mount the volume, or make the folder again."),
    ),
}


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Raise StorageError that names the file and the reason in place of the system's error."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """The sentence for a file that could not be written."""
    reason, remedy = _REASONS.get(error.errno or 0, (error.strerror or type(error).__name__, "Check the volume."))
    return StorageError(f"{path} can't be written: {reason}.", remedy=remedy)


def unreadable(path: Path | str, error: OSError) -> UnreadableError:
    """The sentence for a file or folder that is there and could not be read."""
    reason = error.strerror or type(error).__name__
    return UnreadableError(f"{path} can't be read: {reason}.", remedy="Let this user read it, or check the volume.")


def write_file(path: Path, pieces: Iterable[bytes]) -> FileDigest:
    """Make a new file of the pieces, for this user alone; not yet synced. Raises StorageError."""
    found, size = hashlib.sha256(), 0
    with told(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        # The pieces may come out of the database, whose errors are none of this file's.
        with os.fdopen(descriptor, "wb") as file:
            for piece in pieces:
                file.write(piece)
                found.update(piece)
                size += len(piece)
    return FileDigest(found.hexdigest(), size)


def sync_file(path: Path) -> None:
    """Make the file's content survive a power cut."""
    with told(path):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file's content, for this user alone; not yet synced. Raises OSError."""
    shutil.copyfile(source, target)
    target.chmod(FILE_MODE)


def digest_file(path: Path) -> FileDigest:
    """What the file holds now; read in pieces, with the interpreter released. Raises OSError."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
        return FileDigest(found.hexdigest(), file.tell())


def digest_or_none(path: Path) -> FileDigest | None:
    """The same, None where there is no such file; raises UnreadableError for one that can't be read."""
    try:
        return digest_file(path) if path.is_file() else None  # a pipe in its place would never end
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from None


def sync(folder: Path) -> None:
    """Make what was renamed, made or deleted in the folder survive a power cut."""
    with told(folder):
        sync_folder(folder)


def sync_all(folder: Path) -> None:
    """The same of the folder and of every one below it."""
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            sync(path)


def make_folder(path: Path) -> None:
    """Make the folder and those above it where they are missing."""
    with told(path):
        for folder in reversed([one for one in (path, *path.parents) if not one.is_dir()]):
            folder.mkdir(mode=FOLDER_MODE)
            sync_folder(folder.parent)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep other processes out that want the same; one that is killed lets go by itself. Raises BusyError."""
    with told(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _wait_for_lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _wait_for_lock(descriptor: int, folder: Path) -> None:
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise BusyError(
                    f"Another process of this program is writing into {folder}.",
                    remedy="Wait for it, or stop the bot whose JSON folder it is.",
                ) from None
            time.sleep(LOCK_PAUSE_SECONDS)
        except OSError as error:  # a volume without locks
            raise storage_error(folder, error) from error
        else:
            return
