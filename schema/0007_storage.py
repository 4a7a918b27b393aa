"""Which storage mode served last, where its JSON folder is, what was imported, and what shadow mode found.

`storage.counter` rises with the first of the changes that the JSON folder has to follow next, and each time a mode
begins to serve that does not keep the other side up to date. The same lineage and counter stand in the folder's
`.tzurot-mode.json`.
"""

import secrets

from sqlite_utils.db import Database

TABLES = (
    """
CREATE TABLE storage (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    lineage TEXT NOT NULL,
    mode TEXT CHECK (mode IN ('json', 'dual', 'shadow', 'database')),
    counter INTEGER NOT NULL DEFAULT 0,
    switched_at TEXT,
    folder TEXT,
    files_failed_at TEXT,
    files_error TEXT,
    reads_compared INTEGER NOT NULL DEFAULT 0,
    compared_at TEXT
) STRICT
""",
    """
CREATE TABLE shadow_mismatches (
    table_name TEXT PRIMARY KEY,
    mismatches INTEGER NOT NULL,
    first_key TEXT NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL
) STRICT
""",
    """
CREATE TABLE imports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    imported_at TEXT NOT NULL,
    folder TEXT NOT NULL,
    manifest TEXT NOT NULL
) STRICT
""",
)


def migrate(db: Database) -> None:
    """Create the tables, and the one row that gives this database's state its name."""
    for statement in TABLES:
        db.execute(statement)
    db.execute("INSERT INTO storage (id, lineage) VALUES (1, :lineage)", {"lineage": secrets.token_hex(16)})
