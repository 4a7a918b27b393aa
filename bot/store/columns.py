"""How values stand in columns: times as fixed-width text, JSON as text, booleans as 0 and 1."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson


@lru_cache(maxsize=64)  # a message's statements carry the same few moments
def to_text(moment: datetime) -> str:
    """`2026-11-23T19:00:00.123Z`; raises ValueError for a time without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone can't be stored")
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"


def to_text_or_none(moment: datetime | None) -> str | None:
    """The same, where a time may be absent."""
    return None if moment is None else to_text(moment)


def to_time(text: str) -> datetime:
    """The time that `to_text` wrote."""
    return datetime.fromisoformat(text)


def to_time_or_none(text: str | None) -> datetime | None:
    """The same, where a time may be absent."""
    return None if text is None else to_time(text)


def to_json(value: dict[str, Any] | None) -> str | None:
    """JSON text with keys in their given order, or None."""
    return None if value is None else orjson.dumps(value).decode()


def from_json(text: str | None) -> dict[str, Any] | None:
    """The object that `to_json` wrote."""
    if text is None:
        return None
    value: dict[str, Any] = orjson.loads(text)
    return value
