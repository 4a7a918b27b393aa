"""The table `personalities`: rows are never deleted, so that an old message still knows who spoke."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this program

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model import Personality, Profile
from bot.store.changes import OF_OWNED, OWNED, Action, Condition, Edit, Kind, owned_by
from bot.store.columns import from_json, to_json, to_text, to_text_or_none, to_time, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

INTO = """
INSERT INTO personalities (
    full_name, name_lower, display_name, avatar_url, added_by, added_at, updated_at, is_active,
    error_message, prompt, model, profile_fetched_at, metadata, extra
)"""
VALUES = """
    :full_name, :name_lower, :display_name, :avatar_url, :added_by, :added_at, :updated_at, :is_active,
    :error_message, :prompt, :model, :profile_fetched_at, :metadata, :extra
"""
ON_CONFLICT = """
ON CONFLICT (full_name) DO UPDATE SET
    display_name = excluded.display_name, avatar_url = excluded.avatar_url, added_by = excluded.added_by,
    added_at = excluded.added_at, updated_at = excluded.updated_at, is_active = excluded.is_active,
    error_message = excluded.error_message, prompt = excluded.prompt, model = excluded.model,
    profile_fetched_at = excluded.profile_fetched_at, metadata = excluded.metadata, extra = excluded.extra
"""

IS_FREE = """
NOT EXISTS (SELECT 1 FROM personalities WHERE name_lower = :name_lower AND is_active = 1)
AND NOT EXISTS (
    SELECT 1 FROM personality_aliases AS a JOIN personalities AS p ON p.full_name = a.personality_name
    WHERE a.alias = :name_lower AND p.is_active = 1
)
"""
"""Whether a name stands for nobody who can speak; those that are gone have freed it."""

WAS_NEVER = f"NOT EXISTS (SELECT 1 FROM personalities WHERE name_lower = :name_lower) AND {IS_FREE}"
"""Whether there is no personality of that name in any case, and there was none."""

INSERT = f"{INTO} VALUES ({VALUES}) {ON_CONFLICT}"
PUT = INSERT + "RETURNING id"
ADD = f"{INTO} SELECT {VALUES} WHERE {IS_FREE} {ON_CONFLICT} RETURNING id"

SEED = f"{INTO} SELECT {VALUES} WHERE {WAS_NEVER} ON CONFLICT (full_name) DO NOTHING"

PROFILE_TIME = """
coalesce(
    profile_fetched_at,
    CASE WHEN display_name <> full_name OR avatar_url IS NOT NULL OR error_message IS NOT NULL THEN updated_at END
)
"""
"""When what is known of a profile was fetched: the original notes it as the time of the last change, or not at all."""

FIND_KNOWN = """
SELECT j.value AS name, coalesce(p.full_name, a.personality_name) AS full_name FROM json_each(:names) AS j
LEFT JOIN personalities AS p ON p.name_lower = j.value
LEFT JOIN personality_aliases AS a ON a.alias = j.value
    AND EXISTS (SELECT 1 FROM personalities WHERE full_name = a.personality_name AND is_active = 1)
WHERE coalesce(p.full_name, a.personality_name) IS NOT NULL
"""

FIND_BY_NAME = """
SELECT p.* FROM personality_aliases AS a JOIN personalities AS p ON p.full_name = a.personality_name
WHERE a.alias = :name AND p.is_active = 1
UNION ALL
SELECT p.* FROM personalities AS p WHERE p.name_lower = :name AND p.is_active = 1
"""


def to_row(personality: Personality) -> dict[str, Value]:
    """The parameters of `PUT`."""
    return {
        "full_name": personality.full_name,
        "name_lower": personality.full_name.lower(),
        "display_name": personality.display_name,
        "avatar_url": personality.avatar_url,
        "added_by": personality.added_by,
        "added_at": to_text(personality.added_at),
        "updated_at": to_text_or_none(personality.updated_at),
        "is_active": int(personality.is_active),
        "error_message": personality.error_message,
        "prompt": personality.prompt,
        "model": personality.model,
        "profile_fetched_at": to_text_or_none(personality.profile_fetched_at),
        "metadata": to_json(personality.metadata),
        "extra": to_json(personality.extra),
    }


def read(row: Row) -> Personality:
    """The personality in a row of the table."""
    return Personality(
        id=row["id"],
        full_name=row["full_name"],
        display_name=row["display_name"],
        avatar_url=row["avatar_url"],
        added_by=row["added_by"],
        added_at=to_time(row["added_at"]),
        updated_at=to_time_or_none(row["updated_at"]),
        is_active=bool(row["is_active"]),
        error_message=row["error_message"],
        prompt=row["prompt"],
        model=row["model"],
        profile_fetched_at=to_time_or_none(row["profile_fetched_at"]),
        metadata=from_json(row["metadata"]) or {},
        extra=from_json(row["extra"]),
    )


def put(personality: Personality) -> Statement:
    """Insert or replace by full name, reviving a removed one; the one row returned has its `id`."""
    return Statement(PUT, to_row(personality))


def add(personality: Personality, edit: Edit) -> list[Statement]:
    """Insert, or revive a removed one, with its record; the last outcome has no row if somebody has the name."""
    is_free = Condition(IS_FREE, {"name_lower": personality.full_name.lower()})
    return [
        edit.record_if(Kind.PERSONALITY, Action.PUT, personality.full_name, is_free),
        Statement(ADD, to_row(personality)),
    ]


def seed(personality: Personality, edit: Edit) -> list[Statement]:
    """Insert with the record; the last count is 0, and nothing is done, if the name is known, be it of one removed."""
    was_never = Condition(WAS_NEVER, {"name_lower": personality.full_name.lower()})
    return [
        edit.record_if(Kind.PERSONALITY, Action.PUT, personality.full_name, was_never),
        Statement(SEED, to_row(personality)),
    ]


@dataclass(frozen=True, slots=True)
class Known:
    """A name in lower case, and the personality that it stands for."""

    name: str
    full_name: str


def find_known(names: Iterable[str]) -> Query[Known]:
    """Those of the lower-case names that are known: as a personality's, be it of one removed, or as an alias."""
    return Query(FIND_KNOWN, lambda row: Known(row["name"], row["full_name"]), {"names": json.dumps([*names])})


def refresh(full_name: str, profile: Profile, now: datetime) -> Statement:
    """Take over what the profile endpoint says, unless the personality was removed meanwhile."""
    return Statement(
        "UPDATE personalities SET display_name = :display_name, avatar_url = coalesce(:avatar_url, avatar_url),"
        " error_message = :error_message, profile_fetched_at = :now, updated_at = :now"
        " WHERE full_name = :full_name AND is_active = 1",
        {
            "full_name": full_name,
            "display_name": profile.display_name,
            "avatar_url": profile.avatar_url,
            "error_message": profile.error_message,
            "now": to_text(now),
        },
    )


class Configured(StrEnum):
    """What of a personality its owner sets: columns, and keys of `metadata` behind a dot."""

    CONTEXT = "metadata.context"
    PROMPT = "prompt"
    AVATAR = "avatar_url"
    MODEL = "model"


@dataclass(frozen=True, slots=True)
class Setting:
    """What one of them is set to; the value of a key of `metadata` is JSON."""

    what: Configured
    value: Value


def configure(full_name: str, setting: Setting, owned: Mapping[str, Value], edit: Edit) -> list[Statement]:
    """Set it, and record it; the last count is 0, and nothing is done, unless it is the member's to change.

    `owned` is `changes.owned_by(…)`.
    """
    column, _, key = setting.what.partition(".")
    new = f"json_set({column}, '$.{key}', json(:value))" if key else ":value"
    update = f"UPDATE personalities SET {column} = {new}, updated_at = :now WHERE full_name = :full_name AND {OWNED}"
    parameters = {"value": setting.value, "now": to_text(edit.now), "full_name": full_name, **owned}
    return [edit.record_owned(full_name, owned), Statement(update, parameters)]


def remove(full_name: str, changed_by: int, now: datetime, owner_id: int) -> list[Statement]:
    """Deactivate it and delete its aliases and activations, with the records of all that.

    The last count is 0, and nothing is done, unless `changed_by` has added it or is the bot's owner.
    """
    owned = owned_by(changed_by, owner_id)
    name: dict[str, Value] = {"full_name": full_name, **owned}
    return [
        *Edit(changed_by, now).record_removal(full_name, owned),
        Statement(f"DELETE FROM personality_aliases WHERE personality_name = :full_name AND {OF_OWNED}", name),
        Statement(f"DELETE FROM channel_activations WHERE personality_name = :full_name AND {OF_OWNED}", name),
        Statement(
            f"UPDATE personalities SET is_active = 0, updated_at = :now WHERE full_name = :full_name AND {OWNED}",
            {**name, "now": to_text(now)},
        ),
    ]


def get(full_name: str) -> Query[Personality]:
    """The personality of exactly this name, removed or not."""
    return Query("SELECT * FROM personalities WHERE full_name = :name", read, {"name": full_name})


def get_by_id(personality_id: int) -> Query[Personality]:
    """The personality of this id, removed or not."""
    return Query("SELECT * FROM personalities WHERE id = :id", read, {"id": personality_id})


def find_by_name(text: str) -> Query[Personality]:
    """The active personality with this alias, and after it those with this full name, in any case."""
    return Query(FIND_BY_NAME, read, {"name": text.lower()})


def find_removed(name: str) -> Query[Personality]:
    """The removed personality of this full name, else one that differs in case only."""
    return Query(
        "SELECT * FROM personalities WHERE name_lower = :lower AND is_active = 0 ORDER BY full_name <> :name, id",
        read,
        {"name": name, "lower": name.lower()},
    )


def find_by_owner(user_id: int, limit: int, offset: int = 0) -> Query[Personality]:
    """A page of the active personalities that the user added, by name."""
    return Query(
        "SELECT * FROM personalities WHERE added_by = :user_id AND is_active = 1"
        " ORDER BY name_lower, id LIMIT :limit OFFSET :offset",
        read,
        {"user_id": user_id, "limit": limit, "offset": offset},
    )


def count_by_owner(user_id: int) -> Query[int]:
    """How many active personalities the user added."""
    return Query(
        "SELECT count(*) AS n FROM personalities WHERE added_by = :user_id AND is_active = 1",
        lambda row: int(row["n"]),
        {"user_id": user_id},
    )


def find_without_profile(limit: int) -> Query[Personality]:
    """Active personalities of whose profile nothing is known, oldest first."""
    return Query(
        f"SELECT * FROM personalities WHERE is_active = 1 AND {PROFILE_TIME} IS NULL ORDER BY id LIMIT :limit",
        read,
        {"limit": limit},
    )


def find_by_profile_age(fetched_before: datetime, limit: int) -> Query[Personality]:
    """Active personalities whose profile was fetched before this time, the oldest fetch first."""
    return Query(
        f"SELECT * FROM personalities WHERE is_active = 1 AND {PROFILE_TIME} < :before"
        f" ORDER BY {PROFILE_TIME}, id LIMIT :limit",
        read,
        {"before": to_text(fetched_before), "limit": limit},
    )


def first_name() -> Query[str]:
    """The name of the oldest active personality, in lower case as messages mention it."""
    return Query(
        "SELECT name_lower FROM personalities WHERE is_active = 1 ORDER BY id LIMIT 1",
        lambda row: str(row["name_lower"]),
    )
