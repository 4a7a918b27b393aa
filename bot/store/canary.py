"""The table `canary`: one row that is rewritten all the time, to see when a write has reached the bucket."""

from dataclasses import dataclass
from datetime import datetime

from bot.model import ReplicationState
from bot.store.columns import to_text, to_text_or_none, to_time, to_time_or_none
from bot.store.statement import Query, Row, Statement

PUT = """
INSERT INTO canary (id, nonce, written_at, confirmed_txid, confirmed_at, lag_ms)
VALUES (1, :nonce, :written_at, :confirmed_txid, :confirmed_at, :lag_ms)
ON CONFLICT (id) DO UPDATE SET nonce = excluded.nonce, written_at = excluded.written_at,
    confirmed_txid = coalesce(excluded.confirmed_txid, canary.confirmed_txid),
    confirmed_at = coalesce(excluded.confirmed_at, canary.confirmed_at),
    lag_ms = coalesce(excluded.lag_ms, canary.lag_ms)
"""


@dataclass(frozen=True, slots=True)
class CanaryRow:
    """The last canary, and what was known of the copy in the bucket when it was written."""

    nonce: str
    written_at: datetime
    confirmed_txid: int | None
    confirmed_at: datetime | None
    lag_ms: float | None


def put(nonce: str, written_at: datetime, known: ReplicationState) -> Statement:
    """Rewrite the canary, with what is known so far of earlier ones; what is unknown keeps its old value."""
    return Statement(
        PUT,
        {
            "nonce": nonce,
            "written_at": to_text(written_at),
            "confirmed_txid": known.confirmed_txid,
            "confirmed_at": to_text_or_none(known.confirmed_at),
            "lag_ms": known.lag_ms,
        },
    )


def get() -> Query[CanaryRow]:
    """The canary, if one was ever written."""
    return Query("SELECT * FROM canary", read)


def read(row: Row) -> CanaryRow:
    """The canary in a row of the table."""
    return CanaryRow(
        nonce=row["nonce"],
        written_at=to_time(row["written_at"]),
        confirmed_txid=row["confirmed_txid"],
        confirmed_at=to_time_or_none(row["confirmed_at"]),
        lag_ms=row["lag_ms"],
    )
