"""The tables `conversations` and `conversation_resets`: who answered a user in a channel last, unless that is over."""

from datetime import datetime

from bot.model import EVERY_PERSONALITY, Conversation, snowflake_of
from bot.store.columns import from_json, to_json, to_text, to_text_or_none, to_time
from bot.store.statement import Query, Row, Statement, Value

INSERT = """
INSERT INTO conversations (
    channel_id, user_id, personality_name, started_at, last_message_at, message_count,
    is_dm, is_mention_only, metadata, extra
) SELECT
    :channel_id, :user_id, :personality_name, :started_at, :last_message_at, :message_count,
    :is_dm, :is_mention_only, :metadata, :extra
"""

UNLESS_RESET = """
WHERE NOT EXISTS (
    SELECT 1 FROM conversation_resets WHERE channel_id = :channel_id AND user_id = :user_id
    AND personality_name IN (:personality_name, '*') AND reset_id > :message_id
)
"""

PUT = f"""{INSERT} WHERE TRUE
ON CONFLICT (channel_id, user_id) DO UPDATE SET personality_name = excluded.personality_name,
    started_at = excluded.started_at, last_message_at = excluded.last_message_at,
    message_count = excluded.message_count, is_dm = excluded.is_dm, is_mention_only = excluded.is_mention_only,
    metadata = excluded.metadata, extra = excluded.extra
"""

CONTINUE = f"""{INSERT} {UNLESS_RESET}
ON CONFLICT (channel_id, user_id) DO UPDATE SET
    started_at = CASE
        WHEN conversations.personality_name = excluded.personality_name
            AND conversations.last_message_at > :running_since
        THEN conversations.started_at ELSE excluded.started_at END,
    personality_name = excluded.personality_name, last_message_at = excluded.last_message_at,
    message_count = conversations.message_count + 1,
    is_dm = excluded.is_dm, is_mention_only = excluded.is_mention_only
"""


PUT_RESET = """
INSERT INTO conversation_resets (channel_id, user_id, personality_name, reset_id)
VALUES (:channel_id, :user_id, :personality_name, :reset_id)
ON CONFLICT (channel_id, user_id, personality_name) DO UPDATE SET reset_id = max(reset_id, excluded.reset_id)
"""

FORGET = """
DELETE FROM conversations WHERE channel_id = :channel_id AND user_id = :user_id
AND :personality_name IN (personality_name, '*') RETURNING personality_name
"""

DELETE_RESETS = """
DELETE FROM conversation_resets
WHERE rowid IN (SELECT rowid FROM conversation_resets WHERE reset_id < :before LIMIT :limit)
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


def go_on(conversation: Conversation, message_id: int, running_since: datetime | None = None) -> Statement:
    """Insert with the given count, or note one message more.

    Another personality begins it anew, and so does the same one that has not answered after `running_since`. Nothing
    where the user has had it forgotten since the message that was answered: its answer may come later.
    """
    since = to_text_or_none(running_since) or ""
    return Statement(CONTINUE, {**to_row(conversation), "message_id": message_id, "running_since": since})


def forget(channel_id: int, user_id: int, reset_id: int, full_name: str = EVERY_PERSONALITY) -> list[Statement]:
    """Forget who answered the user there, if it is that personality, and what is still to be answered.

    The first statement returns the name that was forgotten; `reset_id` is the message that asked for it.
    """
    key: dict[str, Value] = {"channel_id": channel_id, "user_id": user_id, "personality_name": full_name}
    return [Statement(FORGET, key), Statement(PUT_RESET, {**key, "reset_id": reset_id})]


def delete_resets_before(time: datetime, limit: int = 200) -> Statement:
    """Drop some that were asked for before that time, whose answers are all given; repeat until the count is 0."""
    return Statement(DELETE_RESETS, {"before": snowflake_of(time), "limit": limit})


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


def find_going_on(channel_id: int, since: datetime) -> Query[int]:
    """Who was answered there since that time and is answered further without calling anyone."""
    return Query(
        "SELECT user_id FROM conversations WHERE channel_id = :channel_id AND last_message_at > :since"
        " AND user_id IN (SELECT user_id FROM auto_responses)",
        lambda row: int(row["user_id"]),
        {"channel_id": channel_id, "since": to_text(since)},
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
