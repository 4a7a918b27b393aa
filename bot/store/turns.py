"""The tables `turns` and `turn_chunks`: how far each answer got."""

from collections.abc import Sequence
from datetime import datetime

import orjson

from bot.model import Cause, Turn, TurnState, snowflake_of
from bot.store.columns import to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

ADD = """
INSERT INTO turns (
    message_id, channel_id, parent_id, guild_id, user_id, personality_id, cause, state,
    answer, chunk_count, failure, created_at, updated_at
) VALUES (
    :message_id, :channel_id, :parent_id, :guild_id, :user_id, :personality_id, :cause, :state,
    :answer, :chunk_count, :failure, :created_at, :updated_at
)
"""

ANSWER = (
    "UPDATE turns SET state = 'answered', answer = :answer, chunk_count = :chunk_count, updated_at = :now"
    " WHERE message_id = :message_id AND state = 'pending'"
)
FINISH = "UPDATE turns SET state = 'done', answer = NULL, updated_at = :now WHERE message_id = :message_id"
FAIL = (
    "UPDATE turns SET state = 'failed', answer = NULL, failure = :failure, updated_at = :now"
    " WHERE message_id = :message_id AND state IN ('pending', 'answered')"
)

APPEND = """
INSERT INTO turn_chunks (turn_id, position, message_id)
SELECT :turn_id, coalesce(max(position) + 1, 0), :sent_id FROM turn_chunks WHERE turn_id = :turn_id
"""

DELETE = """
DELETE FROM turns WHERE message_id IN (
    SELECT message_id FROM turns WHERE message_id < :before AND state IN ('done', 'failed')
    AND NOT EXISTS (SELECT 1 FROM rewrites WHERE turn_id = turns.message_id)
    ORDER BY message_id LIMIT :limit
)
"""


def to_row(turn: Turn) -> dict[str, Value]:
    """The parameters of `ADD`."""
    return {
        "message_id": turn.message_id,
        "channel_id": turn.channel_id,
        "parent_id": turn.parent_id,
        "guild_id": turn.guild_id,
        "user_id": turn.user_id,
        "personality_id": turn.personality_id,
        "cause": turn.cause,
        "state": turn.state,
        "answer": turn.answer,
        "chunk_count": turn.chunk_count,
        "failure": turn.failure,
        "created_at": to_text(turn.created_at),
        "updated_at": to_text(turn.updated_at),
    }


def add(turn: Turn) -> Statement:
    """Insert; a message that already has its turn is a ConflictError."""
    return Statement(ADD, to_row(turn))


def add_if_absent(turn: Turn) -> Statement:
    """Insert, unless the message has its turn."""
    return Statement(f"{ADD} ON CONFLICT (message_id) DO NOTHING", to_row(turn))


def answer(message_id: int, text: str, chunk_count: int, now: datetime) -> Statement:
    """Pending becomes answered: the AI's text, and how many messages it takes."""
    return Statement(
        ANSWER, {"message_id": message_id, "answer": text, "chunk_count": chunk_count, "now": to_text(now)}
    )


def add_chunk(message_id: int, position: int, sent_id: int) -> Statement:
    """Note the id of one message that was sent for the turn; positions count from 0."""
    return Statement(
        "INSERT INTO turn_chunks (turn_id, position, message_id) VALUES (:turn_id, :position, :sent_id)"
        " ON CONFLICT (turn_id, position) DO UPDATE SET message_id = excluded.message_id",
        {"turn_id": message_id, "position": position, "sent_id": sent_id},
    )


def append_chunk(message_id: int, sent_id: int) -> Statement:
    """Note the id of one message more, behind all that there are."""
    return Statement(APPEND, {"turn_id": message_id, "sent_id": sent_id})


def drop_chunk(message_id: int, sent_id: int) -> Statement:
    """The turn's answer no longer stands in this message."""
    return Statement(
        "DELETE FROM turn_chunks WHERE turn_id = :turn_id AND message_id = :sent_id",
        {"turn_id": message_id, "sent_id": sent_id},
    )


def finish(message_id: int, now: datetime) -> Statement:
    """Everything is sent: done, and the answer's text is removed."""
    return Statement(FINISH, {"message_id": message_id, "now": to_text(now)})


def fail(message_id: int, failure: str, now: datetime) -> Statement:
    """Given up; `failure` is the name of an error kind or of a reason, never a text of the user or the AI."""
    return Statement(FAIL, {"message_id": message_id, "failure": failure, "now": to_text(now)})


def get(message_id: int) -> Query[Turn]:
    """The turn that answers a message."""
    return Query("SELECT * FROM turns WHERE message_id = :message_id", read, {"message_id": message_id})


def find_last(channel_id: int, since: datetime) -> Query[Turn]:
    """The turn of the channel's latest message that got one; only messages since that time are looked at."""
    return Query(
        "SELECT * FROM turns WHERE message_id >= :since AND channel_id = :channel_id ORDER BY message_id DESC LIMIT 1",
        read,
        {"since": snowflake_of(since), "channel_id": channel_id},
    )


def find_unfinished() -> Query[Turn]:
    """Turns that are neither done nor failed, oldest first."""
    return Query("SELECT * FROM turns WHERE state IN ('pending', 'answered') ORDER BY message_id", read)


def find(message_ids: Sequence[int]) -> Query[Turn]:
    """Those of the messages' turns that there are."""
    return Query(
        "SELECT * FROM turns WHERE message_id IN (SELECT value FROM json_each(:ids))",
        read,
        {"ids": orjson.dumps(message_ids).decode()},
    )


def find_by_sent(sent_id: int) -> Query[Turn]:
    """The turn for which a message was sent."""
    return Query(
        "SELECT t.* FROM turn_chunks AS c JOIN turns AS t ON t.message_id = c.turn_id WHERE c.message_id = :sent_id",
        read,
        {"sent_id": sent_id},
    )


def find_since(message_id: int) -> Query[Turn]:
    """The turns of messages from that one on, oldest first."""
    return Query("SELECT * FROM turns WHERE message_id >= :since ORDER BY message_id", read, {"since": message_id})


def find_said(message_ids: Sequence[int]) -> Query[int]:
    """Those of the ids that were sent for a turn."""
    return Query(
        "SELECT message_id FROM turn_chunks WHERE message_id IN (SELECT value FROM json_each(:ids))",
        lambda row: int(row["message_id"]),
        {"ids": orjson.dumps(message_ids).decode()},
    )


def find_chunks(message_id: int) -> Query[int]:
    """The ids of the messages sent for the turn so far, in order."""
    return Query(
        "SELECT message_id FROM turn_chunks WHERE turn_id = :turn_id ORDER BY position",
        lambda row: int(row["message_id"]),
        {"turn_id": message_id},
    )


def delete_before(time: datetime, limit: int = 200) -> Statement:
    """Forget some of the ended turns of messages from before that time; repeat until the count is 0."""
    return Statement(DELETE, {"before": snowflake_of(time), "limit": limit})


def read(row: Row) -> Turn:
    """The turn in a row of the table."""
    return Turn(
        message_id=row["message_id"],
        channel_id=row["channel_id"],
        parent_id=row["parent_id"],
        guild_id=row["guild_id"],
        user_id=row["user_id"],
        personality_id=row["personality_id"],
        cause=Cause(row["cause"]),
        state=TurnState(row["state"]),
        answer=row["answer"],
        chunk_count=row["chunk_count"],
        failure=row["failure"],
        created_at=to_time(row["created_at"]),
        updated_at=to_time(row["updated_at"]),
    )
