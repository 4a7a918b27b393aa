"""Who may use commands at all."""

from dataclasses import dataclass

from bot.model import Clock, Member, utc_now
from bot.rules.permissions import is_reading, needs_login, require_login, require_saving
from bot.services.policy import Policy
from bot.services.ports import Replication
from bot.store import blacklist, logins
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Stands before every command."""

    store: Store
    policy: Policy
    replication: Replication | None = None
    clock: Clock = utc_now

    async def admit(self, member: Member, command: str) -> bool:
        """Whether to run the command (its full name, such as `auth start`).

        False means a blacklisted user, who is ignored without a word. Raises NotAllowedError, with a sentence of
        its own for an expired login, unless the command is `help` or `auth …` or no login service is configured, and
        UnavailableError for what would have to be saved while nothing is accepted.
        """
        if await self.store.look_up(blacklist.get(member.user_id)):
            return False
        if self.replication is not None and not is_reading(command):
            require_saving(is_read_only=self.replication.state.is_read_only)
        if self.policy.has_login_service and needs_login(command):
            dates = await self.store.look_up(logins.find_dates(member.user_id))
            latest = max(dates, key=logins.validity, default=None)
            require_login(
                is_present=latest is not None,
                expires_at=latest.expires_at if latest else None,
                now=self.clock(),
                how=self.policy.command("auth start"),
            )
        return True
