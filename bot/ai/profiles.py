"""Asks the profile endpoint for a personality's name, avatar and error text."""

from aiohttp import ClientSession

from bot.model import Profile
from bot.settings import Settings


class ProfileClient:
    """The profile endpoint behind `ProfileSource`: one request at a time, an interval apart."""

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    async def fetch(self, full_name: str) -> Profile:
        """The profile. Raises NotFoundError for an unknown name, UnavailableError otherwise."""
        raise NotImplementedError


def profile_client_from(settings: Settings, session: ClientSession) -> ProfileClient | None:
    """The client, or None where no profile endpoint is configured."""
    return ProfileClient(session, settings) if settings.profile_info_endpoint else None
