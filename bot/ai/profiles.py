"""Asks the profile endpoint for a personality's name, avatar and error text."""

import asyncio
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession

from bot.errors import NotFoundError, UnavailableError
from bot.model import Profile
from bot.rules.wording import quoted
from bot.settings import Settings
from bot.transport import Reply, Request, exchange, failure

SERVICE = "The profile service"


class ProfileClient:
    """The profile endpoint behind `ProfileSource`: one request at a time, an interval apart."""

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._not_before = 0.0

    async def fetch(self, full_name: str) -> Profile:
        """The profile. Raises NotFoundError for an unknown name, UnavailableError otherwise."""
        async with self._one_at_a_time:
            reply = await self._request(full_name)
        if reply.status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(
                f"No personality is called {quoted(full_name)}.", remedy="Check how its name is spelled."
            )
        if reply.status != HTTPStatus.OK:
            raise failure(SERVICE, reply)
        if not isinstance(reply.body, dict):
            raise UnavailableError(f"{SERVICE} sent a profile that can't be read.", remedy="Try again later.")
        return _profile(full_name, reply.body)

    async def _request(self, full_name: str) -> Reply:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(self._not_before - loop.time(), 0))
        try:
            return await exchange(
                self._session,
                Request(
                    service=SERVICE,
                    method="GET",
                    url=f"{self._settings.profile_info_endpoint}/{quote(full_name, safe='')}",
                    timeout_seconds=self._settings.profile_timeout_seconds,
                ),
            )
        finally:
            self._not_before = loop.time() + self._settings.profile_interval_seconds


def profile_client_from(settings: Settings, session: ClientSession) -> ProfileClient | None:
    """The client, or None where no profile endpoint is configured."""
    return ProfileClient(session, settings) if settings.profile_info_endpoint else None


def _profile(full_name: str, body: dict[str, Any]) -> Profile:
    avatar = _text(body.get("avatar_url")) or _text(body.get("avatar"))
    return Profile(
        full_name=full_name,
        display_name=" ".join((_text(body.get("name")) or full_name).split()),
        avatar_url=avatar if avatar and avatar.startswith(("https://", "http://")) else None,
        error_message=_text(body.get("error_message")),
    )


def _text(value: Any) -> str | None:
    return value.replace("\x00", "").strip() or None if isinstance(value, str) else None
