"""The drills: restores on trial, each row also the write by which the copy is recognised (`nonce`)."""

from sqlite_utils.db import Database

TABLE = """
CREATE TABLE drills (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce TEXT NOT NULL UNIQUE,
    started_at TEXT NOT NULL,
    finished_at TEXT,
    outcome TEXT CHECK (outcome IN ('verified', 'failed', 'inconclusive')),
    reason TEXT,
    prefix TEXT,
    txid TEXT,
    bytes INTEGER,
    rows INTEGER,
    steps TEXT
) STRICT
"""


def migrate(db: Database) -> None:
    """Create the table."""
    db.execute(TABLE)
