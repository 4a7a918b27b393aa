"""The records of a data folder one by one: to which table each belongs, its key, and a digest of all that it says.

The digest is one of the JSON value, whatever its layout and the order of its keys, together with the key. Where
one record becomes rows of two tables (a login and a verification in `auth.json`) it counts in both with the part
that is theirs; the aliases that stand in nested personalities count as aliases.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from bot.store.files.rest.reading import RestFile
from bot.store.files.rest.tables import REST_TABLES
from bot.store.legacy import personalities
from bot.store.legacy.aliases import ignored_files
from bot.store.legacy.auth import nested_users
from bot.store.legacy.folder import (
    ACTIVATIONS,
    ALIASES,
    AUTH,
    AUTO_RESPONSES,
    AVATARS,
    BLACKLIST,
    CONVERSATIONS,
    IMAGES,
    MESSAGES,
    NOTIFICATIONS,
    TOKENS,
    VERIFIED,
    VERSION,
    LegacyFolder,
)
from bot.store.legacy.personalities import PersonalityFile
from bot.store.legacy.placing import TABLES as OF_THE_ORIGINAL
from bot.store.legacy.record import to_snowflake

DIGEST_BYTES = 16

TABLES = {
    TOKENS: "auth_tokens",
    VERIFIED: "nsfw_verifications",
    ACTIVATIONS: "channel_activations",
    CONVERSATIONS: "conversations",
    MESSAGES: "message_mappings",
    BLACKLIST: "blacklist",
    NOTIFICATIONS: "notification_preferences",
}
"""The files whose every entry is one record of one table."""

SECRET = frozenset({AUTH, TOKENS, VERIFIED})
"""Files in which a key that is no Discord id might be a token."""

Images = Callable[[str], str | None]
"""The SHA-256 of an image by its file's name, or None where it is missing."""


class Record(NamedTuple):
    """One record; the key of a secret file's record is shown only if it is a Discord id."""

    table: str
    key: str
    file: str
    digest: bytes


def read_records(folder: LegacyFolder, images: Images) -> Iterator[Record]:
    """Every record of the original's files; raises UnreadableError for a file that can't be read."""
    people = personalities.load(folder)
    yield from _people(people)
    if not ignored_files(folder, people):
        yield from _entries(folder, ALIASES, "personality_aliases")
    yield from _users(folder)
    for name, table in TABLES.items():
        yield from _entries(folder, name, table)
    yield from _elements(folder)
    yield from _version(folder)
    yield from _avatars(folder, images)


def read_rest(folder: Path, keys: Mapping[str, Sequence[str]]) -> Iterator[Record]:
    """Every row of what the original has no place for; `keys` are the tables' primary keys."""
    for table in REST_TABLES:
        if (folder / table.file).exists():
            name = table.file if table.name in OF_THE_ORIGINAL else table.name
            for row in RestFile.open(table, folder / table.file).rows():
                key = " ".join(str(row[column]) for column in keys.get(table.name, ()))
                yield Record(name, key, table.file, digest(key, row))


def digest(key: str, value: object) -> bytes:
    """The digest of a key with its value."""
    try:
        text = orjson.dumps([key, value], option=orjson.OPT_SORT_KEYS)
    except TypeError:  # half a character, or a number of more than 64 bits
        text = json.dumps([key, value], sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()


def _entries(folder: LegacyFolder, name: str, table: str) -> Iterator[Record]:
    file = folder.source_of(name)
    for key, value in _labelled(name, folder.entries(name)):
        yield Record(table, key, file, digest(key, value))


def _labelled(name: str, entries: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    if name not in SECRET:
        yield from entries
        return
    for position, (key, value) in enumerate(entries, start=1):
        yield (key if to_snowflake(key) else f"entry {position}"), value


def _people(people: PersonalityFile) -> Iterator[Record]:
    """Personalities without their lists of aliases, and the aliases by themselves."""
    known: dict[str, list[Any]] = defaultdict(list)
    for alias, target in people.alias_map:
        known[alias].append(["map", target])
    for name, record in people.records:
        if people.is_nested and isinstance(record, dict) and isinstance(record.get("aliases"), list):
            for place in record["aliases"]:
                known[_alias_of(place)].append(["list", name, place])
            record = {key: value for key, value in record.items() if key != "aliases"}  # noqa: PLW2901
        yield Record("personalities", name, people.name, digest(name, record))
    for alias, places in known.items():
        yield Record(
            "personality_aliases",
            alias,
            people.name,
            digest(alias, sorted(places, key=lambda place: digest(alias, place))),
        )


def _alias_of(place: object) -> str:
    alias = place.get("value") if isinstance(place, dict) else place
    return alias if isinstance(alias, str) else str(alias)


def _users(folder: LegacyFolder) -> Iterator[Record]:
    """The users of `auth.json`; what a record says besides the verification counts with the login, if there is one."""
    file = folder.source_of(AUTH)
    for key, record in _labelled(AUTH, nested_users(folder)):
        status = record.get("nsfwStatus") if isinstance(record, dict) else None
        if not isinstance(record, dict) or status is None:
            yield Record("auth_tokens", key, file, digest(key, record))
        elif record.get("token") is None:
            yield Record("nsfw_verifications", key, file, digest(key, record))
        else:
            rest = {name: value for name, value in record.items() if name != "nsfwStatus"}
            yield Record("auth_tokens", key, file, digest(key, rest))
            yield Record("nsfw_verifications", key, file, digest(key, status))


def _elements(folder: LegacyFolder) -> Iterator[Record]:
    file = folder.source_of(AUTO_RESPONSES)
    for position, value in enumerate(folder.items(AUTO_RESPONSES), start=1):
        key = str(to_snowflake(value) or f"element {position}")
        yield Record("auto_responses", key, file, digest(key, value))


def _version(folder: LegacyFolder) -> Iterator[Record]:
    if VERSION in folder.files:
        record = dict(folder.entries(VERSION))
        yield Record("notified_version", "version", folder.source_of(VERSION), digest("version", record))


def _avatars(folder: LegacyFolder, images: Images) -> Iterator[Record]:
    file = folder.source_of(AVATARS)
    for key, record in folder.entries(AVATARS):
        name = record.get("localFilename") if isinstance(record, dict) else None
        image = images(f"{IMAGES}/{name}") if isinstance(name, str) else None
        yield Record("avatars", key, file, digest(key, [record, image]))
