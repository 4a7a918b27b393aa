"""Personalities that answer every message of a channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.errors import ConflictError, NotFoundError
from bot.model import Activation, Clock, Member, Personality, Place, utc_now
from bot.rules.commands.permissions import require_activation, require_deactivation
from bot.rules.wording import quoted
from bot.services.personalities.finding import find
from bot.services.policy import Policy
from bot.store import activations
from bot.store.changes import Edit
from bot.store.statement import Outcome, Store


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

        Raises NotAllowedError without Manage Messages or outside of an NSFW channel, NotFoundError for the name,
        ConflictError if somebody else has decided about the channel in this moment.
        """
        require_activation(member, place)
        personality = await find(self.store, name, self.policy.mention_char)
        before = await self.store.first(activations.get(place.channel_id))
        now = self.clock()
        activation = Activation(place.channel_id, personality.full_name, member.user_id, now)
        seen = before.personality_name if before else None
        _require_seen(await self.store.write(*activations.take_over(activation, seen, Edit(member.user_id, now))))
        is_other = before is not None and before.personality_name != personality.full_name
        return Activated(personality, before.personality_name if before and is_other else None)

    async def deactivate(self, member: Member, place: Place, name: str | None = None) -> str:
        """End it; returns the full name of who answered. Raises NotAllowedError without Manage Messages, NotFoundError.

        With a name it ends only that personality's activation. ConflictError as `activate` raises it.
        """
        require_deactivation(member, place)
        activation = await self.store.first(activations.get(place.channel_id))
        if activation is None:
            raise NotFoundError("No personality is active in this channel.")
        if name is not None:
            await self._require_same(activation, name)
        edit = Edit(member.user_id, self.clock())
        seen = activation.personality_name
        _require_seen(await self.store.write(*activations.end(place.channel_id, seen, edit)))
        return activation.personality_name

    async def _require_same(self, activation: Activation, name: str) -> None:
        personality = await find(self.store, name, self.policy.mention_char)
        if personality.full_name != activation.personality_name:
            wanted, active = quoted(personality.full_name), quoted(activation.personality_name)
            raise NotFoundError(f"{wanted} is not active in this channel; {active} is.")


def _require_seen(outcomes: Sequence[Outcome]) -> None:
    """Refuse to have replaced or ended what nobody has looked at."""
    if not outcomes[-1].count:
        raise ConflictError(
            "In this moment somebody else has changed who answers here.", remedy="Look again before you change it."
        )
