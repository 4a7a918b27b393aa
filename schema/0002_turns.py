"""How far the gateway's messages were seen, so that a later process or session knows what it has missed."""

from sqlite_utils.db import Database

STATEMENTS = (
    """
CREATE TABLE gateway_marks (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    message_id INTEGER NOT NULL,
    marked_at TEXT NOT NULL
) STRICT
""",
    "CREATE INDEX idx_conversations_last_message_at ON conversations (last_message_at)",
)


def migrate(db: Database) -> None:
    """Create the mark's table, and the index that finds running conversations."""
    for statement in STATEMENTS:
        db.execute(statement)
