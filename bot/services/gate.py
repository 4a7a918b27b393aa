"""Who may use commands at all."""

from dataclasses import dataclass

from bot.model import Clock, Member, utc_now
from bot.services.policy import Policy
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Stands before every command."""

    store: Store
    policy: Policy
    clock: Clock = utc_now

    async def admit(self, member: Member, command: str) -> bool:
        """Whether to run the command (its full name, such as `auth start`).

        False means a blacklisted user, who is ignored without a word. Raises NotAllowedError, with a sentence of
        its own for an expired login, unless the command is `help` or `auth …` or no login service is configured.
        """
        raise NotImplementedError
