"""Times as the original wrote them (milliseconds or ISO-8601) and as the columns hold them (text in UTC)."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Form = Literal["ms", "iso"]

UNKNOWN_TIME = "1970-01-01T00:00:00.000Z"
"""What a column that must have a time holds where the record has none that can be read."""

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive arithmetic in UTC is several times as fast
FIRST_MS = 100_000_000_000
"""1973: a smaller number can't be meant as milliseconds, because Discord did not exist."""
LAST_MS = 253_402_300_799_999
"""The end of the year 9999, after which times have no fixed width."""
FIRST_SECONDS = 1_000_000_000
LAST_SECONDS = 10_000_000_000


def to_text(milliseconds: int) -> str:
    """The column's text for milliseconds since 1970; at most `LAST_MS`."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat(timespec="milliseconds") + "Z"


def to_milliseconds(text: str) -> int:
    """What `to_text` was given."""
    return (datetime.fromisoformat(text[:-1]) - EPOCH) // timedelta(milliseconds=1)


def in_milliseconds(column: str) -> str:
    """SQL for what `to_milliseconds` gives of a column's text."""
    return f"CAST(round(unixepoch({column}, 'subsec') * 1000) AS INTEGER)"


def add(text: str, seconds: float) -> str:
    """The time that many seconds later, within what a column can hold."""
    return to_text(min(max(to_milliseconds(text) + round(seconds * 1000), 0), LAST_MS))


def read(value: object) -> str | None:
    """The column's text for a time in any form that was seen in real files; None where it is no time."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        digits = value.strip()
        if digits.isascii() and digits.isdigit():
            return _read_number(int(digits)) if len(digits) < len(str(LAST_MS)) + 1 else None
        return _read_iso(digits)
    if isinstance(value, (int, float)):
        return _read_number(int(value))
    return None


def is_beyond(value: object) -> bool:
    """Whether a number names a time later than any column can hold: somebody's `never`."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value > LAST_MS


def spell(text: str, form: Form) -> Any:
    """The value as the original would have written it; a number so small that it would be read as seconds is 1."""
    if form == "iso":
        return text
    milliseconds = to_milliseconds(text)
    return milliseconds if milliseconds >= FIRST_MS else 1


def _read_number(number: int) -> str | None:
    if FIRST_MS <= number <= LAST_MS:
        return to_text(number)
    if FIRST_SECONDS <= number < LAST_SECONDS:
        return to_text(number * 1000)
    return None


def _read_iso(text: str) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
    milliseconds = (moment.replace(tzinfo=None) - EPOCH) // timedelta(milliseconds=1)
    return to_text(milliseconds) if milliseconds >= 0 else None
