"""The database that commands read from: the file, or in json mode what the JSON files are as one."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bot.durability.presence import find_holder
from bot.errors import NotFoundError, TzurotError
from bot.settings import Settings
from bot.store import storage
from bot.store.cipher import cipher_from
from bot.store.console import Console
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.loader import Loader
from bot.store.files.modes.scratch import make_private, scratch_path


@contextmanager
def readable_database(settings: Settings, named: Path | None = None) -> Iterator[Path]:
    """The database to read from, for the block: the one that was `named`, else the one in use.

    In json mode that is where the running bot keeps what it has loaded; where none runs, the files are loaded, and
    neither they nor their folder are touched.
    """
    if named is not None or settings.mode != "json":
        yield named or settings.database_path
    elif (scratch := _running(settings)) is not None:
        yield scratch
    else:
        private = scratch_path(settings.json_folder).parent
        make_private(private)
        with tempfile.TemporaryDirectory(prefix="reading-", dir=private) as directory:
            yield _load(settings, Path(directory))


def _running(settings: Settings) -> Path | None:
    """The running bot's database, if it is what the files are: a killed bot leaves one behind."""
    state, scratch = JsonFolder(settings.json_folder).read(), scratch_path(settings.json_folder)
    if state is None or find_holder(settings.json_folder) is None or not scratch.exists():
        return None
    try:
        with Console(scratch, settings.read_timeout_seconds) as console:
            known = console.first(storage.get())
    except TzurotError:  # it is just being made
        return None
    # A running bot writes the files first, but does not stay behind them.
    is_of_it = known is not None and known.lineage == state.lineage and known.counter >= state.counter
    return scratch if is_of_it else None


def _load(settings: Settings, directory: Path) -> Path:
    folder = settings.json_folder
    if not JsonFolder(folder).has_data():
        raise NotFoundError(
            f"There are no JSON files in {folder}, where STORAGE_MODE=json keeps the state.",
            remedy="Set JSON_DIR to the folder, or STORAGE_MODE to what the bot runs with.",
        )
    database = directory / "tzurot.db"
    Loader(settings, cipher_from(settings))(JsonFolder(folder).copy_to(directory / "files"), database)
    return database
