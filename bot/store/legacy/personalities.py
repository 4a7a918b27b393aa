"""`personalities.json` in all its shapes: flat (gen0, gen1) and nested (gen2a, gen2b), mixed in one file too."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from bot.store.legacy.folder import PERSONALITIES, LegacyFolder
from bot.store.legacy.record import (
    MISSING,
    Columns,
    Defaults,
    Entry,
    Fields,
    RecordRejectedError,
    Row,
    read_each,
    require_text,
    to_json,
)

NESTED = "gen2"
FLAT = "gen1"
OLDEST = "gen0"
CONFIGURATION = "configuration"
NO_CONTEXT = "disableContextMetadata"
FILE_KEYS = ("version", "lastUpdated", "backupDate")


@dataclass(frozen=True, slots=True)
class PersonalityFile:
    """The file taken apart, and what in it is neither a personality nor an alias."""

    name: str
    records: list[tuple[str, object]]
    alias_map: list[tuple[str, object]]
    is_nested: bool
    remarks: tuple[str, ...] = ()

    def rows(self, defaults: Defaults) -> Iterator[Entry]:
        """Every personality."""
        return read_each(
            self.name,
            self.records,
            lambda key, record: decode_personality(key, record, defaults, in_nested=self.is_nested),
        )


def load(folder: LegacyFolder) -> PersonalityFile:
    """Read the file and find out which of its two outlines it has."""
    name = folder.source_of(PERSONALITIES)
    entries = list(folder.entries(PERSONALITIES))
    top = dict(entries)
    people = top.get("personalities")
    if not _is_container(people):
        return PersonalityFile(name, entries, [], is_nested=False)
    aliases = top.get("aliases")
    alias_map = list(aliases.items()) if isinstance(aliases, dict) else []
    understood = {"personalities", *(["aliases"] if isinstance(aliases, dict) else []), *FILE_KEYS}
    remarks = [f"{name} has a key {key[:80]!r} that is not understood." for key in top if key not in understood]
    if described := [key for key in FILE_KEYS if key in top]:
        remarks.append(f"{', '.join(described)} in {name} describe the file itself and are not imported.")
    return PersonalityFile(name, list(people.items()), alias_map, is_nested=True, remarks=tuple(remarks))


def _is_container(value: object) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and not {"fullName", "displayName", "profile"} & value.keys()


def decode_personality(key: str, record: object, defaults: Defaults, *, in_nested: bool) -> Columns:
    """One personality; its key is its name, because that is what everything else in the folder refers to."""
    fields = Fields.of(record)
    require_text(key, "the name")
    is_nested = isinstance(fields.left.get("profile"), dict) or bool({"ownerId", "personalityId"} & fields.left.keys())
    is_oldest = not is_nested and "createdBy" in fields.left and "addedBy" not in fields.left
    columns = _decode_nested(key, fields, defaults) if is_nested else _decode_flat(key, fields, defaults, is_oldest)
    if in_nested:
        _take_aliases(fields, is_active=bool(columns["is_active"]))
    shape = NESTED if is_nested else OLDEST if is_oldest else None
    extra = fields.rest(shape, None if is_nested == in_nested else NESTED if in_nested else FLAT)
    to_json(extra)
    return columns | {"full_name": key, "name_lower": key.lower(), "extra": extra}


def _take_aliases(fields: Fields, *, is_active: bool) -> None:
    """They become rows of their own, which a removed personality can't have; the list tells their order."""
    fields.expect("aliases")
    if is_active and isinstance(fields.left.get("aliases"), list):
        listed = [entry for entry in fields.take("aliases") if _can_be_kept(entry)]
        fields.original |= {"aliases": listed} if listed else {}


def _can_be_kept(entry: object) -> bool:
    try:
        to_json(entry)
    except RecordRejectedError:
        return False
    return True


def _decode_flat(key: str, fields: Fields, defaults: Defaults, is_oldest: bool) -> Columns:
    owner, added = ("createdBy", "createdAt") if is_oldest else ("addedBy", "addedAt")
    fields.confirm("fullName", key)
    updated_at = fields.time("lastUpdated", "iso")
    return {
        "display_name": _display_name(fields, key),
        "avatar_url": fields.text("avatarUrl"),
        "error_message": fields.text("errorMessage"),
        "added_by": fields.snowflake(owner, defaults.owner_id),
        "added_at": fields.time_or(added, "ms" if is_oldest else "iso", updated_at),
        "updated_at": updated_at,
        "is_active": 1,
    }


def _decode_nested(key: str, fields: Fields, defaults: Defaults) -> Columns:
    profile = _take_profile(fields)
    fields.confirm("id", key)
    profile.confirm("name", key)
    profile.expect("avatarUrl", "errorMessage", "prompt")
    fields.expect("updatedAt")
    updated_at = fields.time("updatedAt", "iso")
    columns = {
        "display_name": _display_name(profile, key),
        "avatar_url": profile.text("avatarUrl"),
        "error_message": profile.text("errorMessage"),
        "prompt": profile.text("prompt"),
        "profile_fetched_at": profile.time("lastFetched", "iso"),
        "added_by": fields.snowflake("ownerId", defaults.owner_id),
        "added_at": fields.time_or("createdAt", "iso", updated_at),
        "updated_at": updated_at,
        "is_active": int(not fields.flag("removed")),
    }
    # `modelPath` never went over the wire: as a column it would change whom the AI service is asked for.
    fields.left["profile"] = profile.rest() or {}
    return columns | _context(fields.left.get(CONFIGURATION))


def _context(configuration: object) -> Columns:
    """Whether messages say where and when they were written, where the record says so."""
    is_off = configuration.get(NO_CONTEXT) if isinstance(configuration, dict) else None
    return {"metadata": to_json({"context": not is_off})} if isinstance(is_off, bool) else {}


def _take_profile(fields: Fields) -> Fields:
    profile = fields.take("profile")
    if isinstance(profile, dict):
        return Fields(dict(profile))
    if profile is MISSING:
        fields.absent.append("profile")
    else:
        fields.original["profile"] = profile
    return Fields({})


def _display_name(fields: Fields, key: str) -> str:
    if "displayName" not in fields.left:
        fields.absent.append("displayName")
    name = fields.text("displayName")
    if name is not None and not name.strip():
        fields.original["displayName"] = name
    return name if name and name.strip() else key


def other_names(row: Row) -> list[str]:
    """Names under which other files may know a personality whose key is not its name."""
    facts = (row.columns["extra"] or {}).get("import", {})
    originals = facts.get("original", {})
    return [name for label in ("fullName", "id") if isinstance(name := originals.get(label), str)]


def active_names(entries: Iterable[Entry]) -> set[str]:
    """The names under which aliases find these personalities: theirs in lower case, and others that they have."""
    active = [entry for entry in entries if isinstance(entry, Row) and entry.columns["is_active"]]
    return {name for row in active for name in (row.columns["name_lower"], *other_names(row))}


def record_aliases(records: list[tuple[str, object]]) -> Iterator[tuple[str, object, dict[str, Any]]]:
    """The aliases that stand in nested records: personality, alias, and the `extra` of the alias."""
    for name, record in records:
        entries = record.get("aliases") if isinstance(record, dict) else None
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict):
                yield name, entry.get("value"), Fields({k: v for k, v in entry.items() if k != "value"}).rest() or {}
            else:
                yield name, entry, {}
