"""The table `nsfw_verifications`: a row that says no means explicitly cleared."""

from bot.model import Verification
from bot.store.columns import from_json, to_json, to_text, to_text_or_none, to_time, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

PUT = """
INSERT INTO nsfw_verifications (user_id, is_verified, verified_at, verified_by, recorded_at, extra)
VALUES (:user_id, :is_verified, :verified_at, :verified_by, :recorded_at, :extra)
ON CONFLICT (user_id) DO UPDATE SET is_verified = excluded.is_verified, verified_at = excluded.verified_at,
    verified_by = excluded.verified_by, recorded_at = excluded.recorded_at, extra = excluded.extra
"""


def to_row(verification: Verification) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "user_id": verification.user_id,
        "is_verified": int(verification.is_verified),
        "verified_at": to_text_or_none(verification.verified_at),
        "verified_by": verification.verified_by,
        "recorded_at": to_text(verification.recorded_at),
        "extra": to_json(verification.extra),
    }


def put(verification: Verification) -> Statement:
    """Insert or replace."""
    return Statement(PUT, to_row(verification))


def get(user_id: int) -> Query[Verification]:
    """What is recorded of the user, if anything."""
    return Query("SELECT * FROM nsfw_verifications WHERE user_id = :user_id", read, {"user_id": user_id})


def read(row: Row) -> Verification:
    """The verification in a row of the table."""
    return Verification(
        user_id=row["user_id"],
        is_verified=bool(row["is_verified"]),
        verified_at=to_time_or_none(row["verified_at"]),
        verified_by=row["verified_by"],
        recorded_at=to_time(row["recorded_at"]),
        extra=from_json(row["extra"]),
    )
