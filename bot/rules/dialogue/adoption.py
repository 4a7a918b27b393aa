"""Whose answer a message is that the bot has said, and of which no row knows any more."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.model import Spoken
from bot.rules.dialogue.splitting import FENCE, split

LOST_AT_A_CUT = ("\n\n", "\n", " ", "")
"""What may have stood where an answer was cut."""

MORE = "\n\n…"
"""What may follow."""


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


def said_anew(noted: Sequence[int], spoken: Sequence[Spoken], known: Collection[int], name: str) -> list[int]:
    """The messages of an answer that was said in full and then changed, though its row does not know; else none.

    `noted` are those that its row knows, `spoken` is what was said after the question, in order, `known` are ids of
    messages whose rows are there, `name` is the one under which the answer is said.
    """
    found: list[int] = []
    is_changed = False
    for message in spoken:
        is_known = message.message_id in known
        may_be_new = message.is_edited and message.display_name == name and not is_known
        if message.message_id in noted or may_be_new:
            found.append(message.message_id)
            is_changed = is_changed or message.is_edited
        elif found or not is_known:
            break  # what comes before may be the end of an earlier answer that became longer
    return found if is_changed else []


def _begin(waiting: list[Asked], spoken: Spoken) -> tuple[int, Spoken] | None:
    """The first of those who wait for this name, who waits no longer, nor does anyone in front."""
    for position, asked in enumerate(waiting):
        if asked.name == spoken.display_name:
            del waiting[: position + 1]
            return asked.message_id, spoken
    return None


def _continues(before: Spoken, spoken: Spoken, limit: int) -> bool:
    """Whether it may be the same answer: whether an answer of the two would be cut exactly here."""
    if before.display_name != spoken.display_name:
        return False
    if FENCE in before.text:  # fences are closed and opened again at a cut, so that the text can't be put together
        return len(before.text) + len(spoken.text) > limit
    return any(split(before.text + gap + spoken.text + MORE, limit)[0] == before.text for gap in LOST_AT_A_CUT)
