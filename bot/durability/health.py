"""What probes are told: `/livez` and `/readyz`, answered from memory so that a probe can neither hang nor lie."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass

import orjson
from aiohttp import web

from bot.errors import ConfigurationError
from bot.model import ReplicationState

SETTLE_TURNS, TURN_SECONDS = 10, 0.005
"""How often the event loop turns between the last connection taken and the end, so that its request is answered."""


def _not_replicated() -> ReplicationState:
    return ReplicationState(is_configured=False)


@dataclass(slots=True)
class Readiness:
    """Whether the bot can do its work; whoever knows something sets it, `/readyz` reads it.

    `phase` is what is being done before the bot runs, empty once it does.
    """

    replication: Callable[[], ReplicationState] = _not_replicated
    phase: str = ""
    is_database_open: bool = False
    is_discord_connected: bool = False

    def problems(self) -> list[str]:
        """What keeps the bot from being ready, one sentence each; empty when it is."""
        if self.phase:
            return [self.phase]
        found = []
        if not self.is_database_open:
            found.append("The database is not open.")
        if not self.is_discord_connected:
            found.append("Discord is not connected.")
        return found + self._replication_problems()

    def _replication_problems(self) -> list[str]:
        state = self.replication()
        if not state.is_configured:
            return []
        if state.confirmed_at is None:
            return [state.failure or "No upload to the bucket has been confirmed yet."]
        if not state.is_outage:
            return []
        reason = f": {state.failure}" if state.failure else "."
        return [f"No upload to the bucket was confirmed after {state.confirmed_at:%Y-%m-%d %H:%M:%S} UTC{reason}"]


class HealthServer:
    """Serves the two probes on a listening socket; starts and stops without closing that socket itself."""

    def __init__(self, readiness: Readiness) -> None:
        self._readiness = readiness
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None

    async def start(self, listener: socket.socket) -> None:
        """Answer on a duplicate of the socket, so that another process can go on with the original."""
        if self._runner is not None:
            return
        app = web.Application()
        app.router.add_get("/livez", _livez)
        app.router.add_get("/readyz", self._readyz)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        self._listener = listener.dup()
        await self._runner.setup()
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        """Take no more connections, answer those that were taken, and end."""
        runner, self._runner = self._runner, None
        if runner is None or self._listener is None:
            return
        # Not by closing the server: a connection that asyncio is just taking would stay open and never be answered.
        asyncio.get_running_loop().remove_reader(self._listener.fileno())
        try:
            for _ in range(SETTLE_TURNS):
                await asyncio.sleep(TURN_SECONDS)
        finally:
            await runner.cleanup()
            self._listener.close()

    async def _readyz(self, _: web.Request) -> web.Response:
        problems = self._readiness.problems()
        return _json({"ready": not problems, "problems": problems}, status=503 if problems else 200)


def listen(address: str, port: int) -> socket.socket:
    """A listening socket for the probes; ConfigurationError when the port is taken."""
    try:
        return socket.create_server((address, port), reuse_port=False)
    except OSError as error:
        raise ConfigurationError(
            f"PORT {port} on {address} can't be used: {error.strerror}.", remedy="Set PORT to a free port."
        ) from None


def inherit_listener(fd: int) -> socket.socket:
    """The listening socket that the supervisor passed on as an open file."""
    listener = socket.socket(fileno=fd)
    listener.set_inheritable(False)
    return listener


async def _livez(_: web.Request) -> web.Response:
    return _json({"alive": True}, status=200)


def _json(value: object, *, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(value), status=status, content_type="application/json")
