"""Users' logins at the AI service."""

from dataclasses import dataclass
from datetime import datetime

from bot.model import Clock, Member, Place, utc_now
from bot.services.policy import Policy
from bot.services.ports import LoginService
from bot.store.cipher import Cipher
from bot.store.statement import Store


@dataclass(frozen=True, slots=True)
class LoginStatus:
    """A user's login; `is_needed` is False where the operator's key serves everyone."""

    is_needed: bool
    is_logged_in: bool = False
    is_expired: bool = False
    created_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Logins:
    """`service` is None where no login service is configured: then all but `status` raise NotAllowedError that says so."""

    store: Store
    cipher: Cipher
    policy: Policy
    service: LoginService | None
    clock: Clock = utc_now

    def start(self, member: Member) -> str:
        """The link on which the user gets a code: send it by direct message."""
        raise NotImplementedError

    async def code(self, member: Member, place: Place, code: str) -> LoginStatus:
        """Trade the code for a token and keep it.

        Raises NotAllowedError outside of a direct message (delete the message that holds the code) and for a bad
        code, UnavailableError where the service failed.
        """
        raise NotImplementedError

    async def status(self, member: Member) -> LoginStatus:
        """Whether the user is logged in, and until when."""
        raise NotImplementedError

    async def revoke(self, member: Member) -> None:
        """Forget the user's token; raises NotFoundError if there is none."""
        raise NotImplementedError
