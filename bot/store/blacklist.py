"""The table `blacklist`: users who are ignored without a word."""

from bot.model import Ban
from bot.store.columns import from_json, to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

PUT = """
INSERT INTO blacklist (user_id, reason, blacklisted_by, blacklisted_at, extra)
VALUES (:user_id, :reason, :blacklisted_by, :blacklisted_at, :extra)
ON CONFLICT (user_id) DO UPDATE SET reason = excluded.reason, blacklisted_by = excluded.blacklisted_by,
    blacklisted_at = excluded.blacklisted_at, extra = excluded.extra
"""


def to_row(ban: Ban) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "user_id": ban.user_id,
        "reason": ban.reason,
        "blacklisted_by": ban.blacklisted_by,
        "blacklisted_at": to_text(ban.blacklisted_at),
        "extra": to_json(ban.extra),
    }


def put(ban: Ban) -> Statement:
    """Insert or replace."""
    return Statement(PUT, to_row(ban))


def delete(user_id: int) -> Statement:
    """Hear the user again."""
    return Statement("DELETE FROM blacklist WHERE user_id = :user_id", {"user_id": user_id})


def get(user_id: int) -> Query[Ban]:
    """The user's entry."""
    return Query("SELECT * FROM blacklist WHERE user_id = :user_id", read, {"user_id": user_id})


def read(row: Row) -> Ban:
    """The entry in a row of the table."""
    return Ban(
        user_id=row["user_id"],
        reason=row["reason"],
        blacklisted_by=row["blacklisted_by"],
        blacklisted_at=to_time(row["blacklisted_at"]),
        extra=from_json(row["extra"]),
    )
