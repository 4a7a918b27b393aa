"""What is to stand in an answer's messages in place of what they say, or that they go; and whose answer a message is.

A row lives from the moment the new text is there until every message says it, so that a death in between leaves
neither half of it.
"""

from sqlite_utils.db import Database

STATEMENTS = (
    """
CREATE TABLE rewrites (
    turn_id INTEGER PRIMARY KEY REFERENCES turns (message_id),
    answer TEXT NOT NULL,
    is_removal INTEGER NOT NULL DEFAULT 0 CHECK (is_removal IN (0, 1)),
    created_at TEXT NOT NULL
) STRICT
""",
    "CREATE INDEX idx_turn_chunks_message ON turn_chunks (message_id)",
)


def migrate(db: Database) -> None:
    """Create the table, and the index by which a message leads back to its turn."""
    for statement in STATEMENTS:
        db.execute(statement)
