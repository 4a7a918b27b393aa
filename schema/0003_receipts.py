"""Each life of the bot's process, and the receipt of what it found of the one before.

`stopped_at` and `rows_at_stop` are the handover: the last write of an orderly stop. `ended_how`, `last_seen_at`,
`rows_before` and `lost` tell of the life before; `lost` is NULL where it can't be known.
"""

from sqlite_utils.db import Database

TABLE = """
CREATE TABLE lives (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at TEXT NOT NULL,
    start TEXT NOT NULL CHECK (start IN ('first', 'continue', 'restore', 'accept')),
    epoch INTEGER,
    ended_how TEXT CHECK (ended_how IN ('handover', 'crash')),
    last_seen_at TEXT,
    rows_before TEXT,
    rows_after TEXT,
    lost INTEGER,
    back_at TEXT,
    answered INTEGER,
    skipped TEXT,
    adopted INTEGER,
    told_at TEXT,
    stopped_at TEXT,
    rows_at_stop TEXT
) STRICT
"""


def migrate(db: Database) -> None:
    """Create the table."""
    db.execute(TABLE)
