"""The table `personality_aliases`: lower-case names, unique among all aliases."""

from bot.model import Alias
from bot.store.changes import Action, Condition, Edit, Kind
from bot.store.columns import from_json, to_json, to_text, to_time
from bot.store.statement import Query, Row, Statement, Value

INTO = "INSERT INTO personality_aliases (alias, personality_name, added_by, created_at, extra)"
VALUES = ":alias, :personality_name, :added_by, :created_at, :extra"
ON_CONFLICT = """
ON CONFLICT (alias) DO UPDATE SET personality_name = excluded.personality_name, added_by = excluded.added_by,
    created_at = excluded.created_at, extra = excluded.extra
"""

MAY_CLAIM = """
EXISTS (
    SELECT 1 FROM personalities WHERE full_name = :personality_name AND is_active = 1
    AND (:is_of_new = 0 OR (added_by = :added_by AND added_at = :created_at))
)
AND NOT EXISTS (
    SELECT 1 FROM personalities WHERE name_lower = :alias AND is_active = 1 AND full_name <> :personality_name
)
AND NOT EXISTS (
    SELECT 1 FROM personality_aliases AS a JOIN personalities AS p ON p.full_name = a.personality_name
    WHERE a.alias = :alias AND p.is_active = 1 AND p.full_name <> :personality_name
)
"""

ADD = f"{INTO} VALUES ({VALUES})"
PUT = f"{ADD} {ON_CONFLICT}"
CLAIM = f"{INTO} SELECT {VALUES} WHERE {MAY_CLAIM} {ON_CONFLICT}"


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


def claim(alias: Alias, edit: Edit, *, is_of_new: bool = False) -> list[Statement]:
    """Insert, with the record; the last count is 0, and nothing is done, where the name is somebody else's.

    So it is where the personality is gone; with `is_of_new` also unless this edit has just added it. What is left
    over of a personality that is gone is free.
    """
    parameters: dict[str, Value] = {**to_row(alias), "is_of_new": int(is_of_new)}
    return [
        edit.record_if(Kind.ALIAS, Action.PUT, alias.alias, Condition(MAY_CLAIM, parameters)),
        Statement(CLAIM, parameters),
    ]


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
