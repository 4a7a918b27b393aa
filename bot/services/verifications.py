"""Users' age verification."""

from dataclasses import dataclass

from bot.model import Clock, Member, Place, Verification, utc_now
from bot.services.policy import Policy
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifications:
    """Records who is of age, by Discord's own word: only adults see NSFW channels."""

    store: Store
    policy: Policy
    clock: Clock = utc_now

    async def verify(self, member: Member, place: Place) -> Verification:
        """Record the member as verified.

        Raises NotAllowedError unless this is an NSFW channel or the member can see one.
        """
        raise NotImplementedError
