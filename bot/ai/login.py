"""Trades a user's code for a token at the AI service."""

from aiohttp import ClientSession

from bot.model import GrantedToken
from bot.settings import Settings


class LoginClient:
    """The login service behind `LoginService`."""

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    @property
    def link(self) -> str:
        """The page on which a user authorizes the bot and gets a code."""
        raise NotImplementedError

    async def redeem(self, code: str) -> GrantedToken:
        """The token for a code. Raises NotAllowedError for a bad code, UnavailableError otherwise."""
        raise NotImplementedError


def login_client_from(settings: Settings, session: ClientSession) -> LoginClient | None:
    """The client, or None where no login service is configured."""
    return LoginClient(session, settings) if settings.has_login_service else None
