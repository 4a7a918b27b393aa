"""Who uses a proxy bot such as PluralKit, so that the message it deletes is not answered in the moment before."""

from sqlite_utils.db import Database

TABLE = """
CREATE TABLE proxy_users (
    user_id INTEGER PRIMARY KEY,
    last_proxied_at TEXT NOT NULL
) STRICT
"""


def migrate(db: Database) -> None:
    """Create the table."""
    db.execute(TABLE)
