"""What an administrator needs to see where personalities do not answer; no secret and no text is among it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.model import Activation, Ban, Clock, Member, Place, ReplicationState, Turn, utc_now
from bot.rules.commands.permissions import is_owner
from bot.services.dialogue.dialogue import Dialogue
from bot.services.people.moderation import Moderation
from bot.services.policy import Policy
from bot.services.ports import Replication
from bot.store import activations, logins, turns, verifications, webhooks
from bot.store.statement import Store

LOOKED_BACK = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Account:
    """A user's login and verification; `expires_at` counts where there is a login."""

    has_login: bool
    expires_at: datetime | None
    is_expired: bool
    is_verified: bool


@dataclass(frozen=True, slots=True)
class Patient:
    """A user who gets no answer; `account` is None where whoever asks may not see it."""

    user_id: int
    bans: tuple[Ban, ...]
    account: Account | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a place: who answers everything, how many wait, the last answer, its webhook, and the copy."""

    activation: Activation | None
    waiting: int
    last_turn: Turn | None
    webhook_id: int | None
    replication: ReplicationState
    patient: Patient | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """Looks, and changes nothing."""

    store: Store
    policy: Policy
    dialogue: Dialogue
    moderation: Moderation
    replication: Replication | None = None
    clock: Clock = utc_now

    async def look(self, member: Member, place: Place, user_id: int | None) -> Findings:
        """Everything about the place, and about a user there; logins are only the bot's owner's to see."""
        last_turn = await self.store.first(turns.find_last(place.channel_id, self.clock() - LOOKED_BACK))
        webhook_id = await self.store.first(webhooks.get_id(place.webhook_channel_id))
        return Findings(
            activation=await self._activation(place),
            waiting=self.dialogue.waiting(place.channel_id),
            last_turn=last_turn,
            webhook_id=webhook_id,
            replication=self.replication.state if self.replication else ReplicationState(is_configured=False),
            patient=None if user_id is None else await self._examine(member, place, user_id),
        )

    async def _activation(self, place: Place) -> Activation | None:
        """A thread's own, else its channel's."""
        own = await self.store.first(activations.get(place.channel_id))
        if own is not None or place.parent_id is None:
            return own
        return await self.store.first(activations.get(place.parent_id))

    async def _examine(self, member: Member, place: Place, user_id: int) -> Patient:
        bans = await self.moderation.check(member, place, user_id)
        may_see = is_owner(member, self.policy.owner_id)
        return Patient(user_id, tuple(bans), await self._account(user_id) if may_see else None)

    async def _account(self, user_id: int) -> Account:
        dates = await self.store.fetch(logins.find_dates(user_id))
        latest = max(dates, key=logins.validity, default=None)
        verification = await self.store.first(verifications.get(user_id))
        return Account(
            has_login=latest is not None,
            expires_at=latest.expires_at if latest else None,
            is_expired=latest is not None and logins.validity(latest) <= self.clock(),
            is_verified=verification is not None and verification.is_verified,
        )
