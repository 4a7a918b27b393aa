"""What people have written a moment ago, in memory only, to find it again in the copies of proxy bots."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.model import Heard
from bot.rules.dialogue.proxying import Match, Original, match
from bot.services.recent import Recent

REMEMBERED = 2000
REMEMBERED_COPIES = 1000
REMEMBERED_EDITS = 5


@dataclass(slots=True, kw_only=True, eq=False)
class Originals:
    """Forgets each message after the window, in which a copy of it may come; whose it was, a little later."""

    window: timedelta
    _known: OrderedDict[int, Original] = field(default_factory=OrderedDict, init=False, repr=False)
    _heard_at: dict[int, float] = field(default_factory=dict, init=False, repr=False)
    _matches: Recent[int, list[Match]] = field(
        default_factory=lambda: Recent(REMEMBERED_COPIES), init=False, repr=False
    )

    def note(self, heard: Original) -> None:
        """A person has written this, or changed it."""
        known = self._known.get(heard.message_id)
        if known is None:
            loop = asyncio.get_running_loop()
            self._heard_at[heard.message_id] = loop.time()
            self._known[heard.message_id] = heard
            loop.call_later(self.window.total_seconds(), self._forget, heard.message_id)
            if len(self._known) > REMEMBERED:
                self._forget(next(iter(self._known)))
        elif heard.texts[0] not in known.texts:
            texts = (*known.texts, *heard.texts)[-REMEMBERED_EDITS:]
            self._known[heard.message_id] = replace(known, texts=texts)

    def matches(self, copy: Heard) -> list[Match]:
        """The messages that this may be a copy of, as far as they have none yet; without their texts.

        They are looked for when it comes: it may be changed later, and they are forgotten.
        """
        if copy.message_id not in self._matches:
            found = match(copy, self._known.values(), self.window)
            self._matches[copy.message_id] = [_without_texts(each) for each in found]
        return [self._as_it_is_now(copy, each) for each in self._matches[copy.message_id]]

    def texts_of(self, found: Match) -> tuple[str, ...]:
        """What the message said, as long as that is remembered."""
        known = self._known.get(found.original.message_id)
        return known.texts if known else ()

    def take(self, found: Match) -> None:
        """A copy has turned out to be of this."""
        known = self._known.get(found.original.message_id)
        if known is not None and found.part is not None:
            self._known[known.message_id] = replace(known, taken=(*known.taken, found.part))

    def seconds_since(self, message_id: int) -> float:
        """How long ago it was heard; 0 where that is not known."""
        now = asyncio.get_running_loop().time()
        return now - self._heard_at.get(message_id, now)

    def _as_it_is_now(self, copy: Heard, found: Match) -> Match:
        """Another copy may have turned out to be of it meanwhile."""
        known = self._known.get(found.original.message_id)
        if known is None or known.taken == found.original.taken:
            return found
        return _without_texts(next(iter(match(copy, [known], self.window)), Match(known, None)))

    def _forget(self, message_id: int) -> None:
        self._known.pop(message_id, None)
        self._heard_at.pop(message_id, None)


def _without_texts(found: Match) -> Match:
    return replace(found, original=replace(found.original, texts=()))
