"""Which tables a statement writes, as the engine says: its authorizer is asked while it explains the statement."""

from collections.abc import Iterable

from bot.store.engine import CACHED_STATEMENTS, EngineError, RawConnection, RawCursor
from bot.store.statement import Outcome, Statement

_DELETE, _INSERT, _UPDATE = 9, 18, 23
"""SQLite's codes for the actions that write; the second argument of the authorizer is then the table's name."""

_OK = 0


class Touched:
    """Finds the tables out once for each distinct SQL; what cascades and triggers would write counts too."""

    def __init__(self) -> None:
        self._known: dict[str, frozenset[str]] = {}

    def by(self, cursor: RawCursor, done: Iterable[tuple[Statement, Outcome]]) -> frozenset[str]:
        """The tables that these statements have changed; one that changed no row touched nothing."""
        tables: frozenset[str] = frozenset()
        for statement, outcome in done:
            if outcome.count:
                known = self._known.get(statement.sql)
                tables |= self._find(cursor, statement) if known is None else known
        return tables

    def _find(self, cursor: RawCursor, statement: Statement) -> frozenset[str]:
        try:
            tables = explain(cursor, statement)
        except EngineError:  # what changed the schema can't be explained once it is done
            self._known.clear()
            return all_tables(cursor.connection)
        if len(self._known) >= CACHED_STATEMENTS:  # more are only there if SQL is made up as it goes
            self._known.clear()
        self._known[statement.sql] = tables
        return tables


def explain(cursor: RawCursor, statement: Statement) -> frozenset[str]:
    """Ask the engine, without running the statement."""
    found: set[str] = set()

    def note(action: int, table: str, *_: str | None) -> int:
        if action in (_DELETE, _INSERT, _UPDATE):
            found.add(table)
        return _OK

    cursor.connection.set_authorizer(note)
    try:
        cursor.execute(f"EXPLAIN {statement.sql}", statement.parameters).fetchall()
    finally:
        cursor.connection.set_authorizer(None)
    return frozenset(found)


def all_tables(connection: RawConnection) -> frozenset[str]:
    """Every table there is, for work whose statements nobody sees."""
    rows = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    return frozenset(row["name"] for row in rows)
