"""Who may use commands at all."""

from dataclasses import dataclass

from bot.model import Clock, Member, Place, utc_now
from bot.rules.commands.permissions import require_login, require_saving
from bot.rules.commands.terms import require_terms, terms_of
from bot.rules.moderation import is_barred
from bot.services.policy import Policy
from bot.services.ports import Replication
from bot.store import blacklist, logins
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Stands before every command, by the terms of `rules.commands.terms`."""

    store: Store
    policy: Policy
    replication: Replication | None = None
    clock: Clock = utc_now

    async def admit(self, member: Member, command: str, place: Place) -> bool:
        """Whether to run the command (its full name, such as `auth start`).

        False means someone barred, who is ignored without a word. Raises NotAllowedError for who may not use it
        or not here, with a sentence of its own for an expired login (none is needed where no login service is
        configured), and UnavailableError for what would have to be saved while nothing is accepted.
        """
        terms = terms_of(command)
        bans = await self.store.look_up(blacklist.find_barring(member.user_id, place.guild_id, self.clock()))
        if is_barred(bans, member, command, self.policy.owner_id):
            return False
        if self.replication is not None and not terms.is_reading:
            require_saving(is_read_only=self.replication.state.is_read_only)
        if self.policy.has_login_service and terms.needs_login:
            await self._require_login(member)
        require_terms(terms, member, place, self.policy.owner_id)
        return True

    async def _require_login(self, member: Member) -> None:
        dates = await self.store.look_up(logins.find_dates(member.user_id))
        latest = max(dates, key=logins.validity, default=None)
        require_login(
            is_present=latest is not None,
            expires_at=latest.expires_at if latest else None,
            now=self.clock(),
            how=self.policy.command("auth start"),
        )
