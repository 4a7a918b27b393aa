"""Making a database of JSON files, for those who only want to ask it something."""

from dataclasses import dataclass
from pathlib import Path

from bot.model import utc_now
from bot.settings import Settings
from bot.store import storage
from bot.store.cipher import Cipher
from bot.store.columns import to_text
from bot.store.engine import RawConnection, connect, opened, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.load import LoadOptions, load_folder
from bot.store.legacy.record import Defaults
from bot.store.legacy.report import ImportReport
from bot.store.legacy.transfer import Progress
from bot.store.migrate import LOCK_SECONDS, create_database
from bot.store.translate import translated


def _ignore(_table: str, _done: int) -> None:
    """Nobody watches."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Reads JSON files as a start in json mode does, or `by_records`, as the original would wherever it can."""

    settings: Settings
    cipher: Cipher
    by_records: bool = False

    def __call__(self, folder: JsonFolder, database: Path, progress: Progress = _ignore) -> ImportReport:
        """Make a database of the folder; raises UnreadableError, and whatever `progress` raises."""
        create_database(database)
        with translated(), opened(connect(database, "rw", LOCK_SECONDS)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            with transaction(connection):
                return self._load(connection, folder, progress)

    def _load(self, connection: RawConnection, folder: JsonFolder, progress: Progress) -> ImportReport:
        now = utc_now()
        defaults = Defaults(self.settings.bot_owner_id, self.settings.token_lifetime_seconds, to_text(now))
        report = load_folder(connection, folder, LoadOptions(self.cipher, defaults, now, progress, self.by_records))
        if state := folder.read():
            taken = storage.take_over(state.lineage, state.counter)
            connection.execute(taken.sql, taken.parameters)
        return report
