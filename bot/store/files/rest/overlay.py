"""Reading a folder by its records: the rest only adds what the original's files have no words for.

A start in json mode takes the small tables whole from the rest, which is exact whatever a record says. Who wants to
know whether the records are right reads those, as the original would, and lays over them what only the rest has.
"""

# ruff: noqa: S608 - the SQL is put together from the names of the program's own tables and columns

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.model import EVERY_PERSONALITY
from bot.store.engine import RawConnection
from bot.store.files.rest.reading import RestFile
from bot.store.legacy.moments import FIRST_MS, to_text
from bot.store.legacy.placing import TABLES

Row: TypeAlias = dict[str, Any]

FIRST_TIME = to_text(FIRST_MS)

SAID: Mapping[str, tuple[str, ...]] = {
    "personalities": (
        *("name_lower", "display_name", "avatar_url", "error_message", "added_by", "added_at", "updated_at"),
    ),
    "personality_aliases": ("personality_name",),
    "auth_tokens": ("token", "created_at", "expires_at"),
    "nsfw_verifications": ("is_verified", "verified_at"),
    "channel_activations": ("personality_name", "activated_by", "activated_at"),
    "conversations": ("personality_name", "last_message_at", "is_dm", "is_mention_only"),
    "auto_responses": (),
    "blacklist": ("reason", "blacklisted_by", "blacklisted_at"),
    "notification_preferences": ("is_opted_out", "level", "last_notified", "created_at", "updated_at"),
    "notified_version": ("version", "notified_at"),
}
"""What the records of a table say in either format. Other columns, and the rows' numbers, are the rest's."""

ODD_FACTS = ('"original"', '"absent"')
"""Marks in `extra` of a record that stood differently than it would be written, and is read by its reader's wits."""

SPEAKERS = {
    "personalities": "full_name",
    "personality_aliases": "personality_name",
    "channel_activations": "personality_name",
    "conversations": "personality_name",
}
"""The column that names a personality; of a removed one the files say nothing."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """Lays rows of the rest over those that the records gave; `active` are the personalities that can speak."""

    connection: RawConnection
    active: Collection[str]

    def lay(self, file: RestFile) -> None:
        """Leave in the table what records and rest say together, and what only the records say."""
        name = file.table.name
        found = {_key(name, row): dict(row) for row in self.connection.execute(f"SELECT * FROM {name}")}
        rows = [row for kept in file.rows() if (row := self._joined(file, kept, found.pop(_key(name, kept), None)))]
        # A number that nothing is known of must not be another row's.
        rows += [row | {"id": None} if "id" in row and name != "personalities" else row for row in found.values()]
        self.connection.execute(f"DELETE FROM {name}")
        columns = ", ".join(f'"{column}"' for column in file.columns)
        values = ", ".join(f":{column}" for column in file.columns)
        self.connection.executemany(f"INSERT INTO {name} ({columns}) VALUES ({values})", rows)

    def _joined(self, file: RestFile, kept: Row, read: Row | None) -> Row | None:
        """The row; None where a record should say it, and none does."""
        name = file.table.name
        if file.table.is_beyond_words(kept) or not self._has_record(name, kept):
            return kept
        return read and kept | {column: read[column] for column in SAID[name] if _has_words(column, kept[column])}

    def _has_record(self, name: str, kept: Row) -> bool:
        """Whether a record says the row, as it would say one that the bot has made."""
        if name == "auth_tokens" and kept["personality_name"] != EVERY_PERSONALITY:
            return False
        if any(fact in (kept["extra"] or "") for fact in ODD_FACTS):
            return False
        return name not in SPEAKERS or kept[SPEAKERS[name]] in self.active


def _key(name: str, row: Any) -> tuple[Any, ...]:
    return tuple(row[key] for key in TABLES[name].keys)


def _has_words(column: str, value: Any) -> bool:
    """Whether a record can say the value: what it leaves out, the reader replaces by something of its own."""
    if isinstance(value, str):
        return value >= FIRST_TIME if column.endswith("_at") else bool(value.strip())
    return value is not None and (value > 0 or column.startswith("is_"))
