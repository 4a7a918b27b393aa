"""Making a database of JSON files, for those who only want to ask it something."""

from pathlib import Path

from bot.model import utc_now
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.columns import to_text
from bot.store.engine import connect, opened, transaction
from bot.store.legacy.decode import decode
from bot.store.legacy.folder import look_through, survey
from bot.store.legacy.record import Defaults
from bot.store.legacy.transfer import Progress, Transfer
from bot.store.migrate import LOCK_SECONDS, create_database
from bot.store.translate import translated


def load_new(folder: Path, database: Path, settings: Settings, cipher: Cipher, progress: Progress) -> None:
    """Make a database as a start in json mode does; raises UnreadableError, and whatever `progress` raises."""
    create_database(database)
    now = utc_now()
    readable = survey(look_through(folder), may_skip=False, watch=progress)
    defaults = Defaults(settings.bot_owner_id, settings.token_lifetime_seconds, to_text(now))
    with translated(), opened(connect(database, "rw", LOCK_SECONDS)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        with transaction(connection):
            Transfer(decode(readable, defaults), cipher, now, progress)(connection)
