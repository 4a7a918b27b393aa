"""What a person asked to be forgotten stays forgotten, and what the original was told about context counts."""

from sqlite_utils.db import Database

STATEMENTS = (
    # `reset_id` is the message or interaction that asked for it; its id is a time, and what is older is over.
    """
CREATE TABLE conversation_resets (
    channel_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    personality_name TEXT NOT NULL DEFAULT '*',
    reset_id INTEGER NOT NULL,
    PRIMARY KEY (channel_id, user_id, personality_name)
) STRICT
""",
    # Imports from now on do the same.
    """
UPDATE personalities SET metadata = json_set(metadata, '$.context', json(
    CASE json_type(extra, '$.configuration.disableContextMetadata') WHEN 'true' THEN 'false' ELSE 'true' END
))
WHERE json_type(extra, '$.configuration.disableContextMetadata') IN ('true', 'false')
""",
)


def migrate(db: Database) -> None:
    """Statement by statement, inside the caller's transaction."""
    for statement in STATEMENTS:
        db.execute(statement)
