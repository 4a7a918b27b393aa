"""A folder of JSON files as it is at one moment, for a reader who takes longer than its writer rests."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bot.store.files.disk import FOLDER_MODE, told
from bot.store.files.folder import JsonFolder
from bot.store.files.state import MODE_FILE

Hold = Callable[[Path, Path], object]
"""Makes the second path hold what the first one holds."""


def link(source: Path, target: Path) -> None:
    """A second name, which costs nothing, for a file that is replaced and never written into."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # some file systems know no hard links
        shutil.copyfile(source, target)


def hold_still(folder: Path, target: Path, hold: Hold = shutil.copyfile) -> None:
    """Make `target` a folder with the same files, a commit's renames among them that are still to be done.

    Raises StorageError. A file that goes away meanwhile is missing there too.
    """
    source = JsonFolder(folder)
    with told(target):
        clear(target)
        target.mkdir(FOLDER_MODE)
        for name in source.names():
            (target / name).parent.mkdir(FOLDER_MODE, parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                hold(source.locate(name), target / name)
        with suppress(FileNotFoundError):
            shutil.copyfile(folder / MODE_FILE, target / MODE_FILE)


def clear(target: Path) -> None:
    """Take the folder away, if it is there."""
    with told(target):
        if target.is_dir():
            shutil.rmtree(target)
