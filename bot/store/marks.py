"""The table `gateway_marks`: up to which message everything was seen, and which channels matter after a gap."""

from datetime import datetime

from bot.model import snowflake_of
from bot.store.columns import to_text
from bot.store.statement import Query, Statement

PUT = """
INSERT INTO gateway_marks (id, message_id, marked_at) VALUES (1, :message_id, :now)
ON CONFLICT (id) DO UPDATE SET message_id = excluded.message_id, marked_at = excluded.marked_at
"""

CHANNELS = """
SELECT channel_id FROM channel_activations
UNION
SELECT channel_id FROM message_mappings WHERE message_id >= :talking_since
ORDER BY channel_id
"""


def put(message_id: int, now: datetime) -> Statement:
    """Note that every message up to this one was seen, and has its turn if it must be answered."""
    return Statement(PUT, {"message_id": message_id, "now": to_text(now)})


def get() -> Query[int]:
    """The id of that message."""
    return Query("SELECT message_id FROM gateway_marks", lambda row: int(row["message_id"]))


def find_channels(talking_since: datetime) -> Query[int]:
    """The channels where someone may wait for an answer: activated ones, and those with a running conversation.

    By what personalities said, whose ids are times, and so without an index that each answer would pay for.
    """
    return Query(CHANNELS, lambda row: int(row["channel_id"]), {"talking_since": snowflake_of(talking_since)})
