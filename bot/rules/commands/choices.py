"""Which personalities are offered while somebody types a name, and how each is shown."""

from collections.abc import Iterable
from dataclasses import dataclass

CHOICES_MAX = 25
"""How many choices Discord shows."""
CHOICE_LENGTH = 100
"""How long a choice, and what it stands for, may be."""


@dataclass(frozen=True, slots=True)
class Found:
    """A personality that what was typed may mean; `alias` is the alias that holds it, None where the full name does.

    `call` is a name of at most `CHOICE_LENGTH` characters that leads to it and to no other; None if it has none.
    """

    full_name: str
    display_name: str
    alias: str | None
    call: str | None
    is_own: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What is shown, and the name that a command is given for it."""

    label: str
    value: str


def choose(found: Iterable[Found], typed: str) -> list[Choice]:
    """Own ones first, then what begins with it, then what holds it anywhere; every personality once."""
    best: dict[str, Found] = {}
    for one in sorted(found, key=lambda one: _rank(one, typed)):
        best.setdefault(one.full_name, one)
    offered = [Choice(_label(one), one.call) for one in best.values() if one.call is not None]
    return offered[:CHOICES_MAX]


def _rank(found: Found, typed: str) -> tuple[bool, bool, bool, str, str]:
    matched = found.alias or found.full_name.lower()
    return (not found.is_own, not matched.startswith(typed), found.alias is not None, matched, found.full_name)


def _label(found: Found) -> str:
    is_named_so = found.display_name.lower() == found.full_name.lower()
    label = found.display_name if is_named_so else f"{found.display_name} ({found.full_name})"
    if found.alias is not None and found.alias != found.display_name.lower():
        label += f" · {found.alias}"
    return label if len(label) <= CHOICE_LENGTH else f"{label[: CHOICE_LENGTH - 1]}…"
