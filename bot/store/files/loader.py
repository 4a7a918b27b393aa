"""Making a database of JSON files: the one that json mode serves from, and those that are only asked something."""

from dataclasses import dataclass
from pathlib import Path

from bot.model import Clock, utc_now
from bot.settings import Settings
from bot.store import storage
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, connect, opened, run, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.load import LoadOptions, load_folder
from bot.store.legacy.record import Defaults
from bot.store.legacy.report import ImportReport
from bot.store.migrate import LOCK_SECONDS, create_database
from bot.store.progress import Progress, unwatched
from bot.store.translate import translated


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads JSON files as a start in json mode does, or `by_records`, as the original would wherever it can."""

    settings: Settings
    cipher: Cipher
    by_records: bool = False
    clock: Clock = utc_now

    def __call__(self, folder: JsonFolder, database: Path, progress: Progress = unwatched) -> ImportReport:
        """Make a database of the folder; raises UnreadableError, and whatever `progress` raises."""
        create_database(database)
        with translated(), opened(connect(database, "rw", LOCK_SECONDS)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            with transaction(connection):
                report = self.fill(connection, folder, progress)
                if state := folder.read():
                    run(connection, storage.take_over(state.lineage, state.counter))
                return report

    def fill(self, connection: RawConnection, folder: JsonFolder, progress: Progress = unwatched) -> ImportReport:
        """Read the folder into a database's empty tables, inside its open transaction."""
        now = self.clock()
        options = LoadOptions(self.cipher, Defaults.of(self.settings, now), now, progress, self.by_records)
        return load_folder(connection, folder, options)
