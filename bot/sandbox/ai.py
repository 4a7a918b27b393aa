"""The AI service, its login and its profiles on loopback: OpenAI's protocol with the original's additions."""

import asyncio
import hashlib
import json
import secrets
import struct
import zlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.sandbox.bell import Bell
from bot.sandbox.listener import Listener
from bot.sandbox.moments import Moment, Watcher

CHAT, LOGIN, PROFILE, AVATAR, ANY = "chat", "login", "profile", "avatar", "*"
"""The routes, as faults and calls name them."""
GARBAGE = "<html>This is no JSON.</html>"


@dataclass(frozen=True, slots=True)
class AICall:
    """A request as it came in; `user_token` and the headers are there for tests to look at."""

    route: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Any = field(default=None, repr=False)

    @property
    def user_token(self) -> str | None:
        """The login of the user who asks."""
        return self.headers.get("X-User-Auth")

    @property
    def question(self) -> str:
        """The text of the last message."""
        content = self.body["messages"][-1]["content"]
        if isinstance(content, str):
            return content
        return " ".join(part["text"] for part in content if part.get("type") == "text")

    @property
    def personality(self) -> str:
        """The personality's full name: the last part of the model's."""
        return str(self.body["model"]).rsplit("/", 1)[-1]


@dataclass(slots=True)
class AIFault:
    """What happens to the next requests of one route."""

    route: str
    times: int
    delay_seconds: float = 0.0
    response: Callable[[], web.Response] | None = None
    is_hung: bool = False
    is_cut: bool = False
    until: asyncio.Event | None = None


@dataclass(slots=True)
class AIFaults:
    """Faults to come, each used up after `times` requests of its route (chat, login, profile, avatar or *)."""

    _planned: list[AIFault] = field(default_factory=list)

    def fail(self, status: int, *, route: str = CHAT, times: int = 1, retry_after: str | None = None) -> None:
        """Answer with this status and an error body."""
        headers = {} if retry_after is None else {"Retry-After": retry_after}
        body = {"error": {"message": "made to fail", "code": status}}
        self._planned.append(AIFault(route, times, response=lambda: _json(body, status, headers)))

    def error_with_200(self, message: str = "made to fail", code: Any = 429, *, times: int = 1) -> None:
        """Answer a chat with status 200 and an error in the body, as some providers do."""
        body = {"error": {"message": message, "code": code}}
        self._planned.append(AIFault(CHAT, times, response=lambda: _json(body)))

    def garbage(self, *, route: str = CHAT, times: int = 1) -> None:
        """Answer with status 200 and no JSON."""
        self._planned.append(AIFault(route, times, response=lambda: web.Response(text=GARBAGE)))

    def reply_with(self, body: Any, *, route: str = CHAT, times: int = 1) -> None:
        """Answer with status 200 and exactly this JSON."""
        self._planned.append(AIFault(route, times, response=lambda: _json(body)))

    def delay(self, seconds: float, *, route: str = CHAT, times: int = 1) -> None:
        """Answer late."""
        self._planned.append(AIFault(route, times, delay_seconds=seconds))

    def hold(self, *, route: str = CHAT) -> asyncio.Event:
        """Answer the next request once the event is set that this returns."""
        until = asyncio.Event()
        self._planned.append(AIFault(route, 1, until=until))
        return until

    def hang(self, *, route: str = CHAT, times: int = 1) -> None:
        """Never answer."""
        self._planned.append(AIFault(route, times, is_hung=True))

    def drop(self, *, route: str = CHAT, times: int = 1) -> None:
        """Cut the connection instead of an answer."""
        self._planned.append(AIFault(route, times, is_cut=True))

    def clear(self) -> None:
        """Everything works again."""
        self._planned.clear()

    def take(self, route: str) -> AIFault | None:
        """The fault that hits this request, used up by one."""
        for fault in self._planned:
            if fault.times > 0 and fault.route in (ANY, route):
                fault.times -= 1
                return fault
        return None


class AISandbox:
    """The AI service. `answers` makes an answer of a question; `calls` is everything that was asked.

    Every name has a profile (display name from the full name), but for `profiles` of one's own and
    `unknown_names`. A user's token works unless it is in `revoked_tokens`: users may bring tokens of old.
    """

    def __init__(self, *, token_lifetime_seconds: float | None = None) -> None:
        self.answers: Callable[[str], str] | None = None
        self.watcher: Watcher | None = None
        self.calls: list[AICall] = []
        self.faults = AIFaults()
        self.profiles: dict[str, dict[str, Any]] = {}
        self.unknown_names: set[str] = set()
        self.revoked_tokens: set[str] = set()
        self.tokens: dict[int, str] = {}
        self._key = f"sandbox-key-{secrets.token_hex(8)}"
        self._lifetime_seconds = token_lifetime_seconds
        self._codes: dict[str, int] = {}
        self._bell = Bell()
        application = web.Application()
        application.router.add_post("/v1/chat/completions", self._serve(CHAT, self._chat))
        application.router.add_post("/auth/nonce", self._serve(LOGIN, self._log_in))
        application.router.add_get("/profiles/{name}", self._serve(PROFILE, self._profile))
        application.router.add_get("/avatars/{name}.png", self._serve(AVATAR, _avatar))
        self._listener = Listener(application)

    @property
    def url(self) -> str:
        """The service's address."""
        return f"http://{self._listener.address}"

    def environment(self) -> dict[str, str]:
        """The settings that lead the bot here."""
        return {
            "SERVICE_API_BASE_URL": self.url,
            "SERVICE_API_KEY": self._key,
            "SERVICE_ID": "sandbox",
            "SERVICE_APP_ID": "sandbox-app",
            "SERVICE_WEBSITE": self.url,
            "PROFILE_INFO_ENDPOINT": f"{self.url}/profiles",
        }

    def issue_code(self, user_id: int) -> str:
        """What the authorization page shows a user: a code that works once."""
        code = secrets.token_hex(8)
        self._codes[code] = user_id
        return code

    async def wait_for_calls(self, count: int, *, route: str = ANY, timeout_seconds: float = 10.0) -> list[AICall]:
        """The calls of a route once there are this many. Raises TimeoutError."""

        def look() -> list[AICall] | None:
            found = [call for call in self.calls if route in (ANY, call.route)]
            return found if len(found) >= count else None

        return await self._bell.wait_until(look, timeout_seconds=timeout_seconds, what=f"call {count} of {route}")

    async def go_offline(self) -> None:
        """Refuse connections and cut those that are open."""
        self._listener.stop()

    async def go_online(self) -> None:
        """Accept connections again, on the same port."""
        await self._listener.start()

    async def __aenter__(self) -> Self:
        """Start."""
        await self._listener.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        await self._listener.close()

    def _serve(
        self, route: str, handler: Callable[[AICall, str], web.Response]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def serve(request: web.Request) -> web.Response:
            call = AICall(route, request.path, request.headers.copy(), _parse(await request.read()))
            self.calls.append(call)
            self._bell.ring()
            fault = self.faults.take(route)
            if fault is None:
                return perform(call, request.match_info.get("name", ""))
            await asyncio.sleep(fault.delay_seconds)
            if fault.until is not None:
                await fault.until.wait()
            if fault.is_hung:
                await asyncio.Event().wait()
            if fault.is_cut and request.transport is not None:
                request.transport.abort()
            return fault.response() if fault.response else perform(call, request.match_info.get("name", ""))

        def perform(call: AICall, name: str) -> web.Response:
            if self.watcher is not None and self.watcher(route, Moment.ARRIVED):
                return _error(503, "Nobody is there any more")
            response = handler(call, name)
            if self.watcher is not None:
                self.watcher(route, Moment.APPLIED)
            return response

        return serve

    def _chat(self, call: AICall, _: str) -> web.Response:
        if call.headers.get("Authorization") != f"Bearer {self._key}" or call.user_token in self.revoked_tokens:
            return _error(401, "Unauthorized")
        if not isinstance(call.body, dict) or not call.body.get("messages") or not call.body.get("model"):
            return _error(400, "model and messages are required")
        if call.personality in self.unknown_names:
            return _error(404, "No such model")
        answer = self.answers(call.question) if self.answers else default_answer(call)
        choice = {"index": 0, "message": {"role": "assistant", "content": answer}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return _json(
            {
                "id": f"chatcmpl-{len(self.calls)}",
                "object": "chat.completion",
                "created": int(datetime.now(UTC).timestamp()),
                "model": call.body["model"],
                "choices": [choice],
                "usage": usage,
            }
        )

    def _log_in(self, call: AICall, _: str) -> web.Response:
        body = call.body if isinstance(call.body, dict) else {}
        user_id = self._codes.pop(str(body.get("code")), None)
        if user_id is None or body.get("app_id") != "sandbox-app":
            return _error(401, "Invalid code")
        token = f"user-token-{secrets.token_hex(12)}"
        self.tokens[user_id] = token
        if self._lifetime_seconds is None:
            return _json({"auth_token": token})
        expires_at = datetime.now(UTC) + timedelta(seconds=self._lifetime_seconds)
        return _json({"auth_token": token, "expires_at": expires_at.isoformat()})

    def _profile(self, _: AICall, name: str) -> web.Response:
        if name in self.unknown_names:
            return _error(404, "No such profile")
        known = {"name": display_name(name), "avatar_url": f"{self.url}/avatars/{name}.png", "error_message": None}
        return _json({**known, **self.profiles.get(name, {})})


def display_name(full_name: str) -> str:
    """How a personality is called that has no profile of its own."""
    return full_name.replace("-", " ").title()


def default_answer(call: AICall) -> str:
    """What a personality answers when nobody decided otherwise: always the same to the same question."""
    return f"{display_name(call.personality)} hears you: {call.question}"[:2000]


def _avatar(call: AICall, name: str) -> web.Response:
    del call
    return web.Response(body=picture(name), content_type="image/png")


def picture(name: str) -> bytes:
    """A small PNG of one colour, its own for every name."""
    colour = hashlib.sha256(name.encode()).digest()[:3]
    rows = b"".join(b"\x00" + colour * 16 for _ in range(16))
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None


def _error(status: int, message: str) -> web.Response:
    return _json({"error": {"message": message, "code": status}}, status)


def _json(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)
