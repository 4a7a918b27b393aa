"""Who uses a volume, found out without taking its lock or leaving a trace."""

import fcntl
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson

LOCK_NAME = ".tzurot.lock"


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that signed the lock: the supervisor, or a command that changes the database.

    `socket` is where its Litestream listens, if it has one.
    """

    pid: int | None = None
    host: str | None = None
    since: datetime | None = None
    socket: Path | None = None

    def __str__(self) -> str:
        """As an operator reads it."""
        if self.pid is None:
            return "another process"
        since = f" since {self.since:%Y-%m-%d %H:%M:%S} UTC" if self.since else ""
        return f"process {self.pid} on {self.host}{since}"


def find_holder(folder: Path) -> Holder | None:
    """Who holds the folder's lock, None when nobody does; a shared lock is tried for an instant only."""
    try:
        fd = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_signature(os.pread(fd, 1000, 0))
    finally:
        os.close(fd)
    return None


def _read_signature(content: bytes) -> Holder:
    try:
        signature = orjson.loads(content)
        named = signature.get("socket")
        return Holder(
            pid=int(signature["pid"]),
            host=str(signature["host"]),
            since=datetime.fromisoformat(signature["since"]),
            socket=Path(named) if named else None,
        )
    except (ValueError, KeyError, TypeError):
        return Holder()
