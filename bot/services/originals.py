"""What people have written a moment ago, in memory only, to find it again in the copies of proxy bots."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.model import Heard, snowflake_time
from bot.rules.proxying import Match, Original, match

REMEMBERED = 2000
REMEMBERED_COPIES = 1000
REMEMBERED_EDITS = 5


@dataclass(slots=True, kw_only=True, eq=False)
class Originals:
    """Forgets a message when a later one is noted that is more than the window behind it."""

    window: timedelta
    _known: OrderedDict[int, Original] = field(default_factory=OrderedDict, init=False, repr=False)
    _heard_at: dict[int, float] = field(default_factory=dict, init=False, repr=False)
    _matches: OrderedDict[int, list[Match]] = field(default_factory=OrderedDict, init=False, repr=False)

    def note(self, heard: Original) -> None:
        """A person has written this, or changed it."""
        known = self._known.get(heard.message_id)
        if known is None:
            self._heard_at[heard.message_id] = asyncio.get_running_loop().time()
            self._known[heard.message_id] = heard
            self._forget_before(heard.message_id)
        elif heard.texts[0] not in known.texts:
            texts = (*known.texts, *heard.texts)[-REMEMBERED_EDITS:]
            self._known[heard.message_id] = replace(known, texts=texts)

    def matches(self, copy: Heard) -> list[Match]:
        """The messages that this may be a copy of, as far as they have none yet.

        They are looked for when it comes: it may be changed later, and they may be forgotten.
        """
        if copy.message_id not in self._matches:
            self._matches[copy.message_id] = match(copy, self._known.values(), self.window)
            if len(self._matches) > REMEMBERED_COPIES:
                self._matches.popitem(last=False)
        return [self._as_it_is_now(copy, each) for each in self._matches[copy.message_id]]

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
        return next(iter(match(copy, [known], self.window)), Match(known, None))

    def _forget_before(self, newest: int) -> None:
        oldest = snowflake_time(newest) - self.window
        for message_id in list(self._known):
            if len(self._known) <= REMEMBERED and snowflake_time(message_id) >= oldest:
                return
            del self._known[message_id], self._heard_at[message_id]
