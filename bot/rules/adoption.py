"""Whose answer a message is that the bot has said, and of which no row knows any more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.model import Spoken

LOST_AT_A_CUT = 8
"""White space goes where an answer is cut; this much of it at most counts as part of the message before."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A message without an answer that anyone knows of, and the name under which its answer would be said."""

    message_id: int
    name: str


def adopt(written: Sequence[Asked | Spoken], known: Collection[int], limit: int) -> dict[int, list[int]]:
    """The answered messages, each with the ids of its answer, in order.

    `written` is a channel in its order, `known` are ids of messages whose rows are there, `limit` is how long a
    message may be. The bot answers a channel's messages one after the other, so an answer belongs to the first message
    before it that waits for that name, and what waited before that one gets none of the later answers. Whether an
    answer whose text is lost was longer than what stands there cannot be known: it counts as complete.
    """
    waiting: list[Asked] = []
    found: dict[int, list[int]] = {}
    begun: tuple[int, Spoken] | None = None
    for entry in written:
        if isinstance(entry, Asked):
            waiting.append(entry)
            begun = None
        elif entry.message_id in known:
            begun = None
        else:
            if begun is None or not _continues(begun[1], entry, limit):
                begun = _begin(waiting, entry)
            if begun is not None:
                found.setdefault(begun[0], []).append(entry.message_id)
                begun = (begun[0], entry)
    return found


def _begin(waiting: list[Asked], spoken: Spoken) -> tuple[int, Spoken] | None:
    """The first of those who wait for this name, who waits no longer, nor does anyone in front."""
    for position, asked in enumerate(waiting):
        if asked.name == spoken.display_name:
            del waiting[: position + 1]
            return asked.message_id, spoken
    return None


def _continues(before: Spoken, spoken: Spoken, limit: int) -> bool:
    """Whether it may be the same answer: an answer is cut only where the next piece does not fit any more."""
    is_full = len(before.text) + len(spoken.text) + LOST_AT_A_CUT > limit
    return before.display_name == spoken.display_name and is_full
