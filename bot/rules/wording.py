"""Numbers and names as sentences have them."""

import re
from collections.abc import Sequence

NAMES_LIMIT = 3
MARKUP = re.compile(r"[\\*_~|`\[\]<>]")
"""What Discord takes for formatting, a link or a mention inside of a line."""


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 change`, `1,200 changes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some_of(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMES_LIMIT
    return ", ".join(names[:NAMES_LIMIT]) + (f" and {more:,} more" if more > 0 else "")


def escaped(text: str) -> str:
    """A name as Discord shows it letter by letter, whatever is in it."""
    return MARKUP.sub(r"\\\g<0>", text)


def quoted(text: str) -> str:
    """A name that somebody typed, or gave, between quotation marks."""
    return f"“{escaped(text)}”"
