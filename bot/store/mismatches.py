"""The table `shadow_mismatches`, and what `storage` says of shadow mode's comparisons."""

from collections.abc import Iterable
from datetime import datetime

from bot.rules.operation.standing import Mismatched
from bot.store.columns import to_text, to_time
from bot.store.statement import Query, Row, Statement

ADD = """
INSERT INTO shadow_mismatches (table_name, mismatches, first_key, first_at, last_at)
VALUES (:table, :reads, :key, :now, :now)
ON CONFLICT (table_name) DO UPDATE SET mismatches = mismatches + excluded.mismatches, last_at = excluded.last_at
"""
COUNT = "UPDATE storage SET reads_compared = reads_compared + :compared, compared_at = :now"


def count_compared(compared: int, now: datetime) -> Statement:
    """So many reads more were compared."""
    return Statement(COUNT, {"compared": compared, "now": to_text(now)})


def add(table: str, reads: int, first_key: str, now: datetime) -> Statement:
    """So many reads more were answered differently because of this table; the very first key stays."""
    return Statement(ADD, {"table": table, "reads": reads, "key": first_key, "now": to_text(now)})


def list_all() -> Query[Mismatched]:
    """Every table that ever differed since this was last forgotten, the newest first."""
    return Query("SELECT * FROM shadow_mismatches ORDER BY last_at DESC, table_name", _read)


def forget_before_switch() -> Iterable[Statement]:
    """Begin anew where what stands there was found before the present mode began."""
    yield Statement("DELETE FROM shadow_mismatches WHERE last_at < (SELECT switched_at FROM storage)")
    yield Statement("UPDATE storage SET reads_compared = 0, compared_at = NULL WHERE compared_at < switched_at")


def _read(row: Row) -> Mismatched:
    return Mismatched(
        table=row["table_name"],
        reads=row["mismatches"],
        first_key=row["first_key"],
        first_at=to_time(row["first_at"]),
        last_at=to_time(row["last_at"]),
    )
