"""Personalities and aliases: `personalities.json` and `aliases.json` (flat), or both in one file (nested)."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent, Format
from bot.store.legacy.aliases import LIST_ONLY, MAP_ONLY
from bot.store.legacy.encoding import text
from bot.store.legacy.encoding.record import Draft, Facts
from bot.store.legacy.folder import ALIASES, PERSONALITIES
from bot.store.legacy.moments import UNKNOWN_TIME
from bot.store.legacy.personalities import CONFIGURATION, NESTED, NO_CONTEXT, OLDEST

VERSION = "2.0.0"
"""What the last release writes into the file as its version."""

PLACEHOLDER = "placeholder"

FLAT_KEYS = frozenset(
    {"fullName", "addedBy", "addedAt", "createdBy", "createdAt", "displayName", "avatarUrl", "errorMessage"}
    | {"lastUpdated", "profile", "ownerId", "personalityId"}
)
"""Keys that mean something in a flat record, or make it a nested one."""

NESTED_KEYS = frozenset(
    {"id", "personalityId", "ownerId", "profile", "aliases", "createdAt", "updatedAt", "removed"}
    | {"fullName", "addedBy", "addedAt", "createdBy"}
)

USUAL_PROFILE = {"mode": "external", "modelPath": None, "maxWordCount": None}
USUAL_MODEL = {
    "name": "default",
    "capabilities": {"supportsImages": True, "supportsAudio": True, "maxTokens": 4096, "temperature": 0.7},
}

USUAL_CONFIGURATION = {"prompt": "-", "modelPath": "/default", "maxWordCount": 1000}
"""The original reads no configuration without a prompt and a path, and uses neither."""

PEOPLE = "SELECT * FROM personalities ORDER BY id"
ALIASES_OF = "SELECT alias, extra FROM personality_aliases WHERE personality_name = ? ORDER BY rowid"
EVERY_ALIAS = "SELECT alias, personality_name, extra FROM personality_aliases ORDER BY rowid"
TAKEN = """
SELECT a.extra, p.id FROM personality_aliases AS a JOIN personalities AS p ON p.full_name = a.personality_name
WHERE a.alias = ?
"""
LAST_CHANGE = """
SELECT max(at) FROM (
    SELECT max(added_at, coalesce(updated_at, '')) AS at FROM personalities
    UNION ALL SELECT created_at FROM personality_aliases
)
"""


def write_flat(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`personalities.json` as v1.3.2 has it, without removed ones, for which it has no mark."""
    people = connection.execute(PEOPLE)
    members = (text.member(row["full_name"], _flat(row)) for row in people if row["is_active"])
    yield PERSONALITIES, text.file_of(members)


def write_aliases(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`aliases.json`."""
    yield ALIASES, text.file_of(_map(connection, ()))


def write_nested(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`personalities.json` as v2.2.10 has it."""
    yield PERSONALITIES, _nested_file(connection)


def _nested_file(connection: RawConnection) -> Iterator[bytes]:
    (last_change,) = connection.execute(LAST_CHANGE).fetchone()
    people = ((row, Facts.read(row["extra"])) for row in connection.execute(PEOPLE))
    members = (
        text.member(row["full_name"], _nested(connection, row, facts))
        for row, facts in people
        if row["is_active"] or facts.shape != PLACEHOLDER
    )
    yield b'{"personalities": '
    yield from text.object_of(members)
    yield b',\n"aliases": '
    yield from text.object_of(_map(connection, (LIST_ONLY,)))
    yield b",\n" + text.member("version", VERSION)
    yield b",\n" + text.member("lastUpdated", last_change or UNKNOWN_TIME) + b"}\n"


def _map(connection: RawConnection, left_out: tuple[str, ...]) -> Iterator[bytes]:
    for row in connection.execute(EVERY_ALIAS):
        facts = Facts.read(row["extra"])
        if facts.shape not in left_out:
            target = facts.original.get("personalityName", row["personality_name"])
            yield text.member(_spelled(row, facts), target)


def _flat(row: Any) -> dict[str, Any]:
    facts = Facts.read(row["extra"])
    if not facts.is_from(Format.GEN1):
        facts = facts.abroad(FLAT_KEYS)
    return _draft(row, facts).finish()


def _nested(connection: RawConnection, row: Any, facts: Facts) -> dict[str, Any]:
    if not facts.is_from(Format.GEN2):
        facts = _translated(facts)
    draft = _draft(row, facts)
    aliases = list(_listed(connection, row, facts.original.get("aliases", []))) if row["is_active"] else []
    if aliases or "aliases" not in {*facts.absent, *facts.unknown}:
        draft.made["aliases"] = aliases
    if facts.shape == NESTED and (configuration := _configuration(row, draft.facts.unknown.get(CONFIGURATION))):
        draft.made[CONFIGURATION] = configuration
    return draft.finish()


def _configuration(row: Any, before: Any) -> dict[str, Any] | None:
    """What the record says of the context that messages come with, where that was set; with all keys it must have."""
    has_context = orjson.loads(row["metadata"]).get("context")
    if not isinstance(has_context, bool):
        return None
    kept = before if isinstance(before, dict) else {**USUAL_CONFIGURATION, "name": row["full_name"]}
    return kept if kept.get(NO_CONTEXT) is (not has_context) else {**kept, NO_CONTEXT: not has_context}


def _translated(facts: Facts) -> Facts:
    """A flat record's facts as those of a nested one, with what the last release writes of itself."""
    unknown = facts.abroad(NESTED_KEYS).unknown
    if not isinstance(unknown.get("model"), dict):
        unknown["model"] = USUAL_MODEL
    return Facts({"configuration": None, "profile": USUAL_PROFILE} | unknown, shape=NESTED)


def _listed(connection: RawConnection, row: Any, before: list[Any]) -> Iterator[Any]:
    """A personality's aliases as its record lists them: those that stood there `before` in their order, then new ones.

    Entries of which no alias came at the import are given back only if none would come of them now.
    """
    aliases = [(alias, Facts.read(alias["extra"])) for alias in connection.execute(ALIASES_OF, (row["full_name"],))]
    entries = {_spelled(alias, facts): Draft(facts) for alias, facts in aliases if facts.shape != MAP_ONLY}
    for entry in before:
        value = entry.get("value") if isinstance(entry, dict) else entry
        is_own = isinstance(value, str) and entries.pop(value, None) is not None
        if is_own or _is_idle(connection, row, value):
            yield entry
    for value, draft in entries.items():
        yield {"value": value} | draft.finish()


def _spelled(alias: Any, facts: Facts) -> str:
    spelled: str = facts.original.get("alias", alias["alias"])
    return spelled


def _is_idle(connection: RawConnection, row: Any, value: Any) -> bool:
    """Whether the importer would leave the entry aside: it is no alias, or another one that it reads earlier counts."""
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return True
    taken = connection.execute(TAKEN, (value.lower(),)).fetchone()
    return taken is not None and (Facts.read(taken["extra"]).shape != LIST_ONLY or taken["id"] <= row["id"])


def _draft(row: Any, facts: Facts) -> Draft:
    return _nested_draft(row, facts) if facts.shape == NESTED else _flat_draft(row, facts)


def _flat_draft(row: Any, facts: Facts) -> Draft:
    draft = Draft(facts)
    is_oldest = facts.shape == OLDEST
    draft.confirm("fullName", row["full_name"])
    draft.snowflake("createdBy" if is_oldest else "addedBy", row["added_by"])
    draft.time_or("createdAt" if is_oldest else "addedAt", row["added_at"], "ms" if is_oldest else "iso")
    _put_appearance(draft, row, or_null=False)
    draft.time("lastUpdated", row["updated_at"], "iso", or_null=False)
    return draft


def _nested_draft(row: Any, facts: Facts) -> Draft:
    unknown = dict(facts.unknown)
    of_profile = Facts.of(unknown.pop("profile", None))
    draft = Draft(replace(facts, unknown=unknown))
    draft.confirm("id", row["full_name"])
    draft.snowflake("ownerId", row["added_by"])
    draft.part("profile", _profile(row, of_profile))
    draft.time_or("createdAt", row["added_at"], "iso")
    # A record of the last release has always been updated, if only when it was made.
    made_at = None if "updatedAt" in {*facts.original, *facts.absent} else row["added_at"]
    draft.time("updatedAt", row["updated_at"] or made_at, "iso")
    draft.flag("removed", int(not row["is_active"]))
    return draft


def _profile(row: Any, facts: Facts) -> dict[str, Any]:
    draft = Draft(facts)
    draft.confirm("name", row["full_name"])
    _put_appearance(draft, row, or_null=True)
    draft.text("prompt", row["prompt"])
    draft.time("lastFetched", row["profile_fetched_at"], "iso", or_null=False)
    return draft.finish()


def _put_appearance(draft: Draft, row: Any, *, or_null: bool) -> None:
    display_name = row["display_name"]
    if display_name == row["full_name"]:
        draft.confirm("displayName", display_name)
    else:
        draft.made["displayName"] = display_name
    draft.text("avatarUrl", row["avatar_url"], or_null=or_null)
    draft.text("errorMessage", row["error_message"], or_null=or_null)
