"""Personalities that answer every message of a channel."""

from dataclasses import dataclass

from bot.errors import NotFoundError
from bot.model import Activation, Clock, Member, Personality, Place, utc_now
from bot.rules.permissions import require_activation, require_deactivation
from bot.services.finding import find
from bot.services.policy import Policy
from bot.store import activations
from bot.store.changes import Action, Edit, Kind
from bot.store.statement import Store


@dataclass(frozen=True, slots=True)
class Activated:
    """Who answers the channel now, and the full name of who did before."""

    personality: Personality
    replaced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Activations:
    """Turns a channel over to a personality, and back."""

    store: Store
    policy: Policy
    clock: Clock = utc_now

    async def activate(self, member: Member, place: Place, name: str) -> Activated:
        """Let a personality, by name or alias, answer every message here.

        Raises NotAllowedError without Manage Messages or outside of an NSFW channel, NotFoundError for the name.
        """
        require_activation(member, place)
        personality = await find(self.store, name, self.policy.mention_char)
        before = await self.store.first(activations.get(place.channel_id))
        now = self.clock()
        await self.store.write(
            Edit(member.user_id, now).record(Kind.ACTIVATION, Action.PUT, place.channel_id),
            activations.put(Activation(place.channel_id, personality.full_name, member.user_id, now)),
        )
        is_other = before is not None and before.personality_name != personality.full_name
        return Activated(personality, before.personality_name if before and is_other else None)

    async def deactivate(self, member: Member, place: Place, name: str | None = None) -> str:
        """End it; returns the full name of who answered. Raises NotAllowedError without Manage Messages, NotFoundError.

        With a name it ends only that personality's activation.
        """
        require_deactivation(member, place)
        activation = await self.store.first(activations.get(place.channel_id))
        if activation is None:
            raise NotFoundError("No personality is active in this channel.")
        if name is not None:
            await self._require_same(activation, name)
        await self.store.write(
            Edit(member.user_id, self.clock()).record(Kind.ACTIVATION, Action.DELETE, place.channel_id),
            activations.delete(place.channel_id),
        )
        return activation.personality_name

    async def _require_same(self, activation: Activation, name: str) -> None:
        personality = await find(self.store, name, self.policy.mention_char)
        if personality.full_name != activation.personality_name:
            raise NotFoundError(
                f"“{personality.full_name}” is not active in this channel; “{activation.personality_name}” is."
            )
