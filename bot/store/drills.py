"""The table `drills`: what each restore on trial found."""

from bot.rules.operation.drill import Drill, Latest, Outcome
from bot.store.columns import to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement

KEPT = 100

ADD = """
INSERT INTO drills (started_at, finished_at, outcome, reason, prefix, txid, bytes, rows, steps)
VALUES (:started_at, :finished_at, :outcome, :reason, :prefix, :txid, :bytes, :rows, :steps)
"""
LATEST = """
SELECT outcome, reason, finished_at,
    (SELECT max(v.finished_at) FROM drills AS v WHERE v.outcome = 'verified') AS verified_at
FROM drills ORDER BY id DESC LIMIT 1
"""


def add(drill: Drill) -> Statement:
    """Note how one ended."""
    return Statement(
        ADD,
        {
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


def forget_oldest() -> Statement:
    """Keep the newest hundred, and the last one that succeeded."""
    return Statement(
        "DELETE FROM drills WHERE id NOT IN (SELECT n.id FROM drills AS n ORDER BY n.id DESC LIMIT :kept)"
        " AND id <> (SELECT coalesce(max(v.id), 0) FROM drills AS v WHERE v.outcome = 'verified')",
        {"kept": KEPT},
    )


def latest() -> Query[Latest]:
    """How the last one ended; none where there never was one."""
    return Query(LATEST, _read)


def _read(row: Row) -> Latest:
    verified_at = row["verified_at"]
    return Latest(
        outcome=Outcome(row["outcome"]),
        reason=row["reason"],
        finished_at=to_time(row["finished_at"]),
        verified_at=to_time(verified_at) if verified_at else None,
    )
