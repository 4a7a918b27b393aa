"""The table `personality_aliases`: lower-case names, unique among all aliases."""

from bot.model import Alias
from bot.store.columns import from_json, to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

ADD = """
INSERT INTO personality_aliases (alias, personality_name, added_by, created_at, extra)
VALUES (:alias, :personality_name, :added_by, :created_at, :extra)
"""

PUT = f"""{ADD}
ON CONFLICT (alias) DO UPDATE SET personality_name = excluded.personality_name, added_by = excluded.added_by,
    created_at = excluded.created_at, extra = excluded.extra
"""


def to_row(alias: Alias) -> dict[str, Value]:
    """The parameters of `ADD` and `PUT`."""
    return {
        "alias": alias.alias.lower(),
        "personality_name": alias.personality_name,
        "added_by": alias.added_by,
        "created_at": to_text(alias.created_at),
        "extra": to_json(alias.extra),
    }


def add(alias: Alias) -> Statement:
    """Insert; a taken alias is a ConflictError, and so is a personality that does not exist."""
    return Statement(ADD, to_row(alias))


def put(alias: Alias) -> Statement:
    """Insert, or give the alias to another personality."""
    return Statement(PUT, to_row(alias))


def delete(alias: str) -> Statement:
    """Free the alias."""
    return Statement("DELETE FROM personality_aliases WHERE alias = :alias", {"alias": alias.lower()})


def get(alias: str) -> Query[Alias]:
    """The alias, in any case."""
    return Query("SELECT * FROM personality_aliases WHERE alias = :alias", read, {"alias": alias.lower()})


def find_by_personality(full_name: str) -> Query[Alias]:
    """All aliases of a personality, in alphabetical order."""
    return Query(
        "SELECT * FROM personality_aliases WHERE personality_name = :name ORDER BY alias", read, {"name": full_name}
    )


def read(row: Row) -> Alias:
    """The alias in a row of the table."""
    return Alias(
        alias=row["alias"],
        personality_name=row["personality_name"],
        added_by=row["added_by"],
        created_at=to_time(row["created_at"]),
        extra=from_json(row["extra"]),
    )
