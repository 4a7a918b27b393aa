"""What personalities a typed name may mean, for choices that are asked for at every key.

Each arm of the query is bounded, however many personalities there are: a beginning is a range of an index, cut off
after `PREFIXED` rows; a part in the middle is looked for in the user's own first `OWN_SCANNED` personalities, and in
the first `SCANNED` names and aliases of the alphabet, which are read from their indexes alone. So among more than
that a part may go unfound, and has to be typed from its beginning. With 100,000 personalities and 200,000 aliases it
takes about 2 ms, and 10 for a user who has added half of them.
"""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from bot.rules.commands.choices import CHOICE_LENGTH, CHOICES_MAX, Found
from bot.store.statement import Query, Row, Value

SCANNED = 5_000
OWN_SCANNED = 2_000
PREFIXED = 100

_CALL = """
CASE WHEN length(p.full_name) <= :longest AND NOT EXISTS (
    SELECT 1 FROM personality_aliases AS x WHERE x.alias = p.name_lower AND x.personality_name <> p.full_name
) THEN p.full_name ELSE (
    SELECT min(x.alias) FROM personality_aliases AS x
    WHERE x.personality_name = p.full_name AND length(x.alias) <= :longest
) END
"""
"""An alias goes before a full name where names are looked up, so a full name may lead to someone else."""

_FOUND = f"p.full_name, p.display_name, {_CALL} AS call, p.added_by = :user_id AS is_own"

_OWN = """
(SELECT full_name, display_name, name_lower, added_by FROM personalities
 WHERE added_by = :user_id AND is_active = 1 ORDER BY id LIMIT :own_scanned) AS p
"""
_HOLDS_IT = "LIKE :part ESCAPE '\\'"

_OWN_NAMES = f"""
SELECT {_FOUND}, NULL AS alias FROM {_OWN} WHERE p.name_lower {_HOLDS_IT}
ORDER BY substr(p.name_lower, 1, :length) <> :typed, p.name_lower, p.full_name LIMIT :limit
"""
_OWN_ALIASES = f"""
SELECT {_FOUND}, a.alias FROM {_OWN} JOIN personality_aliases AS a ON a.personality_name = p.full_name
WHERE a.alias {_HOLDS_IT} ORDER BY substr(a.alias, 1, :length) <> :typed, a.alias LIMIT :limit
"""
_NAMES_BY_BEGINNING = f"""
SELECT {_FOUND}, NULL AS alias
FROM (SELECT * FROM personalities WHERE name_lower >= :typed AND name_lower < :beyond
      ORDER BY name_lower, id LIMIT :prefixed) AS p
WHERE p.is_active = 1 ORDER BY p.name_lower, p.id LIMIT :limit
"""
_ALIASES_BY_BEGINNING = f"""
SELECT {_FOUND}, a.alias
FROM (SELECT * FROM personality_aliases WHERE alias >= :typed AND alias < :beyond
      ORDER BY alias LIMIT :prefixed) AS a
JOIN personalities AS p ON p.full_name = a.personality_name
WHERE p.is_active = 1 ORDER BY a.alias LIMIT :limit
"""
_NAMES_BY_PART = f"""
SELECT {_FOUND}, NULL AS alias
FROM (SELECT id, name_lower FROM personalities ORDER BY name_lower, id LIMIT :scanned) AS s
JOIN personalities AS p ON p.id = s.id
WHERE s.name_lower {_HOLDS_IT} AND p.is_active = 1 ORDER BY s.name_lower, s.id LIMIT :limit
"""
_ALIASES_BY_PART = f"""
SELECT {_FOUND}, s.alias
FROM (SELECT alias FROM personality_aliases ORDER BY alias LIMIT :scanned) AS s
JOIN personality_aliases AS a ON a.alias = s.alias JOIN personalities AS p ON p.full_name = a.personality_name
WHERE s.alias {_HOLDS_IT} AND p.is_active = 1 ORDER BY s.alias LIMIT :limit
"""


def _union(*arms: str) -> str:
    return " UNION ALL ".join(f"SELECT * FROM ({arm})" for arm in arms)


_CERTAIN = _union(_OWN_NAMES, _OWN_ALIASES, _NAMES_BY_BEGINNING, _ALIASES_BY_BEGINNING)
FIND_OWN = f"SELECT * FROM ({_CERTAIN}) WHERE is_own"
FIND_ANY = f"{_CERTAIN} UNION ALL {_union(_NAMES_BY_PART, _ALIASES_BY_PART)}"
FIND_ACTIVE = f"""
SELECT {_FOUND}, NULL AS alias
FROM channel_activations AS c JOIN personalities AS p ON p.full_name = c.personality_name
WHERE c.channel_id = :channel_id AND p.is_active = 1
"""


def find(user_id: int, typed: str, *, is_own: bool) -> Query[Found]:
    """The user's own, and unless `is_own` everybody's, of which a name holds what was typed, folded."""
    return Query(FIND_OWN if is_own else FIND_ANY, read, _parameters(user_id, typed))


def find_active(user_id: int, channel_id: int) -> Query[Found]:
    """The personality that answers everything in the channel."""
    return Query(FIND_ACTIVE, read, {"user_id": user_id, "channel_id": channel_id, "longest": CHOICE_LENGTH})


def _parameters(user_id: int, typed: str) -> dict[str, Value]:
    escaped = typed.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return {
        "user_id": user_id,
        "typed": typed,
        "length": len(typed),
        "beyond": typed + "\U0010ffff",
        "part": f"%{escaped}%",
        "longest": CHOICE_LENGTH,
        "limit": CHOICES_MAX,
        "prefixed": PREFIXED,
        "scanned": SCANNED,
        "own_scanned": OWN_SCANNED,
    }


def read(row: Row) -> Found:
    """A match in a row of the answer."""
    return Found(row["full_name"], row["display_name"], row["alias"], row["call"], bool(row["is_own"]))
