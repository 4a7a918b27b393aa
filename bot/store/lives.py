"""The table `lives`: each life of the bot's process, its handover at the end, and its receipt."""

from datetime import datetime

import orjson

from bot.model import Recovered
from bot.rules.operation.receipt import Before, Ending, Receipt, Rows, Start
from bot.rules.undo import Kind
from bot.store.changes import TABLES
from bot.store.columns import to_json, to_text, to_text_or_none, to_time, to_time_or_none
from bot.store.statement import Query, Row, Statement

KEPT = 100

NEWEST = "SELECT * FROM lives ORDER BY id DESC LIMIT 1"
BEFORE = """
SELECT l.epoch, l.stopped_at, l.rows_at_stop, l.started_at, c.written_at,
    (SELECT t.updated_at FROM turns AS t ORDER BY t.message_id DESC LIMIT 1) AS turned_at,
    (
        SELECT json_group_object(d.kind, d.n) FROM (
            SELECT min(kind) AS kind, count(*) AS n FROM changes
            WHERE changed_at > l.stopped_at AND action = 'delete' AND kind <> 'personality'
            GROUP BY kind || ''  -- grouped by the column itself, all of the table would be read in its order
        ) AS d
    ) AS deleted
FROM lives AS l LEFT JOIN canary AS c ON c.id = 1
ORDER BY l.id DESC LIMIT 1
"""
ADD = """
INSERT INTO lives (started_at, start, epoch, ended_how, last_seen_at, rows_before, rows_after, lost)
VALUES (:started_at, :start, :epoch, :ended_how, :last_seen_at, :rows_before, :rows_after, :lost)
RETURNING id
"""
FORGET = "DELETE FROM lives WHERE id <= (SELECT max(id) FROM lives) - :kept"
COMPLETE = "UPDATE lives SET answered = :answered, skipped = :skipped, adopted = :adopted WHERE id = :id"
HAND_OVER = "UPDATE lives SET stopped_at = :now, rows_at_stop = :rows WHERE id = :id"


def before() -> Query[Before]:
    """The life before this one, if there was any; ask before `add`."""
    return Query(BEFORE, _read_before)


def newest() -> Query[Receipt]:
    """The receipt of the newest life."""
    return Query(NEWEST, read)


def last_told() -> Query[datetime | None]:
    """When the owner was last sent a receipt."""
    return Query("SELECT max(told_at) AS told_at FROM lives", lambda row: to_time_or_none(row["told_at"]))


def add(receipt: Receipt, epoch: int | None) -> Statement:
    """Begin a life; returns its id."""
    return Statement(
        ADD,
        {
            "started_at": to_text(receipt.started_at),
            "start": receipt.start,
            "epoch": epoch,
            "ended_how": receipt.ended_how,
            "last_seen_at": to_text_or_none(receipt.last_seen_at),
            "rows_before": _rows_to_text(receipt.rows_before),
            "rows_after": _rows_to_text(receipt.rows_after),
            "lost": None if receipt.lost is None else sum(receipt.lost.values()),
        },
    )


def forget_oldest() -> Statement:
    """Keep the newest hundred."""
    return Statement(FORGET, {"kept": KEPT})


def note_return(life_id: int, now: datetime) -> Statement:
    """Discord is connected again; only the first time counts."""
    return Statement(
        "UPDATE lives SET back_at = coalesce(back_at, :now) WHERE id = :id", {"id": life_id, "now": to_text(now)}
    )


def complete(life_id: int, recovered: Recovered) -> Statement:
    """What became of the messages that were missed."""
    return Statement(
        COMPLETE,
        {
            "id": life_id,
            "answered": recovered.answered,
            "skipped": to_json(recovered.skipped),
            "adopted": recovered.adopted,
        },
    )


def note_told(life_id: int, now: datetime) -> Statement:
    """The owner was sent this receipt."""
    return Statement("UPDATE lives SET told_at = :now WHERE id = :id", {"id": life_id, "now": to_text(now)})


def hand_over(life_id: int, rows: Rows | None, now: datetime) -> Statement:
    """The last write of an orderly stop."""
    return Statement(HAND_OVER, {"id": life_id, "rows": _rows_to_text(rows), "now": to_text(now)})


def read(row: Row) -> Receipt:
    """The receipt in a row of the table."""
    return Receipt(
        started_at=to_time(row["started_at"]),
        start=Start(row["start"]),
        ended_how=Ending(row["ended_how"]) if row["ended_how"] else None,
        last_seen_at=to_time_or_none(row["last_seen_at"]),
        rows_before=_rows_from_text(row["rows_before"]),
        rows_after=_rows_from_text(row["rows_after"]),
        back_at=to_time_or_none(row["back_at"]),
        recovered=_read_recovered(row),
    )


def _read_recovered(row: Row) -> Recovered | None:
    if row["answered"] is None:
        return None
    return Recovered(row["answered"], orjson.loads(row["skipped"]), row["adopted"])


def _read_before(row: Row) -> Before:
    signs = (row["started_at"], row["written_at"], row["turned_at"])
    return Before(
        epoch=row["epoch"],
        stopped_at=to_time_or_none(row["stopped_at"]),
        rows_at_stop=_rows_from_text(row["rows_at_stop"]),
        last_seen_at=max(to_time(sign) for sign in signs if sign),
        deleted_since={TABLES[Kind(kind)]: count for kind, count in orjson.loads(row["deleted"]).items()},
    )


def _rows_to_text(rows: Rows | None) -> str | None:
    return None if rows is None else orjson.dumps(dict(rows)).decode()


def _rows_from_text(text: str | None) -> Rows | None:
    rows: Rows | None = None if text is None else orjson.loads(text)
    return rows
