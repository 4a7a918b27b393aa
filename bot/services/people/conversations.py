"""What a user decides about their own conversations: whether they go on by themselves, and that one is over."""

from dataclasses import dataclass

from bot.model import EVERY_PERSONALITY, Clock, Member, Place, utc_now
from bot.services.personalities.finding import find
from bot.services.policy import Policy
from bot.store import conversations, preferences
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversations:
    """Automatic answers count everywhere; a reset counts in one channel."""

    store: Store
    policy: Policy
    clock: Clock = utc_now

    async def goes_on(self, member: Member) -> bool:
        """Whether automatic answers are on for the member."""
        return bool(await self.store.fetch(preferences.has_auto_response(member.user_id)))

    async def turn_on(self, member: Member) -> bool:
        """After one mention, keep answering the member; whether that is new."""
        (outcome,) = await self.store.write(preferences.enable_auto_response(member.user_id, self.clock()))
        return bool(outcome.count)

    async def turn_off(self, member: Member) -> bool:
        """Answer the member only when asked; whether that is new."""
        (outcome,) = await self.store.write(preferences.disable_auto_response(member.user_id))
        return bool(outcome.count)

    async def reset(self, member: Member, place: Place, name: str | None, message_id: int) -> str | None:
        """End the member's conversation here, with that personality or with whoever it is; returns the full name.

        None where there was none yet; an answer that is still on its way to a message before `message_id`, which asks
        for this, begins none. Raises NotFoundError for the name.
        """
        full_name = EVERY_PERSONALITY
        if name is not None:
            full_name = (await find(self.store, name, self.policy.mention_char)).full_name
        forgotten, _ = await self.store.write(
            *conversations.forget(place.channel_id, member.user_id, message_id, full_name)
        )
        return str(forgotten.rows[0]["personality_name"]) if forgotten.rows else None
