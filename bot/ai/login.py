"""Trades a user's code for a token at the AI service."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from aiohttp import ClientSession

from bot.errors import NotAllowedError, UnavailableError
from bot.model import GrantedToken, Secret
from bot.settings import Settings
from bot.transport import Request, exchange, failure

SERVICE = "The login service"
BAD_CODE = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}


class LoginClient:
    """The login service behind `LoginService`."""

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings

    @property
    def link(self) -> str:
        """The page on which a user authorizes the bot and gets a code."""
        return f"{self._settings.service_website}/authorize?{urlencode({'app_id': self._settings.service_app_id})}"

    async def redeem(self, code: str) -> GrantedToken:
        """The token for a code. Raises NotAllowedError for a bad code, UnavailableError otherwise."""
        reply = await exchange(self._session, self._request(code))
        if reply.status in BAD_CODE:
            raise NotAllowedError(
                f"{SERVICE} did not accept this code.",
                remedy=f"Get a new one with `{self._settings.bot_prefix} auth start`.",
            )
        if not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            raise failure(SERVICE, reply)
        token = reply.body.get("auth_token") if isinstance(reply.body, dict) else None
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise UnavailableError(f"{SERVICE} sent no token that can be used.", remedy="Try again later.")
        return GrantedToken(Secret(token), _moment(reply.body.get("expires_at")))

    def _request(self, code: str) -> Request:
        base = self._settings.service_api_base_url
        if base is None:
            raise UnavailableError(
                "No AI service is configured to log in at.", remedy="The bot's operator sets SERVICE_API_BASE_URL."
            )
        return Request(
            service=SERVICE,
            method="POST",
            url=f"{base}/auth/nonce",
            timeout_seconds=self._settings.login_timeout_seconds,
            headers={"Content-Type": "application/json"},
            body={"app_id": self._settings.service_app_id, "code": code},
        )


def login_client_from(settings: Settings, session: ClientSession) -> LoginClient | None:
    """The client, or None where no login service is configured."""
    return LoginClient(session, settings) if settings.has_login_service else None


def _moment(value: Any) -> datetime | None:
    """An ISO time or milliseconds since 1970; None for anything else, which then gets the usual lifetime."""
    try:
        if isinstance(value, str):
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return None
