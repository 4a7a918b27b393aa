"""PluralKit's API on loopback: who is behind a message that a proxy wrote."""

import asyncio
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.sandbox.discord.failures import Failure
from bot.sandbox.discord.faults import Fault, Faults
from bot.sandbox.discord.model import JSON, Message, iso
from bot.sandbox.listener import Listener

BASE = "/v2"
ROUTE = "/messages/{message_id}"


@dataclass(slots=True)
class PluralKitSandbox:
    """Knows every message that a PluralKit of this Discord has proxied, by the id of the copy and of the original.

    `faults` are planned for GET /messages/{message_id}; `requests` are the ids that were asked for.
    """

    faults: Faults = field(default_factory=Faults)
    requests: list[int] = field(default_factory=list)
    _records: dict[int, JSON] = field(default_factory=dict)
    _listener: Listener = field(init=False)

    def __post_init__(self) -> None:
        """Make its server."""
        application = web.Application()
        application.router.add_get(BASE + ROUTE, self._serve)
        self._listener = Listener(application)

    @property
    def api_base(self) -> str:
        """Its address."""
        return f"http://{self._listener.address}{BASE}"

    def note(self, original: Message, copy: Message) -> None:
        """Know a message that was proxied."""
        self._records[copy.id] = self._records[original.id] = {
            "timestamp": iso(copy.sent_at),
            "id": str(copy.id),
            "original": str(original.id),
            "sender": str(original.author.id),
            "channel": str(copy.channel_id),
            "guild": str(copy.guild_id),
            "system": {"id": "abcde", "uuid": "00000000-0000-0000-0000-000000000001", "name": None},
            "member": {"id": "fghij", "uuid": "00000000-0000-0000-0000-000000000002", "name": copy.author.name},
        }

    def forget(self, message: Message) -> None:
        """Know nothing of it any more, as after a person's request to delete their data."""
        self._records = {key: value for key, value in self._records.items() if value["id"] != str(message.id)}

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        await self._listener.wait_while_silent()
        fault = self.faults.take("GET", ROUTE) or Fault("GET", ROUTE)
        if fault.is_hung:
            await asyncio.Event().wait()
        await asyncio.sleep(fault.delay_seconds)
        if fault.is_cut and request.transport is not None:
            request.transport.abort()
        if fault.failure is not None:
            return _refusal(fault.failure)
        message_id = int(request.match_info["message_id"])
        self.requests.append(message_id)
        record = self._records.get(message_id)
        if record is None:
            return web.json_response({"message": "Message not found.", "code": 20006}, status=404)
        return web.json_response(record)

    async def start(self) -> None:
        """Accept connections."""
        await self._listener.start()

    async def go_offline(self) -> None:
        """An outage of PluralKit alone."""
        self._listener.stop()

    async def go_online(self) -> None:
        """Its end."""
        await self._listener.start()

    async def close(self) -> None:
        """End everything."""
        await self._listener.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        await self.close()


def _refusal(failure: Failure) -> web.Response:
    body: Any = {"message": f"{failure.status}: made to fail", "code": 0}
    if "Retry-After" in failure.headers:
        body["retry_after"] = int(failure.body["retry_after"] * 1000)
    return web.json_response(body, status=failure.status, headers=failure.headers)
