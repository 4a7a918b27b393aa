"""How long something shall last, as people write it: `3d`, `12h`, `2 weeks`, `1 day 6 hours`."""

import re
from datetime import timedelta

from bot.errors import InvalidInputError
from bot.rules.wording import quoted

LONGEST = timedelta(days=3653)
"""Ten years, with their leap days."""
SHORTEST = timedelta(minutes=1)

UNITS = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
    "mo": timedelta(days=30),
    "y": timedelta(days=365),
}
WORDS = {
    "m": "m",
    "min": "m",
    "mins": "m",
    "minute": "m",
    "minutes": "m",
    "h": "h",
    "hr": "h",
    "hrs": "h",
    "hour": "h",
    "hours": "h",
    "d": "d",
    "day": "d",
    "days": "d",
    "w": "w",
    "wk": "w",
    "wks": "w",
    "week": "w",
    "weeks": "w",
    "mo": "mo",
    "month": "mo",
    "months": "mo",
    "y": "y",
    "yr": "y",
    "yrs": "y",
    "year": "y",
    "years": "y",
}
_UNIT = "|".join(sorted(WORDS, key=len, reverse=True))
_PART = rf"(\d{{1,9}})\s*({_UNIT})(?![^\W\d_])"
PART = re.compile(_PART, re.IGNORECASE | re.ASCII)
WHOLE = re.compile(rf"(?:{_PART}(?:(?:\s*,)?\s*(?:and\s+)?(?=\d))?)+(?=\s|$)", re.IGNORECASE | re.ASCII)
EXAMPLES = "Write it like `3d`, `12h` or `2 weeks`."


def leading_period(text: str) -> tuple[timedelta | None, str]:
    """The period that a text begins with, and the rest of it; None where it begins with another word.

    Raises InvalidInputError for a period that is too short or too long.
    """
    text = text.strip()
    found = WHOLE.match(text)
    if found is None:
        return None, text
    return _sum(found[0]), text[found.end() :].lstrip()


def parse_period(text: str) -> timedelta:
    """The period that a text is as a whole; raises InvalidInputError for anything else."""
    period, rest = leading_period(text)
    if period is None or rest:
        raise InvalidInputError(f"I don't understand {quoted(text.strip()[:50])} as a length of time.", remedy=EXAMPLES)
    return period


def _sum(text: str) -> timedelta:
    try:
        total = sum((int(number) * UNITS[WORDS[unit.lower()]] for number, unit in PART.findall(text)), timedelta())
    except OverflowError:
        total = timedelta.max
    if total < SHORTEST:
        raise InvalidInputError("That is no time at all; a minute is the shortest.", remedy=EXAMPLES)
    if total > LONGEST:
        raise InvalidInputError("Ten years is the longest.", remedy="For ever is what you get if you leave it out.")
    return total
