"""How far the gateway's messages were seen, so that a later process or session knows what it has missed."""

from sqlite_utils.db import Database

TABLE = """
CREATE TABLE gateway_marks (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    message_id INTEGER NOT NULL,
    marked_at TEXT NOT NULL
) STRICT
"""


def migrate(db: Database) -> None:
    """Create the mark's table."""
    db.execute(TABLE)
