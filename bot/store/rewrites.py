"""The table `rewrites`: answers whose messages are to say something else, or to go."""

from datetime import datetime

from bot.model import Rewrite
from bot.store.columns import to_text, to_time
from bot.store.statement import Query, Row, Statement

PUT = """
INSERT INTO rewrites (turn_id, answer, is_removal, created_at) VALUES (:turn_id, :answer, :is_removal, :now)
ON CONFLICT (turn_id) DO UPDATE SET is_removal = max(is_removal, excluded.is_removal)
"""
"""A second one changes nothing but that the messages go."""


def add(turn_id: int, answer: str, now: datetime) -> Statement:
    """The answer's messages shall say this, unless something was decided about them already."""
    return Statement(PUT, {"turn_id": turn_id, "answer": answer, "is_removal": 0, "now": to_text(now)})


def remove_answer(turn_id: int, now: datetime) -> Statement:
    """The answer's messages shall go; a text that was to stand there is kept, by which they can be found."""
    return Statement(PUT, {"turn_id": turn_id, "answer": "", "is_removal": 1, "now": to_text(now)})


def get(turn_id: int) -> Query[Rewrite]:
    """What is to become of a turn's messages."""
    return Query("SELECT * FROM rewrites WHERE turn_id = :turn_id", read, {"turn_id": turn_id})


def find_in(channel_id: int) -> Query[Rewrite]:
    """What is left to do in a channel."""
    return Query(
        "SELECT r.* FROM rewrites AS r JOIN turns AS t ON t.message_id = r.turn_id"
        " WHERE t.channel_id = :channel_id ORDER BY r.turn_id",
        read,
        {"channel_id": channel_id},
    )


def find_channels() -> Query[int]:
    """The channels in which something is left to do; few, as each row lives for a moment."""
    return Query(
        "SELECT DISTINCT t.channel_id FROM rewrites AS r JOIN turns AS t ON t.message_id = r.turn_id",
        lambda row: int(row["channel_id"]),
    )


def delete(turn_id: int) -> Statement:
    """It is done, or given up: the text is removed."""
    return Statement("DELETE FROM rewrites WHERE turn_id = :turn_id", {"turn_id": turn_id})


def read(row: Row) -> Rewrite:
    """The rewrite in a row of the table."""
    return Rewrite(row["turn_id"], row["answer"], to_time(row["created_at"]), bool(row["is_removal"]))
