"""The drills: what each restore on trial found."""

from sqlite_utils.db import Database

TABLE = """
CREATE TABLE drills (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('verified', 'failed', 'inconclusive')),
    reason TEXT NOT NULL,
    prefix TEXT,
    txid TEXT,
    bytes INTEGER,
    rows INTEGER,
    steps TEXT NOT NULL
) STRICT
"""


def migrate(db: Database) -> None:
    """Create the table."""
    db.execute(TABLE)
