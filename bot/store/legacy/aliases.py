"""Aliases: `aliases.json`, or in the nested generations the map and the lists inside `personalities.json`.

In the nested file the map is what the original looked up, so it counts; the lists add how an alias was typed.
"""

from collections.abc import Iterator
from typing import Any, TypeAlias

from bot.store.legacy.folder import ALIASES, Ignored, LegacyFolder
from bot.store.legacy.personalities import PersonalityFile, record_aliases
from bot.store.legacy.record import (
    IMPORT_KEY,
    Columns,
    Entry,
    RecordRejectedError,
    Reject,
    Row,
    require_text,
    shown,
    to_json,
)

Pair: TypeAlias = tuple[object, object, dict[str, Any]]
"""An alias, the personality that it points to, and the `extra` of the alias."""

MAP_ONLY = "map"
LIST_ONLY = "list"


def read_aliases(folder: LegacyFolder, people: PersonalityFile, names: set[str]) -> Iterator[Entry]:
    """Every alias, under its lower-case form; of several that differ only in case the lower-case one counts.

    One that points to none of the active personalities' `names` keeps no other one from its alias.
    """
    if _has_own(people):
        yield from _first_of_each(people.name, _nested(people), names)
    else:
        # Beside a nested file they were no part of its lists.
        more = _placed({}, MAP_ONLY) if people.is_nested else {}
        pairs: list[Pair] = [(alias, target, more) for alias, target in folder.entries(ALIASES)]
        yield from _first_of_each(folder.source_of(ALIASES), pairs, names)


def ignored_files(folder: LegacyFolder, people: PersonalityFile) -> list[Ignored]:
    """The flat file, where a newer one holds the aliases."""
    if ALIASES in folder.files and _has_own(people):
        return [Ignored(ALIASES, f"this generation keeps its aliases in {people.name}; the flat file is older")]
    return []


def _has_own(people: PersonalityFile) -> bool:
    return people.is_nested and (bool(people.alias_map) or any(record_aliases(people.records)))


def _nested(people: PersonalityFile) -> list[Pair]:
    typed = {(alias, name): more for name, alias, more in record_aliases(people.records) if isinstance(alias, str)}
    mapped = {(alias, target) for alias, target in people.alias_map if isinstance(target, str)}
    pairs: list[Pair] = []
    for alias, target in people.alias_map:
        known = typed.get((alias, target)) if isinstance(target, str) else None
        pairs.append((alias, target, _placed({}, MAP_ONLY) if known is None else known))
    for name, listed, more in record_aliases(people.records):
        if not isinstance(listed, str) or (listed, name) not in mapped:
            pairs.append((listed, name, _placed(more, LIST_ONLY)))
    return pairs


def _placed(more: dict[str, Any], place: str) -> dict[str, Any]:
    return more | {IMPORT_KEY: more.get(IMPORT_KEY, {}) | {"shape": place}}


def _first_of_each(file: str, pairs: list[Pair], names: set[str]) -> Iterator[Entry]:
    lower = {alias for alias, target, _ in pairs if isinstance(alias, str) and _points_to(target, names)}
    taken: dict[str, object] = {}
    for alias, target, more in pairs:
        try:
            columns = _decode_alias(alias, target, more)
        except RecordRejectedError as error:
            yield Reject(file, shown(str(alias)), str(error))
            continue
        folded = columns["alias"]
        if folded in taken or (folded != alias and folded in lower):
            yield Reject(file, shown(str(alias)), _collision(alias, folded, target, taken))
            continue
        if _points_to(target, names):
            taken[folded] = target
        yield Row(file, shown(str(alias)), columns)


def _points_to(target: object, names: set[str]) -> bool:
    return isinstance(target, str) and (target.lower() in names or target in names)


def _decode_alias(alias: object, target: object, more: dict[str, Any]) -> Columns:
    text = require_text(alias, "the alias")
    folded = text.lower()
    extra = dict(more)
    if folded != text:
        facts = extra.get(IMPORT_KEY, {})
        extra[IMPORT_KEY] = facts | {"original": facts.get("original", {}) | {"alias": text}}
    to_json(extra)
    return {
        "alias": folded,
        "personality_name": require_text(target, "the personality that it points to"),
        "extra": extra or None,
    }


def _collision(alias: object, folded: str, target: object, taken: dict[str, object]) -> str:
    how = "stands here twice" if alias == folded else "is the same as another one after lower-casing"
    same = folded in taken and taken[folded] == target
    return f"{how}; {'both point to the same personality' if same else 'the other one counts'}"
