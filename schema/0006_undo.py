"""What an undo has to know of a change: what was changed together with it, and whether it was taken back."""

from sqlite_utils.db import Database

STATEMENTS = (
    "ALTER TABLE changes ADD COLUMN batch TEXT",
    "ALTER TABLE changes ADD COLUMN undone_by TEXT",
    "ALTER TABLE changes ADD COLUMN is_undo INTEGER NOT NULL DEFAULT 0 CHECK (is_undo IN (0, 1))",
    # What one person changed in one millisecond was one command; an import's records stand each for itself.
    "UPDATE changes SET batch = changed_by || ' ' || changed_at WHERE changed_by <> 0",
    "CREATE INDEX idx_changes_subject ON changes (kind, subject)",
    "CREATE INDEX idx_changes_changed_by ON changes (changed_by)",
    "CREATE INDEX idx_changes_batch ON changes (batch) WHERE batch IS NOT NULL",
)


def migrate(db: Database) -> None:
    """Add the columns and indexes, statement by statement, inside the caller's transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
