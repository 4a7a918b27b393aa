"""What the database as a whole holds."""

from collections.abc import Sequence

from bot.store.statement import Query

TABLES = """
SELECT name FROM sqlite_schema
WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'
ORDER BY name
"""


def is_own(table: str) -> bool:
    """Whether a table is the program's, and not SQLite's, Litestream's or the migrations'."""
    return not table.startswith(("sqlite_", "_"))


def tables() -> Query[str]:
    """The names of the program's tables."""
    return Query(TABLES, lambda row: str(row["name"]))


def count_rows(tables: Sequence[str]) -> Query[tuple[str, int]]:
    """Each of these tables with how many rows it has, all at one moment."""
    counts = [f"SELECT '{table}' AS name, count(*) AS n FROM \"{table}\"" for table in tables]  # noqa: S608 - from `tables`
    return Query(" UNION ALL ".join(counts), lambda row: (str(row["name"]), int(row["n"])))
