"""What people want of a message that a personality spoke: to know whose it is, and to have it taken away."""

from dataclasses import dataclass
from datetime import datetime

from bot.errors import NotFoundError
from bot.model import Mapping, Member, Personality, Place, snowflake_time
from bot.rules.commands.permissions import require_deletion
from bot.services.answers.rewriting import Rewriting
from bot.store import aliases, messages, personalities, turns
from bot.store.changes import Action, Edit, Kind
from bot.store.statement import Statement, Store


@dataclass(frozen=True, slots=True)
class Origin:
    """Who spoke a message, and to whom; `question_id` is the message that it answers, as long as that is known."""

    personality: Personality
    aliases: tuple[str, ...]
    asked_by: int
    said_at: datetime
    channel_id: int
    question_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Finds out about answers, and has them deleted."""

    rewriting: Rewriting

    @property
    def store(self) -> Store:
        """The state."""
        return self.rewriting.store

    async def find(self, message_id: int) -> Mapping | None:
        """Who spoke a message and to whom, by one key; None for a message that no personality spoke."""
        found = await self.store.look_up(messages.get(message_id))
        return found[0] if found else None

    async def get(self, message_id: int) -> Mapping:
        """The same; raises NotFoundError."""
        mapping = await self.find(message_id)
        if mapping is None:
            raise NotFoundError("I don't know that message.", remedy="Choose one that a personality has spoken.")
        return mapping

    async def trace(self, message_id: int) -> Origin:
        """Whose message it is, however old, also of a personality that was removed; raises NotFoundError."""
        mapping = await self.get(message_id)
        personality = await self.store.first(personalities.get_by_id(mapping.personality_id))
        if personality is None:
            raise NotFoundError("Whoever spoke this, I don't know them any more.")
        turn = await self.store.first(turns.find_by_sent(message_id))
        names = await self.store.fetch(aliases.find_by_personality(personality.full_name))
        return Origin(
            personality=personality,
            aliases=tuple(alias.alias for alias in names),
            asked_by=mapping.user_id,
            said_at=mapping.sent_at or snowflake_time(message_id),
            channel_id=mapping.channel_id,
            question_id=turn.message_id if turn else None,
        )

    async def delete(self, member: Member, place: Place, message_id: int) -> None:
        """Delete the whole answer of which the message is a part, and send nothing more of it.

        Of one that is older than turns are kept, that is the message alone. Raises NotFoundError, NotAllowedError for
        whoever it did not answer unless they moderate, and UnavailableError where Discord does not do it now.
        """
        mapping = await self.get(message_id)
        require_deletion(member, place, mapping)
        records = [] if member.user_id == mapping.user_id else [self._record(member, message_id)]
        turn = await self.store.first(turns.find_by_sent(message_id))
        if turn is not None:
            await self.rewriting.remove(turn.message_id, records)
            return
        if records:
            await self.rewriting.commit(*records)
        await self.rewriting.take_away(place, message_id)

    def _record(self, member: Member, message_id: int) -> Statement:
        """A moderator deletes what was said to somebody else, which is an administrative act."""
        edit = Edit(member.user_id, self.rewriting.delivery.clock())
        return edit.record(Kind.MESSAGE, Action.DELETE, message_id)
