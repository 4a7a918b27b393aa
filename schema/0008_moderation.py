"""Who is barred also from one server only, or until a time, and which more kinds of change there are.

A row with `guild_id` 0 counts everywhere; one with `user_id` 0 bars everybody of that server. SQLite changes no CHECK
and no key, so both tables are made anew; changes keep their numbers, and which were given away.
"""

from sqlite_utils.db import Database

SEQUENCE = "SELECT seq FROM sqlite_sequence WHERE name = 'changes'"

BLACKLIST = (
    """
CREATE TABLE blacklist_0008 (
    user_id INTEGER NOT NULL,
    guild_id INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    blacklisted_by INTEGER NOT NULL DEFAULT 0,
    blacklisted_at TEXT NOT NULL,
    expires_at TEXT,
    extra TEXT,
    PRIMARY KEY (user_id, guild_id),
    CHECK (user_id <> 0 OR guild_id <> 0)
) STRICT, WITHOUT ROWID
""",
    """
INSERT INTO blacklist_0008 (user_id, reason, blacklisted_by, blacklisted_at, extra)
SELECT user_id, reason, blacklisted_by, blacklisted_at, extra FROM blacklist WHERE user_id <> 0
""",
    "DROP TABLE blacklist",
    "ALTER TABLE blacklist_0008 RENAME TO blacklist",
    "CREATE INDEX idx_blacklist_guild_id ON blacklist (guild_id)",
    "CREATE INDEX idx_blacklist_expires_at ON blacklist (expires_at) WHERE expires_at IS NOT NULL",
)

CHANGES = (
    """
CREATE TABLE changes_0008 (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    changed_at TEXT NOT NULL,
    changed_by INTEGER NOT NULL,
    kind TEXT NOT NULL
        CHECK (kind IN ('personality', 'alias', 'activation', 'login', 'verification', 'ban', 'message')),
    action TEXT NOT NULL CHECK (action IN ('put', 'delete')),
    subject TEXT NOT NULL,
    before TEXT,
    batch TEXT,
    undone_by TEXT,
    is_undo INTEGER NOT NULL DEFAULT 0 CHECK (is_undo IN (0, 1))
) STRICT
""",
    """
INSERT INTO changes_0008
SELECT id, changed_at, changed_by, kind, action, subject, before, batch, undone_by, is_undo FROM changes
""",
    "DROP TABLE changes",
    "ALTER TABLE changes_0008 RENAME TO changes",
    "CREATE INDEX idx_changes_changed_at ON changes (changed_at)",
    "CREATE INDEX idx_changes_subject ON changes (kind, subject)",
    "CREATE INDEX idx_changes_changed_by ON changes (changed_by)",
    "CREATE INDEX idx_changes_batch ON changes (batch) WHERE batch IS NOT NULL",
)


def migrate(db: Database) -> None:
    """Make both tables anew, statement by statement, inside the caller's transaction."""
    given = db.execute(SEQUENCE).fetchone()
    for statement in (*BLACKLIST, *CHANGES):
        db.execute(statement)
    if given is not None:
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'changes'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('changes', :seq)", {"seq": given[0]})
