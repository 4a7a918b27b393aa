"""The scratch database of the json mode: where the files' state is queried while they are the truth."""

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from bot.errors import ProtectedError, StorageError
from bot.store.files.folder.disk import told
from bot.store.migrate import SIDE_FILES

NAME_LENGTH = 16


def scratch_path(folder: Path) -> Path:
    """Where a folder's scratch database lies: always in the same place, so that commands beside the bot find it.

    Named after the folder itself and not only its path, which is the same in every container that shares `/tmp`.
    """
    identity = ""
    if folder.is_dir():
        found = folder.stat()
        identity = f"{found.st_dev}/{found.st_ino}"
    name = hashlib.sha256(os.fsencode(folder.resolve()) + identity.encode()).hexdigest()[:NAME_LENGTH]
    try:
        directory = Path(tempfile.gettempdir())
    except FileNotFoundError:
        raise StorageError("No temporary directory can be written.", remedy="Set TMPDIR to one that can.") from None
    return directory / f"tzurot-{os.getuid()}" / f"{name}.db"


def clear_scratch(path: Path) -> None:
    """Remove it; nothing where it is not there."""
    with told(path):
        for suffix in ("", *SIDE_FILES):
            Path(f"{path}{suffix}").unlink(missing_ok=True)


def make_private(folder: Path) -> None:
    """Make the folder, or raise ProtectedError if it is not this user's alone: it holds what users wrote."""
    with told(folder):
        folder.mkdir(mode=stat.S_IRWXU, parents=True, exist_ok=True)
        found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) & 0o077:
        raise ProtectedError(
            f"{folder} belongs to another user, or others may read it.",
            remedy="Remove it, or set TMPDIR to a folder that only this user can use.",
        )
