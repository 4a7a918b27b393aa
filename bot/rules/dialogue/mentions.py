"""Which names a message may mention: `@` and what follows it, cut at every place where a name could end.

The store is asked which of these candidates exist, so aliases may hold spaces, punctuation and any script.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T")

MENTION_LIMIT = 10
NAME_LENGTH_LIMIT = 200
ENDS_LIMIT = 48
UNSPACED_LIMIT = 16
"""How long a name may be that runs on into the next word, as in scripts without spaces."""
CANDIDATE_LIMIT = 160

DISCORD_MENTION = re.compile(r"[!&]?\d+>")
SPACES = re.compile(r"\s+")
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
WRITTEN_WITHOUT_SPACES = frozenset(
    {"CJK", "HALFWIDTH", "HIRAGANA", "KATAKANA", "KHMER", "LAO", "MYANMAR", "THAI", "TIBETAN"}
)


def candidates(content: str, mention_char: str = "@") -> tuple[str, ...]:
    """Every name that the message could mention, lower case, without repetitions, in the order of the text."""
    if mention_char not in content:
        return ()
    text = UNSTORABLE.sub("\ufffd", content.lower())
    found: dict[str, None] = {}
    for start in _starts(text, mention_char):
        for name in _names(text[start : start + NAME_LENGTH_LIMIT]):
            found[name] = None
            collapsed = SPACES.sub(" ", name)
            found[collapsed] = None
    return tuple(found)[:CANDIDATE_LIMIT]


def longest(names: Iterable[str], known: Mapping[str, T]) -> T | None:
    """What the longest of the names stands for; of equally long ones, the first."""
    present = [name for name in names if name in known]
    return known[max(present, key=len)] if present else None


def _starts(text: str, mention_char: str) -> list[int]:
    positions = [match.end() for match in re.finditer(re.escape(mention_char), text)]
    return [start for start in positions if _may_start(text, start, start - len(mention_char))][:MENTION_LIMIT]


def _may_start(text: str, start: int, sign: int) -> bool:
    if start == len(text) or text[start].isspace():
        return False
    if sign == 0:
        return True
    before = text[sign - 1]
    if before == "<":
        return not DISCORD_MENTION.match(text, start)
    is_address_or_link = before == "/" or (before.isalnum() and _script(before) not in WRITTEN_WITHOUT_SPACES)
    return not is_address_or_link


def _names(text: str) -> Iterator[str]:
    line = text.split("\n", 1)[0]
    words_end = (end for end in range(1, len(line) + 1) if not line[end - 1].isspace())
    ends = (end for end in words_end if _may_end(line, end) or _runs_on(line, end))
    for _, end in zip(range(ENDS_LIMIT), ends, strict=False):
        yield line[:end]


def _may_end(line: str, end: int) -> bool:
    if end == len(line):
        return True
    last, following = line[end - 1], line[end]
    if following.isascii() and following != "_":
        return not following.isalnum() or (not last.isascii() and last.isalnum() and _is_new_script(last, following))
    if unicodedata.category(following).startswith("M"):
        return False
    if following == "_":
        return not (last.isalnum() and line[end + 1 : end + 2].isalnum())
    if not following.isalnum():
        return True
    return last.isalnum() and _is_new_script(last, following)


def _is_new_script(last: str, following: str) -> bool:
    scripts = {_script(last), _script(following)}
    return len(scripts) > 1 and bool(scripts & WRITTEN_WITHOUT_SPACES)


def _runs_on(line: str, end: int) -> bool:
    """Whether the next word may begin right here, as nothing in a script without spaces shows where words end."""
    if end > UNSPACED_LIMIT or end == len(line) or unicodedata.category(line[end]).startswith("M"):
        return False
    return line[end - 1].isalnum() and _script(line[end]) in WRITTEN_WITHOUT_SPACES


def _script(character: str) -> str:
    return re.split(r"[ -]", unicodedata.name(character, ""), maxsplit=1)[0]
