"""How many rows each table has, counted in small reads that never hold a checkpoint up, until time runs out."""

import time
from dataclasses import dataclass

from bot.store.console import Console
from bot.store.overview import TABLES

CHUNK = 100_000
SMALLEST_ROWID = -(2**63)
CHUNK_OF = """
SELECT count(*), max(r)
FROM (SELECT rowid AS r FROM "{table}" WHERE rowid > {after} ORDER BY rowid LIMIT {limit})
"""
AT_MOST = 'SELECT count(*) FROM (SELECT 1 FROM "{table}" LIMIT {limit})'
HAS_NO_ROWID = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr = 1"


@dataclass(frozen=True, slots=True)
class Census:
    """Rows per table; where time ran out, the table is in `partial` and has at least that many."""

    rows: dict[str, int]
    partial: frozenset[str] = frozenset()


def count_tables(console: Console, budget_seconds: float) -> Census:
    """Count all tables within about the budget."""
    deadline = time.monotonic() + budget_seconds
    without_rowid = {name for (name,) in console.ask(HAS_NO_ROWID).rows}
    rows, partial = {}, set()
    for (table,) in console.ask(TABLES).rows:
        count = _count_at_once if table in without_rowid else _count_in_chunks
        rows[table], is_exact = count(console, table, deadline)
        if not is_exact:
            partial.add(table)
    return Census(rows, frozenset(partial))


def _count_in_chunks(console: Console, table: str, deadline: float) -> tuple[int, bool]:
    total, after = 0, SMALLEST_ROWID
    while True:
        # A plain count(*) of a huge table is one long read that no time limit can stop.
        ((count, last),) = console.ask(CHUNK_OF.format(table=table, after=after, limit=CHUNK)).rows
        total += count
        if count < CHUNK:
            return total, True
        if time.monotonic() > deadline:
            return total, False
        after = last


def _count_at_once(console: Console, table: str, deadline: float) -> tuple[int, bool]:
    limit = CHUNK if time.monotonic() > deadline else 10 * CHUNK
    ((count,),) = console.ask(AT_MOST.format(table=table, limit=limit)).rows
    return count, count < limit
