"""The front of the REST API: token, rate limits, faults, bodies, errors and the log of requests."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from bot.sandbox.discord import (
    application_routes,
    guild_routes,
    interaction_routes,
    message_routes,
    reaction_routes,
    webhook_routes,
)
from bot.sandbox.discord.call import Answer, Call, Handler
from bot.sandbox.discord.failures import Failure, bad_json, no_route, unauthorized
from bot.sandbox.discord.faults import Fault, Faults
from bot.sandbox.discord.limits import RateLimits
from bot.sandbox.discord.model import Exchange, Request, Upload
from bot.sandbox.discord.state import State
from bot.sandbox.listener import Listener
from bot.sandbox.moments import Moment, Watcher

BASE = "/api/v10"
ROUTES: dict[tuple[str, str], Handler] = {
    **interaction_routes.ROUTES,  # before the webhooks': @original is no message id
    **webhook_routes.ROUTES,
    **message_routes.ROUTES,
    **reaction_routes.ROUTES,
    **guild_routes.ROUTES,
    **application_routes.ROUTES,
}
WITHOUT_TOKEN = ("/webhooks/{webhook_id}/{webhook_token}", "/interactions/", "/gateway")
SECRET_PARAMETERS = ("webhook_token", "interaction_token")

AioHandler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request with its route, and the fault that hits it."""

    request: web.Request
    route: str
    handler: Handler
    fault: Fault | None


@dataclass(slots=True, eq=False)
class Rest:
    """Serves the routes, and remembers what was asked."""

    state: State
    faults: Faults
    limits: RateLimits
    gateway_url: str = ""
    listener: Listener | None = None
    requests: list[Request] = field(default_factory=list)
    observer: Callable[[Exchange], None] | None = None
    watcher: Watcher | None = None

    def add_to(self, application: web.Application) -> None:
        """Register every route."""
        for (method, route), handler in ROUTES.items():
            application.router.add_route(method, BASE + route, self._serve(route, handler))
        gateway = self._serve("/gateway", lambda state, call: Answer({"url": self.gateway_url}))  # noqa: ARG005
        application.router.add_get(BASE + "/gateway", gateway)
        application.router.add_get(BASE + "/gateway/bot", self._serve("/gateway/bot", self._gateway_bot))
        application.router.add_route("*", "/{rest:.*}", self._serve("?", _nowhere))

    def _gateway_bot(self, state: State, call: Call) -> Answer:
        del state, call
        limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 1}
        return Answer({"url": self.gateway_url, "shards": 1, "session_start_limit": limit})

    def _serve(self, route: str, handler: Handler) -> AioHandler:
        async def serve(request: web.Request) -> web.StreamResponse:
            if self.listener is not None:
                await self.listener.wait_while_silent()
            fault = self.faults.take(request.method, route)
            if fault is not None and fault.is_hung:
                await asyncio.Event().wait()
            return await self._answer(Incoming(request, route, handler, fault))

        return serve

    async def _answer(self, incoming: Incoming) -> web.StreamResponse:
        request, fault = incoming.request, incoming.fault
        call = Call(dict(request.match_info), dict(request.query))
        headers: dict[str, str] = {}
        try:
            call = await _read(request)
            answer = self._perform(incoming, call, headers)
        except Failure as failure:
            answer = Answer(failure.body, failure.status)
            headers |= failure.headers
        self._remember(incoming, call, answer)
        if fault is not None and fault.delay_seconds:
            await asyncio.sleep(fault.delay_seconds)
        if fault is not None and fault.is_cut and request.transport is not None:
            request.transport.abort()
        return _response(answer, headers)

    def _perform(self, incoming: Incoming, call: Call, headers: dict[str, str]) -> Answer:
        """Do what was asked; `headers` get the rate limit's."""
        request, route, fault = incoming.request, incoming.route, incoming.fault
        self._authorize(request, route)
        headers |= self.limits.take(request.method, route, dict(call.parameters))
        self._take_hidden_limit(request, route, call)
        if fault is not None and fault.failure is not None and not fault.is_done:
            raise fault.failure
        watched = f"{request.method} {route}"
        if self.watcher is not None and self.watcher(watched, Moment.ARRIVED):
            raise Failure(503, 0, "503: nobody is there any more")
        answer = incoming.handler(self.state, call)
        if self.watcher is not None:
            self.watcher(watched, Moment.APPLIED)
        if fault is not None and fault.failure is not None:
            raise fault.failure
        return answer

    def _authorize(self, request: web.Request, route: str) -> None:
        if route.startswith(WITHOUT_TOKEN) and route != "/gateway/bot":
            return
        is_right = request.headers.get("Authorization") == f"Bot {self.state.token}"
        if not is_right or self.faults.is_token_revoked:
            raise unauthorized()

    def _take_hidden_limit(self, request: web.Request, route: str, call: Call) -> None:
        if (request.method, route) != ("POST", webhook_routes.BY_TOKEN):
            return
        webhook = self.state.webhooks.get(call.id("webhook_id"))
        if webhook is not None:
            self.limits.take_hidden(webhook.channel_id, route)

    def _remember(self, incoming: Incoming, call: Call, answer: Answer) -> None:
        request, route = incoming.request, incoming.route
        path = request.path.removeprefix(BASE)
        for name in SECRET_PARAMETERS:
            if name in call.parameters:
                path = path.replace(call.parameters[name], "…")
        self.requests.append(Request(request.method, route, path, answer.status))
        if self.observer is not None:
            self.observer(Exchange(request.method, route, call.body, answer.status, answer.body))
        self.state.bell.ring()


def _nowhere(state: State, call: Call) -> Answer:
    del state, call
    raise no_route()


async def _read(request: web.Request) -> Call:
    parameters, query = dict(request.match_info), dict(request.query)
    if request.content_type == "multipart/form-data":
        body, uploads = await _read_multipart(request)
        return Call(parameters, query, body, uploads)
    text = await request.read()
    return Call(parameters, query, _parse(text) if text else None)


async def _read_multipart(request: web.Request) -> tuple[Any, tuple[Upload, ...]]:
    body: Any = {}
    uploads: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise bad_json()
        content = await part.read()
        if part.name == "payload_json":
            body = _parse(bytes(content))
        else:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            uploads.append(Upload(part.filename or "unknown", kind, len(content)))
    return body, tuple(uploads)


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise bad_json() from None


def _response(answer: Answer, headers: dict[str, str]) -> web.Response:
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    if isinstance(answer.body, str):
        return web.Response(status=answer.status, headers=headers, text=answer.body)
    # Exactly this type: with a charset behind it, discord.py reads text.
    body = json.dumps(answer.body).encode()
    return web.Response(status=answer.status, headers=headers, body=body, content_type="application/json")
