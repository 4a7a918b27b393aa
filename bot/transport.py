"""One HTTP exchange with a service, its failures turned into sentences for a person."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import aiohttp
import orjson
from aiohttp import ClientSession, ClientTimeout

from bot.errors import UnavailableError

log = logging.getLogger(__name__)

BODY_LIMIT_BYTES = 512 * 1024
"""Four megabytes took a second to cut into two thousand messages, while nobody else was heard."""
LONGEST_WAIT_SECONDS = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent; `service` is what the service is called in sentences, such as "The AI service"."""

    service: str
    method: str
    url: str
    timeout_seconds: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back; `body` is None where it is no JSON."""

    status: int
    body: Any = field(repr=False)
    retry_after_seconds: float | None = None


async def exchange(session: ClientSession, request: Request) -> Reply:
    """Send once and read the whole reply; raises UnavailableError for whatever keeps it from coming.

    A connection that was refused is tried a second time: nothing had been sent, so nothing can be charged twice.
    """
    try:
        async with asyncio.timeout(request.timeout_seconds):
            try:
                return await _send(session, request)
            except aiohttp.ClientConnectorError:
                return await _send(session, request)
    except TimeoutError:
        raise UnavailableError(
            f"{request.service} did not answer within {request.timeout_seconds:g} seconds.", remedy="Try again later."
        ) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        log.warning("%s can't be reached: %s", request.service, type(error).__name__)
        raise UnavailableError(f"{request.service} can't be reached.", remedy="Try again later.") from None


def failure(service: str, reply: Reply) -> UnavailableError:
    """The sentence for a status that means nothing special to the caller."""
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitedError(service, reply.retry_after_seconds)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return UnavailableError(f"{service} has a problem of its own ({reply.status}).", remedy="Try again later.")
    return UnavailableError(
        f"{service} did not accept the request ({reply.status}).", remedy="The bot's operator should look into it."
    )


class RateLimitedError(UnavailableError):
    """The service wants to be left alone for a while."""

    def __init__(self, service: str, retry_after_seconds: float | None) -> None:
        super().__init__(f"{service} is asked too often at the moment.", remedy=_wait_sentence(retry_after_seconds))
        self.retry_after_seconds = retry_after_seconds


def seconds_until_retry(header: str | None, now: datetime) -> float | None:
    """What a Retry-After header says, in seconds or as a date; None where it says nothing sensible."""
    if header is None:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS) if seconds == seconds else None  # noqa: PLR0124 - NaN


async def _send(session: ClientSession, request: Request) -> Reply:
    # Redirects are not followed: they would carry the user's token to wherever they point.
    async with session.request(
        request.method,
        request.url,
        headers=request.headers,
        data=None if request.body is None else orjson.dumps(request.body),
        allow_redirects=False,
        timeout=ClientTimeout(total=None),
    ) as response:
        body = await _read(response, request.service)
        wait = seconds_until_retry(response.headers.get("Retry-After"), datetime.now(UTC))
        return Reply(response.status, body, wait)


async def _read(response: aiohttp.ClientResponse, service: str) -> Any:
    content = bytearray()
    async for part in response.content.iter_chunked(65_536):
        content += part
        if len(content) > BODY_LIMIT_BYTES:
            raise UnavailableError(f"{service} sent far too long a reply.", remedy="Try again later.")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _wait_sentence(seconds: float | None) -> str:
    if seconds is None:
        return "Try again in a minute."
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"Try again in {max(round(seconds + 0.5), 1)} seconds."
    return f"Try again in {round(seconds / 60 + 0.5)} minutes."
