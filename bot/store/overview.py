"""What the database as a whole holds."""

from bot.store.statement import Query

TABLES = """
SELECT name FROM sqlite_schema
WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'
ORDER BY name
"""


def tables() -> Query[str]:
    """The names of the program's tables."""
    return Query(TABLES, lambda row: str(row["name"]))


def count_rows(table: str) -> Query[int]:
    """How many rows one of these tables has."""
    return Query(f'SELECT count(*) AS n FROM "{table}"', lambda row: int(row["n"]))  # noqa: S608 - from `tables`
