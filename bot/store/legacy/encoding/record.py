"""A record put together again: columns under the original's keys, as they stood while the columns still say so.

A value that stood differently than its column would be written comes out as it stood, but only until the bot has
changed the column: so an untouched record comes out exactly as it was, and a changed one with what is true now.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from bot.store.files.plan import Format
from bot.store.legacy import moments
from bot.store.legacy.moments import Form
from bot.store.legacy.personalities import NESTED
from bot.store.legacy.record import IMPORT_KEY, MISSING, read_flag, to_snowflake


@dataclass(frozen=True, slots=True)
class Facts:
    """What `extra` tells of how a record stood: unknown keys, and what its key `import` says."""

    unknown: dict[str, Any] = field(default_factory=dict)
    original: dict[str, Any] = field(default_factory=dict)
    absent: Collection[str] = ()
    shape: str | None = None
    file: str | None = None

    @classmethod
    def of(cls, extra: dict[str, Any] | None) -> "Facts":
        """The facts in the `extra` of a row, or of a part of it."""
        unknown = dict(extra or {})
        return cls.told(unknown.pop(IMPORT_KEY, {}), unknown)

    @classmethod
    def read(cls, text: str | None) -> "Facts":
        """The same from the column's text."""
        return cls.of(orjson.loads(text)) if text else cls()

    @classmethod
    def told(cls, told: dict[str, Any], unknown: dict[str, Any]) -> "Facts":
        """The facts under the key `import`, and the unknown keys beside them."""
        return cls(unknown, told.get("original", {}), told.get("absent", ()), told.get("shape"), told.get("file"))

    def is_from(self, target: Format) -> bool:
        """Whether the record came from a file of that format, into which it goes back as it was."""
        return (self.file or (NESTED if self.shape == NESTED else Format.GEN1)) == target

    def abroad(self, taken: Collection[str] = ()) -> "Facts":
        """What goes along into another format: unknown keys, without those that mean something there."""
        return Facts({key: value for key, value in self.unknown.items() if key not in taken})

    def without(self, *keys: str) -> "Facts":
        """The facts of a record in which these keys are no more what they were."""
        return replace(
            self,
            unknown={key: value for key, value in self.unknown.items() if key not in keys},
            original={key: value for key, value in self.original.items() if key not in keys},
            absent=[key for key in self.absent if key not in keys],
        )


@dataclass(slots=True)
class Draft:
    """A record that is being put together; every method is the inverse of the one of `Fields` that read the key."""

    facts: Facts
    made: dict[str, Any] = field(default_factory=dict)

    def confirm(self, key: str, value: str) -> None:
        """A key that repeats what is known."""
        if key in self.facts.original:
            self.made[key] = self.facts.original[key]
        elif key not in self.facts.absent:
            self.made[key] = value

    def name(self, key: str, value: str) -> None:
        """A name, which a record may have got under another spelling."""
        self.made[key] = self.facts.original.get(key, value)

    def text(self, key: str, value: str | None, *, or_null: bool = True) -> None:
        """Text that may be absent; without a value it is null, or is left out."""
        if value is not None:
            self.made[key] = value
        else:
            self._put_nothing(key, or_null=or_null)

    def flag(self, key: str, value: int, *, default: bool = False) -> None:
        """A boolean."""
        original = self.facts.original.get(key, MISSING)
        if original is not MISSING and read_flag(original, default=default) == value:
            self.made[key] = original
        elif key not in self.facts.absent or bool(value) is not default:
            self.made[key] = bool(value)

    def time(self, key: str, value: str | None, form: Form, *, or_null: bool = True) -> None:
        """A time that may be absent; without one it is null, or is left out."""
        original = self.facts.original.get(key, MISSING)
        if value is None:
            self._put_nothing(key, or_null=or_null)
        elif original is not MISSING and moments.read(original) == value:
            self.made[key] = original
        else:
            self.made[key] = moments.spell(value, form)

    def time_or(self, key: str, value: str, form: Form) -> None:
        """A time that the column has in any case, and that nothing changes later."""
        original = self.facts.original.get(key, MISSING)
        if original is not MISSING and moments.read(original) in {value, None}:
            self.made[key] = original
        elif key not in self.facts.absent:
            self.made[key] = moments.spell(value, form)

    def snowflake(self, key: str, value: int) -> None:
        """A Discord id, which nothing changes later."""
        original = self.facts.original.get(key, MISSING)
        if original is not MISSING and to_snowflake(original) in {value, None}:
            self.made[key] = original
        elif key not in self.facts.absent:
            self.made[key] = str(value)

    def part(self, key: str, part: dict[str, Any]) -> None:
        """An object inside of the record; one that is empty may have been something else, or missing."""
        if part or key not in self.facts.absent:
            self.made[key] = part or self.facts.original.get(key, part)

    def part_or_null(self, key: str, part: dict[str, Any] | None) -> None:
        """An object that is a row of its own: without one the key is null, missing, or what no row came of."""
        if part is not None:
            self.made[key] = part
        elif key not in self.facts.unknown:
            self._put_nothing(key, or_null=True)

    def finish(self) -> dict[str, Any]:
        """The record, with the unknown keys that it had."""
        unknown = dict(self.facts.unknown)
        if IMPORT_KEY in self.facts.original:
            unknown[IMPORT_KEY] = self.facts.original[IMPORT_KEY]
        return self.made | {key: value for key, value in unknown.items() if key not in self.made}

    def _put_nothing(self, key: str, *, or_null: bool) -> None:
        if key in self.facts.original:
            self.made[key] = self.facts.original[key]
        elif or_null and key not in self.facts.absent:
            self.made[key] = None
