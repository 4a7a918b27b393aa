"""Users' logins at the AI service."""

from dataclasses import dataclass
from datetime import datetime

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError
from bot.model import Clock, Login, Member, Place, utc_now
from bot.rules.commands.permissions import require_private_place
from bot.services.policy import Policy
from bot.services.ports import LoginService
from bot.store import changes, logins
from bot.store.changes import Action, Edit, Kind
from bot.store.cipher import Cipher
from bot.store.statement import Store

CODE_LIMIT = 512


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
    """`service` is None where no login service is configured: all but `status` then raise NotAllowedError."""

    store: Store
    cipher: Cipher
    policy: Policy
    service: LoginService | None
    clock: Clock = utc_now

    def start(self, member: Member) -> str:  # noqa: ARG002 - one day it may matter who asks
        """The link on which the user gets a code: send it by direct message."""
        return self._service().link

    async def code(self, member: Member, place: Place | None, code: str) -> LoginStatus:
        """Trade the code for a token and keep it; `place` is where the code can be read, None for a form's.

        Raises NotAllowedError for a code that can be read outside of a direct message, and for a bad one,
        UnavailableError where the service failed.
        """
        service = self._service()
        if place is not None:
            require_private_place(place, how=self.policy.command("auth start"))
        granted = await service.redeem(_clean(code))
        now = self.clock()
        expires_at = granted.expires_at or now + self.policy.token_lifetime
        login = Login(member.user_id, granted.token, now, expires_at=expires_at)
        subject = changes.login_subject(member.user_id)
        await self.store.write(
            Edit(member.user_id, now).record(Kind.LOGIN, Action.PUT, subject), logins.put(login, self.cipher)
        )
        return LoginStatus(is_needed=True, is_logged_in=True, created_at=now, expires_at=expires_at)

    async def status(self, member: Member) -> LoginStatus:
        """Whether the user is logged in, and until when."""
        if self.service is None:
            return LoginStatus(is_needed=False)
        dates = await self.store.fetch(logins.find_dates(member.user_id))
        if not dates:
            return LoginStatus(is_needed=True)
        latest = max(dates, key=logins.validity)
        is_valid = logins.validity(latest) > self.clock()
        return LoginStatus(
            is_needed=True,
            is_logged_in=is_valid,
            is_expired=not is_valid,
            created_at=latest.created_at,
            expires_at=latest.expires_at,
        )

    async def revoke(self, member: Member) -> None:
        """Forget every token of the user's; raises NotFoundError if there is none."""
        self._service()
        edit = Edit(member.user_id, self.clock())
        _, forgotten = await self.store.write(edit.record_logins(), logins.delete_all(member.user_id))
        if not forgotten.count:
            raise NotFoundError("You are not logged in, so there is nothing to forget.")

    def _service(self) -> LoginService:
        if self.service is None:
            raise NotAllowedError("Nobody needs to log in here: the operator's key serves everyone.")
        return self.service


def _clean(code: str) -> str:
    """The code without what people put around it: spaces, spoiler bars, code marks."""
    code = code.strip().strip("|`").strip()
    if not code or len(code) > CODE_LIMIT or not code.isprintable():
        raise InvalidInputError("This does not look like a login code.")
    return code
