"""Personalities that answer every message of a channel."""

from dataclasses import dataclass

from bot.model import Clock, Member, Personality, Place, utc_now
from bot.services.policy import Policy
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
        raise NotImplementedError

    async def deactivate(self, member: Member, place: Place, name: str | None = None) -> str:
        """End it; returns the full name of who answered. Raises NotAllowedError without Manage Messages, NotFoundError.

        With a name it ends only that personality's activation.
        """
        raise NotImplementedError
