"""How much of a database is not off-site, for whoever finds the log of a stop that could not upload it."""

from pathlib import Path

from bot.errors import StorageError
from bot.store import canary
from bot.store.engine import connect, opened
from bot.store.migrate import LOCK_SECONDS
from bot.store.translate import translated


def describe_backlog(database: Path) -> str:
    """Since when writes are not confirmed by the bucket, as the canary's last row has it."""
    query = canary.get()
    try:
        with translated(), opened(connect(database, "ro", LOCK_SECONDS)) as connection:
            row = connection.execute(query.sql).fetchone()
    except StorageError:
        return "since nobody knows when"
    last = query.read(row) if row else None
    if last is None or last.confirmed_at is None:
        return "none of which was ever confirmed"
    return f"those after transaction {last.confirmed_txid} ({last.confirmed_at:%Y-%m-%d %H:%M:%S} UTC)"
