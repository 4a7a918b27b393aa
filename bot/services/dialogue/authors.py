"""A copy is heard as from the person behind it, or not at all; and what a copy replaces is not answered beside it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from bot.errors import NotAllowedError
from bot.model import NOBODY, Heard, Turn, snowflake_time
from bot.services.dialogue.decision import Decider
from bot.services.dialogue.intervals import OnceInAWhile
from bot.services.dialogue.proxies import Proxies
from bot.services.ports import Written
from bot.store import conversations, proxy_users, situation
from bot.store.statement import Store

REMEMBER_AGAIN = timedelta(days=1)


@dataclass(slots=True, kw_only=True, eq=False)
class Authors:
    """Says who has written a message of which only a copy is left."""

    proxies: Proxies
    decider: Decider
    _told: OnceInAWhile = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Nobody was told anything yet."""
        self._told = OnceInAWhile(self.proxies.clock)

    @property
    def store(self) -> Store:
        """The state."""
        return self.proxies.store

    async def is_addressed(self, copy: Heard) -> bool:
        """Whether somebody answers it, whichever of those it is who may be behind it."""
        suspects = self.proxies.suspects(copy)
        for suspect in suspects:
            if await self.decider.addressee(suspect) is not None:
                return True
        return suspects[0].author_id == NOBODY and await self._is_conversation_running(copy)

    async def find(self, copy: Heard) -> Heard | None:
        """The copy as from its author; None where nothing says who that is."""
        author = await self.proxies.author_of(copy)
        if author is None:
            return None
        await self._remember(author.user_id)
        return replace(copy, author_id=author.user_id)

    async def give_missed(
        self, written: Sequence[Written], turns: Mapping[int, Turn], unheard: Collection[int]
    ) -> list[Written]:
        """What was written while nobody listened, with each copy as from its author, where there is one to be found.

        By its turn, if it has one; else by asking, if it is one of the `unheard`.
        """
        found: list[Written] = []
        for entry in written:
            if not isinstance(entry, Heard) or not entry.is_copy:
                found.append(entry)
            elif (turn := turns.get(entry.message_id)) is not None:
                found.append(replace(entry, author_id=turn.user_id))
            elif entry.message_id in unheard and (given := await self._missed(entry)) is not None:
                found.append(given)
        return found

    async def _missed(self, copy: Heard) -> Heard | None:
        found = await self.find(copy) if await self.is_addressed(copy) else None
        return None if found is None or await self.proxies.is_answered(found) else found

    async def is_withdrawn(self, heard: Heard) -> bool:
        """Whether it was deleted, after a moment in which a proxy bot may do so; nobody waits where nobody answers.

        Before anything is decided: what its author is told once in a while, they are to be told at the copy.
        """
        if heard.message_id in self.proxies.deletions:
            return True
        if not await self.proxies.may_be_replaced(heard) or await self.decider.addressee(heard) is None:
            return False
        return await self.proxies.is_withdrawn(heard)

    async def decline_command(self, copy: Heard) -> None:
        """Raise why a command in a copy is not carried out, unless its author is banned or was told a moment ago.

        A command needs the account itself: what it may do is asked of Discord by the message that gives it.
        """
        for suspect in self.proxies.suspects(copy):
            if suspect.author_id == NOBODY or not await self._may_tell(suspect):
                return
        raise NotAllowedError(
            "I take commands only from your own account, not from what a proxy has posted for you.",
            remedy="Send it without your proxy's tags, or use the slash command.",
        )

    async def _may_tell(self, suspect: Heard) -> bool:
        (known,) = await self.store.look_up(situation.find(suspect, self.proxies.clock()))
        interval = self.decider.policy.refusal_interval
        return not known.is_blacklisted and self._told.may_say(interval, suspect.place.channel_id, suspect.author_id)

    async def _is_conversation_running(self, copy: Heard) -> bool:
        """Whether somebody has a conversation there that goes on without their calling anyone."""
        since = snowflake_time(copy.message_id) - self.decider.policy.auto_response_lifetime
        return bool(await self.store.look_up(conversations.find_going_on(copy.place.channel_id, since)))

    async def _remember(self, user_id: int) -> None:
        """Once a day is enough, as it is kept for a month."""
        known = await self.proxies.known_since(user_id)
        if known is None or self.proxies.clock() - known >= REMEMBER_AGAIN:
            await self.store.write(proxy_users.put(user_id, self.proxies.clock()))
