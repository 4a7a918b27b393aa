"""One record taken apart: known keys become columns, everything else stays in `extra` for the way back.

`extra` is made so that the record can be written again as it was. Unknown keys stand in it under their own
names. Its key `import` says what the columns alone can't: `shape` (the generation, where it is not the flat
one), `file` (the generation of the file, where it is not the record's own), `original` (values as they stood,
where a column says it differently), `absent` (keys that were missing though their column has a value, or though
the original always writes them). Any other column without a value and without an `original` was a missing key.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeAlias

import orjson

from bot.model import NOBODY, Secret
from bot.settings import Settings
from bot.store.columns import to_text
from bot.store.legacy import moments
from bot.store.legacy.moments import UNKNOWN_TIME, Form

Columns: TypeAlias = dict[str, Any]
"""A row by column name; references to personalities stand in it by name, secrets as `Secret`."""

IMPORT_KEY = "import"
SEALED_KEY = "sealed"
LAST_SNOWFLAKE = 2**63 - 1
SNOWFLAKE_DIGITS = 19
MISSING = object()


class RecordRejectedError(Exception):
    """Why one record can't be imported; the others of its file can."""


@dataclass(slots=True)
class Row:
    """A record that became a row. `sealed` is what of its `extra` must be encrypted.

    Not frozen, because that makes a million of them take a second more.
    """

    file: str
    key: str
    columns: Columns
    sealed: Secret | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that is not imported, and why; no part ever holds a secret. `table` is where it would have gone."""

    file: str
    key: str
    reason: str
    table: str = ""


Entry: TypeAlias = Row | Reject


@dataclass(frozen=True, slots=True)
class Defaults:
    """What records lack and settings know."""

    owner_id: int
    token_lifetime_seconds: float
    now: str

    @classmethod
    def of(cls, settings: Settings, now: datetime) -> "Defaults":
        """What these settings know."""
        return cls(settings.bot_owner_id, settings.token_lifetime_seconds, to_text(now))


class Reader(Protocol):
    """Makes a row's columns of one record."""

    def __call__(self, key: str, record: object, /) -> Columns:
        """The columns; raises RecordRejectedError."""


def read_each(file: str, entries: Iterable[tuple[str, object]], read: Reader) -> Iterator[Entry]:
    """Every record of a file as a row or a reject; a key that stands twice counts the first time."""
    seen: set[str] = set()
    for key, record in entries:
        if key in seen:
            yield Reject(file, shown(key), "stands twice in the file; the first one counts")
            continue
        seen.add(key)
        try:
            yield Row(file, key, read(key, record))
        except RecordRejectedError as error:
            yield Reject(file, shown(key), str(error))


def shown(key: str) -> str:
    """A key as it may be shown and stored anywhere, shortened."""
    return key.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")[:200]


def kind_of(value: object) -> str:
    """What a JSON value is, for a sentence."""
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def require_text(value: object, what: str) -> str:
    """The value if it is text that can be stored and is not empty."""
    if not isinstance(value, str) or not value.strip():
        raise RecordRejectedError(f"{what} is {'empty' if isinstance(value, str) else kind_of(value)}")
    return check_text(value, what)


def check_text(value: str, what: str) -> str:
    """The text, unless it holds what no database column can."""
    if "\0" in value:
        raise RecordRejectedError(f"{what} holds a NUL character")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RecordRejectedError(f"{what} holds half a character (a lone surrogate)") from None
    return value


def to_snowflake(value: object) -> int | None:
    """A Discord id, or None if this is no such thing."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and value[0] != "0" and len(value) <= SNOWFLAKE_DIGITS):
            return None
        value = int(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 < value <= LAST_SNOWFLAKE else None  # type: ignore[operator,return-value]


def require_snowflake(value: object, what: str) -> int:
    """The same, for a record that is nothing without it."""
    snowflake = to_snowflake(value)
    if snowflake is None:
        raise RecordRejectedError(f"{what} is no Discord id")
    return snowflake


def read_flag(value: object, *, default: bool) -> int:
    """What a value that is no boolean means where one is expected."""
    words = {"true": True, "1": True, "false": False, "0": False}
    return int(words.get(str(value).strip().lower(), default))


@dataclass(slots=True)
class Fields:
    """The keys of one record; each is taken once, what is left over is `extra`."""

    left: dict[str, Any]
    original: dict[str, Any] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, record: object) -> "Fields":
        """Raises RecordRejectedError if the record is no object."""
        if not isinstance(record, dict):
            raise RecordRejectedError(f"is {kind_of(record)} instead of an object")
        return cls(dict(record))

    def take(self, key: str) -> Any:
        """The raw value, or MISSING."""
        return self.left.pop(key, MISSING)

    def expect(self, *keys: str) -> None:
        """Note which of these are missing, because the original always writes them."""
        self.absent += [key for key in keys if key not in self.left]

    def text(self, key: str) -> str | None:
        """Text that may be absent; anything else counts as absent and is kept as it was."""
        value = self.take(key)
        if isinstance(value, str):
            return check_text(value, key)
        if value is not MISSING:
            self.original[key] = value
        return None

    def flag(self, key: str, *, default: bool = False) -> int:
        """A boolean as a column holds it; the words true and false count, anything else is the default."""
        value = self.take(key)
        if isinstance(value, bool):
            return int(value)
        if value is MISSING:
            self.absent.append(key)
            return int(default)
        self.original[key] = value
        return read_flag(value, default=default)

    def time(self, key: str, form: Form) -> str | None:
        """A time that may be absent."""
        value = self.take(key)
        if value is MISSING:
            return None
        text = moments.read(value)
        if text is None or isinstance(value, (bool, float)) or moments.spell(text, form) != value:
            self.original[key] = value
        return text

    def time_or(self, key: str, form: Form, fallback: str | None) -> str:
        """A time that a column must have: the fallback, else 1970, where the record has none."""
        is_missing = key not in self.left
        text = self.time(key, form)
        if text is None and is_missing:
            self.absent.append(key)
        return text or fallback or UNKNOWN_TIME

    def snowflake(self, key: str, default: int = 0) -> int:
        """A Discord id; anything else is kept as it was beside the default."""
        value = self.take(key)
        if value is MISSING:
            self.absent.append(key)
            return default
        if value == str(NOBODY):
            return NOBODY
        snowflake = to_snowflake(value)
        if snowflake is None or not isinstance(value, str):
            self.original[key] = value
        return default if snowflake is None else snowflake

    def confirm(self, key: str, value: str) -> None:
        """Take a key that repeats what is known; keep it where it is missing or says something else."""
        found = self.take(key)
        if found is MISSING:
            self.absent.append(key)
        elif found != value:
            self.original[key] = found

    def rest(self, shape: str | None = None, file: str | None = None) -> dict[str, Any] | None:
        """Unknown keys under their names and the facts; None if there is nothing to keep."""
        self.set_import_aside()
        told = {"shape": shape, "file": file, "original": self.original, "absent": self.absent}
        facts = {name: fact for name, fact in told.items() if fact}
        return self.left | ({IMPORT_KEY: facts} if facts else {}) or None

    def set_import_aside(self) -> None:
        """Keep a real key of that name elsewhere: it would be taken for the facts."""
        if IMPORT_KEY in self.left:
            self.original[IMPORT_KEY] = self.left.pop(IMPORT_KEY)


def to_json(value: Any) -> str:
    """JSON for a column; raises RecordRejectedError for what can't stand in one."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        raise RecordRejectedError(
            "holds half a character (a lone surrogate) or a number of more than 64 bits, which can't be stored"
        ) from None
