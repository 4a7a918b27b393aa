"""The table `message_mappings`: which personality spoke a message, and to whom."""

from bot.model import Mapping
from bot.store.columns import from_json, to_json, to_text_or_none, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

PUT = """
INSERT INTO message_mappings (
    message_id, user_id, channel_id, personality_id, is_dm, is_mention_only, sent_at, extra
) VALUES (:message_id, :user_id, :channel_id, :personality_id, :is_dm, :is_mention_only, :sent_at, :extra)
ON CONFLICT (message_id) DO UPDATE SET user_id = excluded.user_id, channel_id = excluded.channel_id,
    personality_id = excluded.personality_id, is_dm = excluded.is_dm,
    is_mention_only = excluded.is_mention_only, sent_at = excluded.sent_at, extra = excluded.extra
"""


def to_row(mapping: Mapping) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "message_id": mapping.message_id,
        "user_id": mapping.user_id,
        "channel_id": mapping.channel_id,
        "personality_id": mapping.personality_id,
        "is_dm": int(mapping.is_dm),
        "is_mention_only": int(mapping.is_mention_only),
        "sent_at": to_text_or_none(mapping.sent_at),
        "extra": to_json(mapping.extra),
    }


def put(mapping: Mapping) -> Statement:
    """Insert or replace; a personality that does not exist is a ConflictError."""
    return Statement(PUT, to_row(mapping))


def get(message_id: int) -> Query[Mapping]:
    """The mapping of a message."""
    return Query("SELECT * FROM message_mappings WHERE message_id = :message_id", read, {"message_id": message_id})


def read(row: Row) -> Mapping:
    """The mapping in a row of the table."""
    return Mapping(
        message_id=row["message_id"],
        user_id=row["user_id"],
        channel_id=row["channel_id"],
        personality_id=row["personality_id"],
        is_dm=bool(row["is_dm"]),
        is_mention_only=bool(row["is_mention_only"]),
        sent_at=to_time_or_none(row["sent_at"]),
        extra=from_json(row["extra"]),
    )
