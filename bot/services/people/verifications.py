"""Users' age verification."""

from dataclasses import dataclass

from bot.model import Clock, Member, Place, Verification, utc_now
from bot.rules.commands.permissions import require_age_proof
from bot.services.policy import Policy
from bot.store import verifications
from bot.store.changes import Action, Edit, Kind
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
        require_age_proof(member, place)
        now = self.clock()
        verification = Verification(
            user_id=member.user_id, is_verified=True, recorded_at=now, verified_at=now, verified_by=member.user_id
        )
        await self.store.write(
            Edit(member.user_id, now).record(Kind.VERIFICATION, Action.PUT, member.user_id),
            verifications.put(verification),
        )
        return verification
