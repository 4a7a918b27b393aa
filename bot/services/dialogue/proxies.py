"""People who write through a proxy bot, which deletes their message and posts it again under another name."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.errors import TzurotError, UnavailableError
from bot.model import Authorship, Clock, Heard, TurnState, snowflake_time, utc_now
from bot.rules.dialogue.proxying import PLURALKIT, Match, Original, are_of_one, pick
from bot.services.dialogue.deletions import Deletions
from bot.services.dialogue.originals import REMEMBERED_COPIES, Originals
from bot.services.locks import Locks
from bot.services.policy import Policy
from bot.services.ports import ProxyRegistry
from bot.services.recent import Recent
from bot.store import proxy_users, turns
from bot.store.statement import Store

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Proxies:
    """Finds the person behind a copy, by its original or by asking PluralKit, and knows who writes that way.

    The original of someone who does waits for its deletion before it is answered. Texts are held in memory only, for
    seconds. `registry` is None where nobody is to be asked.
    """

    store: Store
    policy: Policy
    deletions: Deletions
    registry: ProxyRegistry | None = None
    clock: Clock = utc_now
    originals: Originals = field(init=False, repr=False)
    _known: Recent[int, Authorship] = field(default_factory=lambda: Recent(REMEMBERED_COPIES), init=False, repr=False)
    _locks: Locks = field(default_factory=Locks, init=False, repr=False)
    _contested: list[Heard] = field(default_factory=list, init=False, repr=False)
    _told: Deletions = field(default_factory=Deletions, init=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing was written yet."""
        self.originals = Originals(window=self.policy.proxy_match)

    def note(self, original: Original) -> None:
        """A person has written this in a server, or changed it: it may be replaced."""
        self.originals.note(original)

    def suspects(self, copy: Heard) -> list[Heard]:
        """The copy as from each of those who may be behind it; as it is where only PluralKit could say who."""
        known = self._known.get(copy.message_id)
        authors = [known.user_id] if known else [each.original.author_id for each in self.originals.matches(copy)]
        return [replace(copy, author_id=author_id) for author_id in dict.fromkeys(authors)] or [copy]

    def was_said_to_be(self, copy: Heard) -> list[str]:
        """What those messages said that it may be a copy of."""
        return [text for each in self.originals.matches(copy) for text in self.originals.texts_of(each)]

    async def author_of(self, copy: Heard) -> Authorship | None:
        """Who is behind it; None where nothing proves it, or it is a second copy of the same."""
        async with self._locks.of(copy.message_id):  # the gateway and the channel's history may ask at the same time
            if copy.message_id not in self._known:
                found = await self._by_original(copy)
                if found is None:
                    return None
                self._known[copy.message_id] = found
            return self._known[copy.message_id]

    async def is_withdrawn(self, heard: Heard) -> bool:
        """Whether it was deleted, after a moment in which it may be where its author writes through a proxy bot."""
        if not await self.may_be_replaced(heard):
            return heard.message_id in self.deletions
        left = self.policy.proxy_wait.total_seconds() - self.originals.seconds_since(heard.message_id)
        return await self.deletions.wait([heard.message_id], 1, max(left, 0))

    async def may_be_replaced(self, heard: Heard) -> bool:
        """Whether its author writes through a proxy bot, which could do so in a server alone."""
        is_final = heard.place.is_dm or heard.is_copy
        return not is_final and await self.known_since(heard.author_id) is not None

    async def is_answered(self, copy: Heard) -> bool:
        """Whether the message that it replaces was answered before it was deleted, if only in part: that stands."""
        author = self._known.get(copy.message_id)
        original_id = author.original_id if author else None
        if original_id is None:
            return False
        turn = await self.store.first(turns.get(original_id))
        is_done = turn is not None and turn.state is TurnState.DONE
        return is_done or bool(await self.store.fetch(turns.find_chunks(original_id)))

    async def known_since(self, user_id: int) -> datetime | None:
        """When it was last noted that the person writes through a proxy bot; None where they do not."""
        return next(iter(await self.store.look_up(proxy_users.get(user_id))), None)

    @contextmanager
    def telling_once(self, heard: Heard) -> Iterator[None]:
        """Let no error out that the author of a copy was told at its original already."""
        try:
            yield
        except TzurotError:
            author = self._known.get(heard.message_id)
            if author is not None and author.original_id is not None and author.original_id in self._told:
                log.info("The author of message %d was told already why there is no answer", heard.message_id)
                return
            self._told.note([heard.message_id])
            raise

    async def _by_original(self, copy: Heard) -> Authorship | None:
        if self.originals.matches(copy):
            found = await self._by_deletion(copy) if self._free(copy) else None
            if found is not None or not self._free(copy):
                return found  # or it is a second copy
        return await self._by_registry(copy)

    async def _by_deletion(self, copy: Heard) -> Authorship | None:
        """Wait for the one message that it replaces to go; for all, where they are of several people."""
        self._contested.append(copy)
        try:
            candidates = self._free(copy)
            ids = [each.original.message_id for each in candidates]
            count = 1 if are_of_one(candidates) else len(ids)
            await self.deletions.wait(ids, count, self.policy.proxy_wait.total_seconds())
            gone = [each for each in self._free(copy) if each.original.message_id in self.deletions]
            asked = await self._by_registry(copy) if len(gone) > 1 and not are_of_one(gone) else None
            return asked or self._picked(copy)
        finally:
            self._contested.remove(copy)

    def _picked(self, copy: Heard) -> Authorship | None:
        words, free = copy.content.split(), self._free(copy)
        rivals = [each for each in self._contested if each.place == copy.place and each.content.split() == words]
        gone = {each.original.message_id for each in free if each.original.message_id in self.deletions}
        found = pick(free, gone, rivals.index(copy), len(rivals))
        if found is None:
            return None
        self.originals.take(found)
        return Authorship(found.original.author_id, found.original.message_id)

    def _free(self, copy: Heard) -> list[Match]:
        return [each for each in self.originals.matches(copy) if each.part is not None]

    async def _by_registry(self, copy: Heard) -> Authorship | None:
        if self.registry is None or copy.proxy_id != PLURALKIT:
            return None
        try:
            found = await self.registry.author(copy.message_id)
            if found is None and (left := self._seconds_left(copy)) > 0:  # it may not have been saved there yet
                await asyncio.sleep(left)
                found = await self.registry.author(copy.message_id)
        except UnavailableError as error:
            log.warning("Whose message %d is can't be told: %s", copy.message_id, error.message)
            return None
        self._take(copy, found)
        return found

    def _take(self, copy: Heard, author: Authorship | None) -> None:
        for each in self._free(copy):
            if author is not None and each.original.message_id == author.original_id:
                self.originals.take(each)

    def _seconds_left(self, copy: Heard) -> float:
        age = (self.clock() - snowflake_time(copy.message_id)).total_seconds()
        return self.policy.proxy_wait.total_seconds() - max(age, 0)
