"""Which tables a statement writes, as the engine says: its authorizer is asked while it explains the statement."""

from collections.abc import Sequence

from bot.errors import TzurotError
from bot.store.engine import CACHED_STATEMENTS, EngineError, RawCursor
from bot.store.statement import Outcome, Statement

_DELETE, _INSERT, _UPDATE = 9, 18, 23
"""SQLite's codes for the actions that write; the second argument of the authorizer is then the table's name."""

_OK = 0

APART = frozenset({"auth_tokens.last_used"})
"""Columns told apart from their table: each answer changes them, and most files of the table do without."""


class Touched:
    """Finds the tables out once for each distinct SQL; what cascades and triggers would write counts too."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def by(
        self, batches: Sequence[Sequence[Statement]], results: Sequence[list[Outcome] | TzurotError], cursor: RawCursor
    ) -> frozenset[str]:
        """The tables that the batches have changed which did not fail; what changed no row touched nothing."""
        tables: set[str] = set()
        for batch, result in zip(batches, results, strict=True):
            if isinstance(result, list):
                for statement, outcome in zip(batch, result, strict=True):
                    if outcome.count:
                        known = self._known.get(statement.sql)
                        tables |= self._find(statement, cursor) if known is None else known
        return frozenset(tables)

    def _find(self, statement: Statement, cursor: RawCursor) -> frozenset[str]:
        try:
            tables = explain(statement, cursor)
        except EngineError:  # what changed the schema can't be explained once it is done
            self._known.clear()
            return all_tables(cursor)
        if len(self._known) >= CACHED_STATEMENTS:  # more are only there if SQL is made up as it goes
            self._known.clear()
        self._known[statement.sql] = tables
        return tables


def explain(statement: Statement, cursor: RawCursor) -> frozenset[str]:
    """Ask the engine, without running the statement."""
    found: set[str] = set()

    def note(action: int, table: str, column: str | None, *_: str | None) -> int:
        if action in (_DELETE, _INSERT, _UPDATE):
            name = f"{table}.{column}"
            found.add(name if name in APART else table)
        return _OK

    cursor.connection.set_authorizer(note)
    try:
        cursor.execute(f"EXPLAIN {statement.sql}", statement.parameters).fetchall()
    finally:
        cursor.connection.set_authorizer(None)
    return frozenset(found)


def all_tables(cursor: RawCursor) -> frozenset[str]:
    """Every table there is, for work whose statements nobody sees."""
    rows = cursor.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return frozenset(row["name"] for row in rows)
