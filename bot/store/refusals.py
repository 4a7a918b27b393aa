"""The table `gateway_refusals`: bot tokens that Discord refused, so that restarts don't try them again and again."""

from dataclasses import dataclass
from datetime import datetime

from bot.store.columns import to_text, to_time
from bot.store.statement import Query, Row, Statement

PUT = """
INSERT INTO gateway_refusals (token_digest, reason, refused_at) VALUES (:token_digest, :reason, :refused_at)
ON CONFLICT (token_digest) DO UPDATE SET reason = excluded.reason, refused_at = excluded.refused_at
"""


@dataclass(frozen=True, slots=True)
class Refusal:
    """When and why a token was refused; the digest tells nothing about the token."""

    token_digest: str
    reason: str
    refused_at: datetime


def put(refusal: Refusal) -> Statement:
    """Insert or replace."""
    return Statement(
        PUT,
        {
            "token_digest": refusal.token_digest,
            "reason": refusal.reason,
            "refused_at": to_text(refusal.refused_at),
        },
    )


def delete(token_digest: str) -> Statement:
    """Forget a token's refusal: Discord accepts it."""
    return Statement("DELETE FROM gateway_refusals WHERE token_digest = :digest", {"digest": token_digest})


def get(token_digest: str) -> Query[Refusal]:
    """The token's last refusal."""
    return Query("SELECT * FROM gateway_refusals WHERE token_digest = :digest", read, {"digest": token_digest})


def read(row: Row) -> Refusal:
    """The refusal in a row of the table."""
    return Refusal(row["token_digest"], row["reason"], to_time(row["refused_at"]))
