"""Numbers and names as sentences have them."""

from collections.abc import Sequence

NAMES_LIMIT = 3


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 change`, `1,200 changes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def some_of(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - NAMES_LIMIT
    return ", ".join(names[:NAMES_LIMIT]) + (f" and {more:,} more" if more > 0 else "")
