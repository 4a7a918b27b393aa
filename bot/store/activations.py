"""The table `channel_activations`: which personality answers every message of a channel."""

from bot.model import Activation
from bot.store.columns import from_json, to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

PUT = """
INSERT INTO channel_activations (channel_id, personality_name, activated_by, activated_at, extra)
VALUES (:channel_id, :personality_name, :activated_by, :activated_at, :extra)
ON CONFLICT (channel_id) DO UPDATE SET personality_name = excluded.personality_name,
    activated_by = excluded.activated_by, activated_at = excluded.activated_at, extra = excluded.extra
"""


def to_row(activation: Activation) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "channel_id": activation.channel_id,
        "personality_name": activation.personality_name,
        "activated_by": activation.activated_by,
        "activated_at": to_text(activation.activated_at),
        "extra": to_json(activation.extra),
    }


def put(activation: Activation) -> Statement:
    """Insert or replace; a personality that does not exist is a ConflictError."""
    return Statement(PUT, to_row(activation))


def delete(channel_id: int) -> Statement:
    """Nobody answers every message there any more."""
    return Statement("DELETE FROM channel_activations WHERE channel_id = :channel_id", {"channel_id": channel_id})


def get(channel_id: int) -> Query[Activation]:
    """The channel's activation."""
    return Query("SELECT * FROM channel_activations WHERE channel_id = :channel_id", read, {"channel_id": channel_id})


def find_by_personality(full_name: str) -> Query[Activation]:
    """All channels in which a personality is active."""
    return Query(
        "SELECT * FROM channel_activations WHERE personality_name = :name ORDER BY channel_id",
        read,
        {"name": full_name},
    )


def read(row: Row) -> Activation:
    """The activation in a row of the table."""
    return Activation(
        channel_id=row["channel_id"],
        personality_name=row["personality_name"],
        activated_by=row["activated_by"],
        activated_at=to_time(row["activated_at"]),
        extra=from_json(row["extra"]),
    )
