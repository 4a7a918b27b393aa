"""Whose message a proxy bot has posted again.

A copy proves nothing by its name, which its author chose. What proves it is the message that it replaces: the words of
the copy stand in it between its author's tags, and it is deleted.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from bot.model import Attached, Heard, snowflake_time

PLURALKIT = 466378653216014359
TUPPERBOX = 431544605209788416
TUPPERBOX_OF_THE_ORIGINAL = 510016054391734273
"""The id that the original bot took for Tupperbox's."""
PROXIES = frozenset({PLURALKIT, TUPPERBOX, TUPPERBOX_OF_THE_ORIGINAL})

TAG_LIMIT = 100
"""How long a tag may be on one side; PluralKit takes no longer ones."""

BARE = str.maketrans("", "", "<>")
"""PluralKit puts links into angle brackets for those who may not embed any."""

MENTION_IN_FRONT = re.compile(r"@[!&]?\d+\s*")
REPLY_LINK = re.compile(r"\W*\[[^\]\n]*\]\(https://(?:\w+\.)?discord(?:app)?\.com/channels/\d+/(\d+)/(\d+)\)")
REPLY_SIGN = "↩"

Part = tuple[int, int, int]
"""Which of its texts, from where, to where."""


@dataclass(frozen=True, slots=True)
class Original:
    """A person's message as it was written, and as it was after each edit; `taken` are the parts that have a copy."""

    message_id: int
    channel_id: int
    author_id: int
    texts: tuple[str, ...] = field(repr=False)
    attached: tuple[Attached, ...] = ()
    taken: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """A message that the copy may replace, with the part of it; None where that has its copy already."""

    original: Original
    part: Part | None


def original_of(heard: Heard) -> Original:
    """A person's message, as far as it is needed to know it again."""
    return Original(heard.message_id, heard.place.channel_id, heard.author_id, (heard.content,), heard.attached)


def match(copy: Heard, originals: Iterable[Original], window: timedelta) -> list[Match]:
    """The messages that this may be a copy of, oldest first."""
    found = []
    for original in originals:
        parts = [*_parts(copy, original)] if _may_be_replaced(original, copy, window) else []
        if parts:
            free = (part for part in parts if _is_free(part, copy, original))
            found.append(Match(original, next(free, None)))
    return sorted(found, key=lambda each: each.original.message_id)


def pick(candidates: Sequence[Match], deleted: Container[int], place: int, rivals: int) -> Match | None:
    """Which of the messages it is, by those that are deleted; None where that does not say it.

    Where they are of several people it does, if there are as many copies with the same words as such messages: then
    each has its copy, and everybody has said these very words. `place` is that of this copy among the `rivals`.
    """
    gone = [each for each in candidates if each.original.message_id in deleted]
    if len({each.original.author_id for each in gone}) == 1:
        return gone[0]
    return gone[place] if gone and len(gone) == rivals else None


def are_of_one(candidates: Iterable[Match]) -> bool:
    """Whether all are of the same person."""
    return len({each.original.author_id for each in candidates}) == 1


def replied_to(author: str, description: str, channel_id: int) -> int | None:
    """The message that a copy replies to, by the box in which proxy bots show it; None for any other box."""
    link = REPLY_LINK.match(description) if REPLY_SIGN in author else None
    return int(link[2]) if link and int(link[1]) == channel_id else None


def _may_be_replaced(original: Original, copy: Heard, window: timedelta) -> bool:
    if original.channel_id != copy.place.channel_id or original.message_id >= copy.message_id:
        return False
    if snowflake_time(copy.message_id) - snowflake_time(original.message_id) > window:
        return False
    return not copy.attached or not Counter(copy.attached) - Counter(original.attached)


def _parts(copy: Heard, original: Original) -> Iterable[Part]:
    words = _bare(copy.content)
    for number, text in enumerate(map(_bare, original.texts)):
        if not words:
            yield from [(number, 0, len(text))] if copy.attached and len(text) <= 2 * TAG_LIMIT else []
        elif copy.proxy_id == PLURALKIT:
            yield from ((number, *span) for span in _between_tags(words, text))
        else:
            yield from ((number, *span) for span in _in_lines(words, text))


def _between_tags(words: str, text: str) -> Iterable[tuple[int, int]]:
    """PluralKit puts a mention in front of everything in front of the copy's words."""
    mention, own = MENTION_IN_FRONT.match(text), MENTION_IN_FRONT.match(words)
    if mention and own and mention[0].strip() == own[0].strip():
        inner, begin = words[own.end() :], mention.end()
        yield from ((begin + start, begin + end) for start, end in _inside(inner, text[begin:]))
    yield from _inside(words, text)


def _inside(words: str, text: str) -> Iterable[tuple[int, int]]:
    start = text.find(words, max(len(text) - len(words) - TAG_LIMIT, 0), TAG_LIMIT + len(words))
    if start >= 0:
        yield start, start + len(words)


def _in_lines(words: str, text: str) -> Iterable[tuple[int, int]]:
    """Tupperbox makes a copy of each line, or of each few, that has tags of its own."""
    begin = 0
    for line in text.splitlines(keepends=True):
        start = text.find(words, begin, begin + TAG_LIMIT + len(words))
        end = start + len(words)
        if start >= 0 and len(text[end:].split("\n", 1)[0]) <= TAG_LIMIT:
            yield start, end
        begin += len(line)


def _is_free(part: Part, copy: Heard, original: Original) -> bool:
    """PluralKit makes one copy of a message; where it makes two, the second has only what did not fit into one."""
    if copy.proxy_id == PLURALKIT:
        return not original.taken
    number, start, end = part
    return all(number == other and (end <= begin or last <= start) for other, begin, last in original.taken)


def _bare(text: str) -> str:
    return text.translate(BARE).strip()
