"""The table `channel_activations`: which personality answers every message of a channel."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from bot.model import Activation
from bot.store.changes import Action, Condition, Edit, Kind
from bot.store.columns import from_json, to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

INTO = "INSERT INTO channel_activations (channel_id, personality_name, activated_by, activated_at, extra)"
VALUES = ":channel_id, :personality_name, :activated_by, :activated_at, :extra"
ON_CONFLICT = """
ON CONFLICT (channel_id) DO UPDATE SET personality_name = excluded.personality_name,
    activated_by = excluded.activated_by, activated_at = excluded.activated_at, extra = excluded.extra
"""

MAY_TAKE_OVER = """
EXISTS (SELECT 1 FROM personalities WHERE full_name = :personality_name AND is_active = 1)
AND (SELECT personality_name FROM channel_activations WHERE channel_id = :channel_id) IS NOT DISTINCT FROM :seen
"""

PUT = f"{INTO} VALUES ({VALUES}) {ON_CONFLICT}"
TAKE_OVER = f"{INTO} SELECT {VALUES} WHERE {MAY_TAKE_OVER} {ON_CONFLICT}"


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


def take_over(activation: Activation, seen: str | None, edit: Edit) -> list[Statement]:
    """Insert or replace, with the record, where `seen` is who answers there, None for nobody.

    The last count is 0, and nothing is done, where somebody else does by now, or the personality is gone.
    """
    parameters: dict[str, Value] = {**to_row(activation), "seen": seen}
    return [
        edit.record_if(Kind.ACTIVATION, Action.PUT, activation.channel_id, Condition(MAY_TAKE_OVER, parameters)),
        Statement(TAKE_OVER, parameters),
    ]


def end(channel_id: int, seen: str, edit: Edit) -> list[Statement]:
    """Delete it, with the record, where `seen` answers there; otherwise the last count is 0, and nothing is done."""
    condition = Condition("personality_name = :seen", {"seen": seen})
    return [
        edit.record_present(Kind.ACTIVATION, Action.DELETE, channel_id, condition),
        Statement(
            f"DELETE FROM channel_activations WHERE channel_id = :channel_id AND {condition.sql}",
            {"channel_id": channel_id, "seen": seen},
        ),
    ]


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
