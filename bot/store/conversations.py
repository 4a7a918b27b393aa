"""The table `conversations`: who answered a user in a channel last."""

from bot.model import Conversation
from bot.store.columns import from_json, to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

INSERT = """
INSERT INTO conversations (
    channel_id, user_id, personality_name, started_at, last_message_at, message_count,
    is_dm, is_mention_only, metadata, extra
) VALUES (
    :channel_id, :user_id, :personality_name, :started_at, :last_message_at, :message_count,
    :is_dm, :is_mention_only, :metadata, :extra
)
"""

PUT = f"""{INSERT}
ON CONFLICT (channel_id, user_id) DO UPDATE SET personality_name = excluded.personality_name,
    started_at = excluded.started_at, last_message_at = excluded.last_message_at,
    message_count = excluded.message_count, is_dm = excluded.is_dm, is_mention_only = excluded.is_mention_only,
    metadata = excluded.metadata, extra = excluded.extra
"""

CONTINUE = f"""{INSERT}
ON CONFLICT (channel_id, user_id) DO UPDATE SET
    started_at = CASE WHEN conversations.personality_name = excluded.personality_name
        THEN conversations.started_at ELSE excluded.started_at END,
    personality_name = excluded.personality_name, last_message_at = excluded.last_message_at,
    message_count = conversations.message_count + 1,
    is_dm = excluded.is_dm, is_mention_only = excluded.is_mention_only
"""


def to_row(conversation: Conversation) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "channel_id": conversation.channel_id,
        "user_id": conversation.user_id,
        "personality_name": conversation.personality_name,
        "started_at": to_text(conversation.started_at),
        "last_message_at": to_text(conversation.last_message_at),
        "message_count": conversation.message_count,
        "is_dm": int(conversation.is_dm),
        "is_mention_only": int(conversation.is_mention_only),
        "metadata": to_json(conversation.metadata),
        "extra": to_json(conversation.extra),
    }


def put(conversation: Conversation) -> Statement:
    """Insert or replace."""
    return Statement(PUT, to_row(conversation))


def go_on(conversation: Conversation) -> Statement:
    """Insert with the given count, or note one message more; another personality starts the time anew."""
    return Statement(CONTINUE, to_row(conversation))


def delete(channel_id: int, user_id: int) -> Statement:
    """Forget who answered the user there."""
    return Statement(
        "DELETE FROM conversations WHERE channel_id = :channel_id AND user_id = :user_id",
        {"channel_id": channel_id, "user_id": user_id},
    )


def get(channel_id: int, user_id: int) -> Query[Conversation]:
    """The conversation of a user in a channel."""
    return Query(
        "SELECT * FROM conversations WHERE channel_id = :channel_id AND user_id = :user_id",
        read,
        {"channel_id": channel_id, "user_id": user_id},
    )


def read(row: Row) -> Conversation:
    """The conversation in a row of the table."""
    return Conversation(
        channel_id=row["channel_id"],
        user_id=row["user_id"],
        personality_name=row["personality_name"],
        started_at=to_time(row["started_at"]),
        last_message_at=to_time(row["last_message_at"]),
        message_count=row["message_count"],
        is_dm=bool(row["is_dm"]),
        is_mention_only=bool(row["is_mention_only"]),
        metadata=from_json(row["metadata"]) or {},
        extra=from_json(row["extra"]),
    )
