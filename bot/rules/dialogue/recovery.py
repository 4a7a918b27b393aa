"""What becomes of a turn that a process before this one left unfinished."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError
from bot.model import Heard, Spoken

TOO_OLD, DELETED = "TooOld", "Deleted"
FINAL = (NotAllowedError, NotFoundError, InvalidInputError)
"""What would be the same at the next try; anything else leaves a turn as it is for then."""


def is_too_old(asked_at: datetime, now: datetime, limit: timedelta) -> bool:
    """Whether an answer would come so late that it only puzzles."""
    return now - asked_at >= limit


def is_answerable(heard: Heard | None) -> bool:
    """Whether the message is still there and still says something."""
    return heard is not None and heard.says_something


def adopted(missing: Sequence[str], unknown: Iterable[Spoken]) -> list[int]:
    """The ids under which the first of the missing messages were said after all, though nobody noted it.

    `unknown` are messages of the bot that no row knows, oldest first. White space does not count: Discord trims it.
    """
    found: list[int] = []
    for message in unknown:
        if len(found) < len(missing) and message.text.split() == missing[len(found)].split():
            found.append(message.message_id)
    return found
