"""A gateway session: what the bot was told, in order, so that it can be told again."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.sandbox.discord.model import JSON
from bot.sandbox.discord.state import Event


class Opcode:
    """Gateway opcodes (Discord's numbers)."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode:
    """Gateway close codes (Discord's numbers)."""

    UNKNOWN_ERROR = 4000
    UNKNOWN_OPCODE = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQUENCE = 4007
    RATE_LIMITED = 4008
    SESSION_TIMED_OUT = 4009
    INVALID_SHARD = 4010
    INVALID_VERSION = 4012
    INVALID_INTENTS = 4013
    DISALLOWED_INTENTS = 4014


ENDS_SESSION = frozenset({1000, 1001, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014})
"""After a close with one of these a session can't be resumed."""


class Connection:
    """One websocket; frames go out in the order in which they were put in."""

    def __init__(self, socket: web.WebSocketResponse, is_silent: Callable[[], bool]) -> None:
        self.socket = socket
        self._is_silent = is_silent
        self.session: Session | None = None
        self._outgoing: asyncio.Queue[JSON | int] = asyncio.Queue()

    def send(self, op: int, data: Any = None) -> None:
        """Queue a frame that is no event."""
        self._outgoing.put_nowait({"op": op, "d": data, "s": None, "t": None})

    def send_event(self, frame: JSON) -> None:
        """Queue an event's frame."""
        self._outgoing.put_nowait(frame)

    def close(self, code: int) -> None:
        """Close with this code once everything before it has gone out."""
        self._outgoing.put_nowait(code)

    async def write(self) -> None:
        """Send what is queued until it is closed."""
        while True:
            item = await self._outgoing.get()
            if self._is_silent():
                continue
            if isinstance(item, int):
                await self.socket.close(code=item)
                return
            try:
                await self.socket.send_str(json.dumps(item))
            except ConnectionError:
                return


@dataclass(slots=True, eq=False)
class Session:
    """What one IDENTIFY started; `heard` is the last event that the client said it has taken."""

    id: str
    intents: int
    content_intent: int
    shard: tuple[int, int] = (0, 1)
    frames: list[JSON] = field(default_factory=list)
    heard: int = 0
    connection: Connection | None = None

    @property
    def sequence(self) -> int:
        """The number of the last event."""
        return len(self.frames)

    def wants(self, event: Event) -> bool:
        """Whether this session's intents and shard get the event."""
        shard = (event.guild_id >> 22) % self.shard[1] if event.guild_id else 0
        return shard == self.shard[0] and (not event.intent or bool(event.intent & self.intents))

    def tell(self, event: Event) -> None:
        """Send an event, or keep it for the RESUME."""
        has_content = self.intents & self.content_intent
        data = event.data if has_content or event.without_content is None else event.without_content
        self.dispatch(event.name, data)

    def dispatch(self, name: str, data: JSON) -> None:
        """Number an event, keep it, and send it where there is a connection."""
        frame = {"op": Opcode.DISPATCH, "t": name, "s": self.sequence + 1, "d": data}
        self.frames.append(frame)
        if self.connection is not None:
            self.connection.send_event(frame)

    def replay(self, after: int) -> None:
        """Send again what came after that event, then RESUMED."""
        assert self.connection is not None  # noqa: S101 - a RESUME comes on a connection
        for frame in self.frames[after:]:
            self.connection.send_event(frame)
        self.dispatch("RESUMED", {"_trace": []})
