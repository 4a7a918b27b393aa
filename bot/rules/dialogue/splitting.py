"""Cutting an answer into Discord messages at paragraphs, lines, sentences and words.

Nothing is lost or invented but the white space at the cuts, and code fences, which are closed at the end
of one message and opened again in the next. Discord counts code points, as `len` does.
"""

import re
import unicodedata
from collections.abc import Iterator

MESSAGE_LIMIT = 2000
LOOK_BACK = 64

BREAKS = (
    re.compile(r"\n[^\S\n]*\n"),
    re.compile(r"\n"),
    re.compile(r"(?<=[.!?…])[\"'”’)\]*_]*(?=\s)|(?<=[。！？])[」』）]*"),  # noqa: RUF001 - other scripts' sentence ends
    re.compile(r"(?=\s)"),
)
FENCE = "```"
CLOSING = "\n```"
LANGUAGE = re.compile(r"[\w+#.-]{0,20}(?=\n)")
INVISIBLE = frozenset({"Cc", "Cf"})
BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that fonts leave empty."""
ZERO_WIDTH_JOINER = "\u200d"


def split(text: str, limit: int = MESSAGE_LIMIT) -> tuple[str, ...]:
    """The text as messages of at most `limit` characters, none empty; an empty tuple for text without words."""
    if FENCE in text:
        return tuple(_split_fenced(text.strip(), limit))
    return tuple(_split_plain(text.strip(), limit))


def is_visible(text: str) -> bool:
    """Whether there is anything to see; zero-width characters alone are an empty message to Discord."""
    return any(
        not character.isspace() and character not in BLANK and unicodedata.category(character) not in INVISIBLE
        for character in text
    )


def cut_position(text: str, limit: int) -> int:
    """The last position up to `limit` that does not cut through what is seen as one character."""
    if len(text) <= limit:
        return len(text)
    for position in range(limit, max(limit - LOOK_BACK, 0), -1):
        if not _is_one_character(text, position):
            return position
    return limit


def _split_plain(rest: str, limit: int) -> Iterator[str]:
    while rest:
        end = _end(rest, limit)
        yield rest[:end].rstrip()
        rest = rest[end:].lstrip()


def _split_fenced(rest: str, limit: int) -> Iterator[str]:
    opening = ""
    while len(rest) > limit:
        end = _end(rest, limit - len(CLOSING), len(opening))
        chunk, rest = rest[:end].rstrip(), rest[end:]
        opening = _opening(chunk)
        if opening:
            chunk += CLOSING
            rest = _reopened(opening, rest)
        else:
            rest = rest.lstrip()
        yield chunk
    if rest:
        yield rest


def _opening(chunk: str) -> str:
    """What opens the next message's code block, if this one leaves a block open."""
    if chunk.count(FENCE) % 2 == 0:
        return ""
    language = LANGUAGE.match(chunk, chunk.rindex(FENCE) + len(FENCE))
    return f"{FENCE}{language[0] if language else ''}\n"


def _reopened(opening: str, rest: str) -> str:
    """The rest of a code block as a block of its own; nothing to open where only the closing fence is left."""
    stripped = rest.lstrip()
    if stripped.startswith(FENCE):
        return stripped.removeprefix(FENCE).lstrip()
    if not stripped:
        return ""
    return opening + (rest.lstrip(" ") if rest.startswith(" ") else rest.lstrip("\n"))


def _end(text: str, limit: int, floor: int = 0) -> int:
    """Where to cut: at the best kind of break that fills a quarter of the message, else at any, else in a word."""
    if len(text) <= limit:
        return len(text)
    window = text[: limit + 1]
    for fewest in (max(limit // 4, floor), floor):
        for pattern in BREAKS:
            position = max((end for end in _ends(pattern, window) if fewest < end <= limit), default=0)
            if position:
                return position
    return max(cut_position(text, limit), floor + 1)


def _ends(pattern: re.Pattern[str], window: str) -> Iterator[int]:
    return (match.start() if match[0].isspace() else match.end() for match in pattern.finditer(window))


def _is_one_character(text: str, position: int) -> bool:
    """Whether a cut here would go through a character with its accents, an emoji sequence or a flag."""
    last, following = text[position - 1], text[position]
    if ZERO_WIDTH_JOINER in (last, following) or unicodedata.category(following).startswith("M"):
        return True
    return "\U0001f3fb" <= following <= "\U0001f3ff" or (_is_flag_half(last) and _cuts_flag(text, position))


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _cuts_flag(text: str, position: int) -> bool:
    if not _is_flag_half(text[position]):
        return False
    start = position
    while start > 0 and _is_flag_half(text[start - 1]):
        start -= 1
    return (position - start) % 2 == 1
