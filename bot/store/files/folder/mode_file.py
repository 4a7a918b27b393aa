"""The folder's mode file as a commit record: the state, and the renames that make the files be that state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from bot.errors import UnreadableError
from bot.store.columns import to_text
from bot.store.files.folder.disk import unreadable
from bot.store.files.folder.state import MODE_FILE, FileDigest, FolderState
from bot.store.files.plan import Format

VERSION = 1


@dataclass(frozen=True, slots=True)
class Pending:
    """A file that waits under another name in the staging folder; `before` is what it takes the place of."""

    staged: str
    before: str | None


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """What one commit says: the state of the folder, and what is still to be renamed or deleted for it.

    `dropped` are the files that go, with the digest of what they held.
    """

    state: FolderState
    pending: Mapping[str, Pending] = field(default_factory=dict)
    dropped: Mapping[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The mode file's content."""
        state = self.state
        value = {
            "version": VERSION,
            "lineage": state.lineage,
            "mode": state.mode,
            "counter": state.counter,
            "format": state.format,
            "is_final": state.is_final,
            "written_at": to_text(state.written_at),
            "files": {
                name: {"sha256": one.sha256, "size_bytes": one.size_bytes} for name, one in sorted(state.files.items())
            },
            "pending": {name: {"staged": one.staged, "before": one.before} for name, one in self.pending.items()},
            "dropped": dict(self.dropped),
        }
        return orjson.dumps(value, option=orjson.OPT_INDENT_2)


def read_record(folder: Path) -> CommitRecord | None:
    """The folder's record; None without a mode file. Raises UnreadableError for one that can't be understood."""
    path = folder / MODE_FILE
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        value = orjson.loads(content)
        version = value["version"]
        if version == VERSION:
            return _to_record(value)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableError(
            f"{path} can't be read: it is no mode file of this program ({type(error).__name__}).",
            remedy="Put back the file that belongs there. Without it the folder counts as the original's: move it"
            " away only if what else lies in `.tzurot` there is not needed.",
        ) from None
    raise UnreadableError(f"{path} is from another version of the program.", remedy="Start that version.")


def _to_record(value: Mapping[str, Any]) -> CommitRecord:
    state = FolderState(
        lineage=_text(value["lineage"]),
        mode=_text(value["mode"]),
        counter=_number(value["counter"]),
        format=Format(value["format"]),
        is_final=value["is_final"] is True,
        written_at=datetime.fromisoformat(value["written_at"]),
        files={
            require_inside(name): FileDigest(_text(one["sha256"]), _number(one["size_bytes"]))
            for name, one in value["files"].items()
        },
    )
    pending = {
        require_inside(name): Pending(require_inside(one["staged"]), one["before"])
        for name, one in value["pending"].items()
    }
    return CommitRecord(state, pending, {require_inside(name): _text(one) for name, one in value["dropped"].items()})


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value


def _number(value: object) -> int:
    if type(value) is not int:
        raise TypeError("a number is expected")
    return value


def require_inside(value: object) -> str:
    """A file's name; raises ValueError for one that leads out of the folder, which is never followed."""
    name = _text(value)
    if {"", ".", ".."} & set(name.split("/")) or "\0" in name:
        raise ValueError("a name leads out of the folder")
    return name
