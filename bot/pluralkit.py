"""Asks PluralKit which person is behind a message that it has posted again."""

import asyncio
import re
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from aiohttp import ClientSession

from bot.errors import UnavailableError
from bot.model import Authorship
from bot.services.recent import Recent
from bot.settings import Settings
from bot.transport import Reply, Request, exchange, failure

SERVICE = "PluralKit"
USER_AGENT = "Tzurot (a Discord bot; asks only for messages that nobody else could tell it the author of)"
REMEMBERED = 1000
SNOWFLAKE = re.compile("[0-9]{1,19}")


class PluralKitClient:
    """PluralKit's API behind `ProxyRegistry`: one request at a time, an interval apart, each answer asked for once.

    Where it wants to be left alone, it is, by whoever asks meanwhile too.
    """

    def __init__(self, session: ClientSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._one_at_a_time = asyncio.Lock()
        self._not_before = 0.0
        self._known: Recent[int, Authorship] = Recent(REMEMBERED)

    async def author(self, message_id: int) -> Authorship | None:
        """Who wrote it; None where PluralKit knows nothing of it. Raises UnavailableError."""
        async with self._one_at_a_time:
            if message_id not in self._known:
                found = _authorship(await self._ask(message_id))
                if found is None:
                    return None
                self._known[message_id] = found
            return self._known[message_id]

    async def _ask(self, message_id: int) -> Reply:
        """Once more where it was asked too often and does not want to be left alone for long."""
        reply = await self._request(message_id)
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            wait = _wait_seconds(reply)
            self._not_before = asyncio.get_running_loop().time() + wait
            if wait <= self._settings.pluralkit_timeout_seconds:
                reply = await self._request(message_id)
        return reply

    async def _request(self, message_id: int) -> Reply:
        loop, settings = asyncio.get_running_loop(), self._settings
        wait = max(self._not_before - loop.time(), 0)
        if wait > settings.pluralkit_timeout_seconds:
            raise UnavailableError(f"{SERVICE} wants to be left alone for a while.", remedy="Try again later.")
        await asyncio.sleep(wait)
        self._not_before = loop.time() + settings.pluralkit_interval_seconds
        return await exchange(
            self._session,
            Request(
                service=SERVICE,
                method="GET",
                url=f"{settings.pluralkit_api_base}/messages/{quote(str(message_id))}",
                timeout_seconds=settings.pluralkit_timeout_seconds,
                headers={"User-Agent": USER_AGENT},
            ),
        )


def pluralkit_client_from(settings: Settings, session: ClientSession) -> PluralKitClient | None:
    """The client, or None where the operator wants nothing to be asked."""
    return PluralKitClient(session, settings) if settings.pluralkit_lookup else None


def _authorship(reply: Reply) -> Authorship | None:
    if reply.status == HTTPStatus.NOT_FOUND:
        return None
    if reply.status != HTTPStatus.OK:
        raise failure(SERVICE, reply)
    body = reply.body if isinstance(reply.body, dict) else {}
    sender = _snowflake(body.get("sender"))
    if sender is None:
        raise UnavailableError(f"{SERVICE} sent an answer that can't be read.", remedy="Try again later.")
    return Authorship(sender, _snowflake(body.get("original")))


def _wait_seconds(reply: Reply) -> float:
    """Its own field counts milliseconds."""
    own = reply.body.get("retry_after") if isinstance(reply.body, dict) else None
    if isinstance(own, int | float) and own > 0:
        return own / 1000
    return reply.retry_after_seconds or 1.0


def _snowflake(value: Any) -> int | None:
    text = str(value) if isinstance(value, str | int) else ""
    number = int(text) if SNOWFLAKE.fullmatch(text) else 0
    return number if 0 < number < 2**63 else None
