"""The table `drills`: what each restore on trial found."""

from datetime import datetime

from bot.rules.drill import Drill, Latest, Outcome
from bot.store.columns import to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement

KEPT = 100

FINISH = """
INSERT INTO drills (nonce, started_at, finished_at, outcome, reason, prefix, txid, bytes, rows, steps)
VALUES (:nonce, :started_at, :finished_at, :outcome, :reason, :prefix, :txid, :bytes, :rows, :steps)
ON CONFLICT (nonce) DO UPDATE SET finished_at = excluded.finished_at, outcome = excluded.outcome,
    reason = excluded.reason, prefix = excluded.prefix, txid = excluded.txid, bytes = excluded.bytes,
    rows = excluded.rows, steps = excluded.steps
"""
LATEST = """
SELECT outcome, reason, finished_at,
    (SELECT max(v.finished_at) FROM drills AS v WHERE v.outcome = 'verified') AS verified_at
FROM drills WHERE outcome IS NOT NULL ORDER BY id DESC LIMIT 1
"""


def add(nonce: str, now: datetime) -> Statement:
    """Begin one: the write that its copy has to have."""
    return Statement(
        "INSERT INTO drills (nonce, started_at) VALUES (:nonce, :now)", {"nonce": nonce, "now": to_text(now)}
    )


def finish(nonce: str, drill: Drill) -> Statement:
    """Note how it ended, also where it did not get as far as its write."""
    return Statement(
        FINISH,
        {
            "nonce": nonce,
            "started_at": to_text(drill.started_at),
            "finished_at": to_text(drill.finished_at),
            "outcome": drill.outcome,
            "reason": drill.reason,
            "prefix": drill.prefix,
            "txid": drill.txid,
            "bytes": drill.byte_count,
            "rows": drill.row_count,
            "steps": to_json(dict(drill.steps)),
        },
    )


def withdraw(nonce: str) -> Statement:
    """Forget one that was broken off."""
    return Statement("DELETE FROM drills WHERE nonce = :nonce AND outcome IS NULL", {"nonce": nonce})


def forget_oldest() -> Statement:
    """Keep the newest hundred, and the last one that succeeded."""
    return Statement(
        "DELETE FROM drills WHERE id NOT IN (SELECT n.id FROM drills AS n ORDER BY n.id DESC LIMIT :kept)"
        " AND id <> (SELECT coalesce(max(v.id), 0) FROM drills AS v WHERE v.outcome = 'verified')",
        {"kept": KEPT},
    )


def has_nonce(nonce: str) -> Query[bool]:
    """Whether a copy has this drill's write."""
    return Query("SELECT 1 AS found FROM drills WHERE nonce = :nonce", lambda _: True, {"nonce": nonce})


def latest() -> Query[Latest]:
    """How the last finished one ended; none where there never was one."""
    return Query(LATEST, _read)


def _read(row: Row) -> Latest:
    verified_at = row["verified_at"]
    return Latest(
        outcome=Outcome(row["outcome"]),
        reason=row["reason"] or "",
        finished_at=to_time(row["finished_at"]),
        verified_at=to_time(verified_at) if verified_at else None,
    )
