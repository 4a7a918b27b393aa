"""A real HTTP server on loopback that answers with what a test puts in, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import ClientSession, web

from bot.settings import Settings, load_settings


@dataclass
class Script:
    """`replies` are used up in order, the last one again and again; `release` holds answers until it is set."""

    replies: list[web.Response | dict[str, Any] | bytes | int] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    base: str = ""
    open_requests: int = 0
    most_open_requests: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        self.open_requests += 1
        self.most_open_requests = max(self.most_open_requests, self.open_requests)
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, dict(request.headers), body))
        try:
            await self.release.wait()
            return self._reply()
        finally:
            self.open_requests -= 1

    def _reply(self) -> web.Response:
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, web.Response):
            return web.Response(status=reply.status, body=reply.body, headers=reply.headers)
        if isinstance(reply, bytes):
            return web.Response(body=reply, content_type="application/json")
        return web.json_response({}, status=reply) if isinstance(reply, int) else web.json_response(reply)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    made = Script()
    made.release.set()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    made.release.set()
    await runner.cleanup()


@pytest.fixture
async def session() -> AsyncIterator[ClientSession]:
    async with ClientSession() as opened:
        yield opened


@pytest.fixture
def settings(script: Script) -> Settings:
    return settings_for(script.base)


def settings_for(base: str, **more: Any) -> Settings:
    values: dict[str, Any] = {
        "service_api_base_url": base,
        "service_api_key": "operators-key",
        "service_id": "svc",
        "service_app_id": "app 1",
        "service_website": "https://service.example",
        "service_timeout_seconds": 5,
        "profile_info_endpoint": f"{base}/profiles",
        "profile_interval_seconds": 0.01,
        "profile_timeout_seconds": 5,
        "login_timeout_seconds": 5,
    }
    return load_settings(values | more, env_file=None)


def said(text: Any) -> dict[str, Any]:
    """An answer as OpenAI's protocol has it."""
    return {"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
