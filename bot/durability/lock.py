"""One owner per volume: a lock file beside the database, held by `flock` for as long as any process has it open."""

import asyncio
import errno
import fcntl
import logging
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import orjson

from bot.durability.presence import LOCK_NAME, find_holder
from bot.errors import ProtectedError, StorageError
from bot.settings import Settings

POLL_SECONDS = 0.05

log = logging.getLogger(__name__)


class VolumeLock:
    """The exclusive right to the data in a folder; child processes that inherit `fd` share it."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def take(cls, folder: Path, timeout_seconds: float) -> Self:
        """The folder's lock, made with the folder if needed; ProtectedError names who holds it past the timeout."""
        deadline = time.monotonic() + timeout_seconds
        while (lock := cls.try_take(folder)) is None:
            if time.monotonic() >= deadline:
                raise held_error(folder, timeout_seconds)
            time.sleep(POLL_SECONDS)
        return lock

    @classmethod
    def try_take(cls, folder: Path) -> Self | None:
        """The folder's lock, or None at once when another process holds it."""
        fd = _open(folder)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return None
        _sign(fd)
        return cls(fd)

    @classmethod
    def inherit(cls, fd: int) -> Self:
        """The lock that the parent process passed on as an open file."""
        os.set_inheritable(fd, False)  # noqa: FBT003 - it takes no keyword
        return cls(fd)

    def name_socket(self, path: Path) -> None:
        """Add where Litestream listens to the signature, for commands beside the running bot."""
        _sign(self.fd, path)

    def release(self) -> None:
        """Close this process's part; the lock is free when every process that inherited it has ended."""
        os.close(self.fd)

    def __enter__(self) -> Self:
        """For commands that hold it for a block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Release it."""
        self.release()


async def take_lock(settings: Settings) -> VolumeLock:
    """The volume's lock, waiting for a process that is about to end; ProtectedError when it stays held."""
    return await _take_lock(settings, settings.database_path.absolute().parent)


async def take_files_lock(settings: Settings) -> VolumeLock | None:
    """The same for the folder of the JSON files, where that is another one: two databases must not share it."""
    folder = files_folder(settings)
    return await _take_lock(settings, folder) if folder else None


async def _take_lock(settings: Settings, folder: Path) -> VolumeLock:
    deadline = time.monotonic() + settings.lock_timeout_seconds
    if (lock := VolumeLock.try_take(folder)) is not None:
        return lock
    log.warning(
        "%s is in use by %s; waiting up to %g s", folder, find_holder(folder) or "nobody", settings.lock_timeout_seconds
    )
    while (lock := VolumeLock.try_take(folder)) is None:
        if time.monotonic() >= deadline:
            raise held_error(folder, settings.lock_timeout_seconds)
        await asyncio.sleep(POLL_SECONDS)
    return lock


def files_folder(settings: Settings) -> Path | None:
    """The folder of the JSON files, where the mode has them elsewhere than beside the database."""
    folder, volume = settings.json_folder.absolute(), settings.database_path.absolute().parent
    return folder if settings.mode != "database" and folder.resolve() != volume.resolve() else None


@contextmanager
def hold_locks(settings: Settings, lock_fd: int | None, files_lock_fd: int | None) -> Iterator[None]:
    """Hold the lock of everything that is served: what was not inherited as an open file is taken."""
    held = {settings.database_path.parent: lock_fd}
    if (folder := files_folder(settings)) is not None:
        held[folder] = files_lock_fd
    with ExitStack() as stack:
        for path, fd in held.items():
            lock = VolumeLock.take(path, settings.lock_timeout_seconds) if fd is None else VolumeLock.inherit(fd)
            stack.callback(lock.release)
        yield


def held_error(folder: Path, timeout_seconds: float) -> ProtectedError:
    """What whoever waited in vain is told."""
    return ProtectedError(
        f"The data in {folder} is in use by {find_holder(folder) or 'another process'}; "
        f"waited {timeout_seconds:g} s for it.",
        remedy="Stop the other process first: two writers on one volume would destroy the copy in the bucket.",
    )


def _open(folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StorageError(
            f"The folder {folder} can't be written: {error.strerror}.",
            remedy="Mount the volume writable and give it to the user that the bot runs as.",
        ) from None


def _sign(fd: int, litestream: Path | None = None) -> None:
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": datetime.now(UTC).isoformat("T", "seconds")}
    if litestream is not None:
        holder["socket"] = str(litestream)
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, orjson.dumps(holder), 0)
    except OSError as error:
        if (
            error.errno == errno.ENOSPC
        ):  # the lock counts without its holder's name, and a full disk may be mended later
            return
        os.close(fd)
        raise StorageError(
            f"The volume can't be written: {error.strerror}.", remedy="Mount it writable, or mend it."
        ) from None
