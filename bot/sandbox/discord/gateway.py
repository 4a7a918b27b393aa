"""The gateway: HELLO, heartbeats, IDENTIFY, RESUME, member chunks, and every way it can end."""

import asyncio
import json
import secrets
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web

from bot.sandbox.bell import end
from bot.sandbox.discord import intents
from bot.sandbox.discord.faults import Faults
from bot.sandbox.discord.model import JSON
from bot.sandbox.discord.payloads import guild_create_json, me_json, member_json
from bot.sandbox.discord.session import ENDS_SESSION, CloseCode, Connection, Opcode, Session
from bot.sandbox.discord.state import Event, State
from bot.sandbox.listener import Listener

FRAME_LIMIT_BYTES = 4096
SENDS_LIMIT = 120
SENDS_WINDOW_SECONDS = 60.0
CHUNK_LIMIT = 1000
API_VERSION = "10"


@dataclass(slots=True, eq=False)
class Gateway:
    """All sessions and connections of one Discord."""

    state: State
    faults: Faults
    heartbeat_seconds: float
    identify_interval_seconds: float
    url: str = ""
    listener: Listener | None = None
    identify_count: int = 0
    resume_count: int = 0
    session_count: int = 0
    sessions: dict[str, Session] = field(default_factory=dict)
    connections: set[Connection] = field(default_factory=set)
    _identified_at: float = float("-inf")

    @property
    def connected_count(self) -> int:
        """How many sessions are connected at present."""
        return sum(1 for session in self.sessions.values() if session.connection is not None)

    def emit(self, event: Event) -> None:
        """Tell every session that wants to know."""
        for session in self.sessions.values():
            if session.wants(event):
                session.tell(event)

    def drop(self, code: int) -> None:
        """Close every connection with this code."""
        for connection in list(self.connections):
            self._close(connection, code)

    def forget_sessions(self) -> None:
        """No session can be resumed any more."""
        for session in list(self.sessions.values()):
            if session.connection is None:
                del self.sessions[session.id]

    def end_sessions(self) -> None:
        """Every session is over; the connections stay, and no event goes to them."""
        for session in self.sessions.values():
            session.connection = None
        for connection in self.connections:
            connection.session = None
        self.sessions.clear()

    def send_all(self, op: int, data: Any = None) -> None:
        """Send this frame on every connection."""
        for connection in list(self.connections):
            connection.send(op, data)

    @property
    def last_event(self) -> int:
        """The number of the last event that a connected session was told; 0 where none is connected."""
        return max((one.sequence for one in self.sessions.values() if one.connection is not None), default=0)

    def have_heard(self) -> bool:
        """Whether every connected session has said that it took all events."""
        return all(one.heard >= one.sequence for one in self.sessions.values() if one.connection is not None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One websocket connection, from HELLO to its end."""
        if self.listener is not None:
            await self.listener.wait_while_silent()
        socket = web.WebSocketResponse(timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket, self._is_silent)
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            if request.query.get("v", API_VERSION) != API_VERSION:
                connection.close(CloseCode.INVALID_VERSION)
            connection.send(Opcode.HELLO, {"heartbeat_interval": int(self.heartbeat_seconds * 1000), "_trace": []})
            await self._read(connection)
        finally:
            self._leave(connection)
            await end(writer)
        return socket

    async def _read(self, connection: Connection) -> None:
        sent_at: deque[float] = deque(maxlen=SENDS_LIMIT)
        async for message in connection.socket:
            if self._is_silent():
                continue
            if message.type is not WSMsgType.TEXT:
                self._close(connection, CloseCode.DECODE_ERROR)
                continue
            now = time.monotonic()
            if len(sent_at) == SENDS_LIMIT and now - sent_at[0] < SENDS_WINDOW_SECONDS:
                self._close(connection, CloseCode.RATE_LIMITED)
            sent_at.append(now)
            self._take(connection, message.data)

    def _is_silent(self) -> bool:
        return self.listener is not None and self.listener.is_silent

    def _leave(self, connection: Connection) -> None:
        self.connections.discard(connection)
        session = connection.session
        if session is not None and session.connection is connection:
            session.connection = None
            if connection.socket.close_code in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
                self.sessions.pop(session.id, None)
        self.state.bell.ring()

    def _close(self, connection: Connection, code: int) -> None:
        if code in ENDS_SESSION and connection.session is not None:
            self.sessions.pop(connection.session.id, None)
        if connection.session is not None:
            # What happens from now on waits for the RESUME: the client is told nothing after the close.
            connection.session.connection = None
        connection.close(code)

    def _take(self, connection: Connection, text: str) -> None:
        frame = _decode(text)
        if frame is None:
            return self._close(connection, CloseCode.DECODE_ERROR)
        op, data = frame.get("op"), frame.get("d")
        if op == Opcode.HEARTBEAT:
            return self._acknowledge(connection, data)
        if op in (Opcode.IDENTIFY, Opcode.RESUME):
            return self._authenticate(connection, op, data)
        if op not in (Opcode.PRESENCE, Opcode.VOICE_STATE, Opcode.REQUEST_MEMBERS):
            return self._close(connection, CloseCode.UNKNOWN_OPCODE)
        if connection.session is None:
            return self._close(connection, CloseCode.NOT_AUTHENTICATED)
        if op == Opcode.REQUEST_MEMBERS and isinstance(data, dict):
            self._send_members(connection.session, data)
        return None

    def _acknowledge(self, connection: Connection, heard: Any) -> None:
        connection.send(Opcode.HEARTBEAT_ACK)
        if connection.session is not None and isinstance(heard, int):
            connection.session.heard = heard
        self.state.bell.ring()

    def _authenticate(self, connection: Connection, op: int, data: Any) -> None:
        if connection.session is not None:
            return self._close(connection, CloseCode.ALREADY_AUTHENTICATED)
        if not isinstance(data, dict):
            return self._close(connection, CloseCode.DECODE_ERROR)
        if op == Opcode.IDENTIFY:
            self.identify_count += 1
        refusal = self._refusal(data)
        if refusal is None and op == Opcode.IDENTIFY:
            refusal = self._wrong_intents(data.get("intents")) or _wrong_shard(data.get("shard"))
        if refusal is not None:
            self._close(connection, refusal)
        elif op == Opcode.IDENTIFY:
            self._identify(connection, data)
        else:
            self._resume(connection, data)
        return self.state.bell.ring()

    def _refusal(self, data: JSON) -> int | None:
        is_wrong = data.get("token") not in (self.state.token, f"Bot {self.state.token}")
        if is_wrong or self.faults.is_token_revoked:
            return CloseCode.AUTHENTICATION_FAILED
        return self.faults.identify_code

    def _wrong_intents(self, asked: Any) -> int | None:
        if not isinstance(asked, int) or not 0 <= asked <= intents.KNOWN:
            return CloseCode.INVALID_INTENTS
        if asked & intents.PRIVILEGED & ~self.state.granted_intents:
            return CloseCode.DISALLOWED_INTENTS
        return None

    def _identify(self, connection: Connection, data: JSON) -> None:
        now = time.monotonic()
        if now - self._identified_at < self.identify_interval_seconds:
            return connection.send(Opcode.INVALID_SESSION, data=False)
        self._identified_at = now
        self.session_count += 1
        shard = tuple(data.get("shard") or (0, 1))
        session = Session(secrets.token_hex(16), data["intents"], intents.MESSAGE_CONTENT, (shard[0], shard[1]))
        session.connection, connection.session = connection, session
        self.sessions[session.id] = session
        guilds = [guild for guild in self.state.guilds.values() if self.state.bot.id in guild.members]
        with_members = bool(session.intents & intents.GUILD_PRESENCES)
        payloads = [guild_create_json(guild, self.state.bot, with_members=with_members) for guild in guilds]
        events = [Event("GUILD_CREATE", data, intents.GUILDS, int(data["id"])) for data in payloads]
        session.dispatch("READY", self._ready(session, [event for event in events if session.wants(event)]))
        for event in events:
            if session.wants(event):
                session.tell(event)
        return None

    def _ready(self, session: Session, events: list[Event]) -> JSON:
        return {
            "v": int(API_VERSION),
            "user": me_json(self.state.bot),
            "guilds": [{"id": str(event.guild_id), "unavailable": True} for event in events],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": list(session.shard),
            "application": {
                "id": str(self.state.application_id),
                "flags": intents.application_flags(self.state.granted_intents),
            },
            "private_channels": [],
            "relationships": [],
            "user_settings": {},
        }

    def _resume(self, connection: Connection, data: JSON) -> None:
        session = self.sessions.get(str(data.get("session_id")))
        if session is None:
            return connection.send(Opcode.INVALID_SESSION, data=False)
        after = data.get("seq")
        if not isinstance(after, int) or not 0 <= after <= session.sequence:
            return self._close(connection, CloseCode.INVALID_SEQUENCE)
        if session.connection is not None:
            session.connection.close(CloseCode.UNKNOWN_ERROR)
        self.resume_count += 1
        session.connection, connection.session = connection, session
        return session.replay(after)

    def _send_members(self, session: Session, data: JSON) -> None:
        guild = self.state.guilds.get(int(data.get("guild_id") or 0))
        is_everyone = not data.get("user_ids") and not data.get("query") and not data.get("limit")
        if guild is None or (is_everyone and not session.intents & intents.GUILD_MEMBERS):
            return
        found = list(guild.members.values())
        if data.get("user_ids"):
            wanted = {int(user_id) for user_id in data["user_ids"]}
            found = [member for member in found if member.user.id in wanted]
        elif data.get("query"):
            found = [m for m in found if m.user.name.lower().startswith(str(data["query"]).lower())]
        if data.get("limit"):
            found = found[: int(data["limit"])]
        chunks = [found[start : start + CHUNK_LIMIT] for start in range(0, len(found), CHUNK_LIMIT)] or [[]]
        for number, chunk in enumerate(chunks):
            reply = {
                "guild_id": str(guild.id),
                "members": [member_json(member) for member in chunk],
                "chunk_index": number,
                "chunk_count": len(chunks),
                "not_found": [],
            }
            nonce = {"nonce": data["nonce"]} if data.get("nonce") else {}
            session.dispatch("GUILD_MEMBERS_CHUNK", reply | nonce)


def _decode(text: str) -> JSON | None:
    if len(text.encode()) > FRAME_LIMIT_BYTES:
        return None
    try:
        frame = json.loads(text)
    except ValueError:
        return None
    return frame if isinstance(frame, dict) else None


def _wrong_shard(shard: Any) -> int | None:
    if shard is None or (isinstance(shard, list) and len(shard) == 2 and 0 <= shard[0] < shard[1]):  # noqa: PLR2004
        return None
    return CloseCode.INVALID_SHARD
