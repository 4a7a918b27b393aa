"""An aiohttp application on a loopback port that can vanish, come back and fall silent."""

import asyncio

from aiohttp import web

from bot.sandbox.port import HOST, ReservedPort


class Listener:
    """Serves an application on one port for its whole life, also across `stop` and `start`."""

    def __init__(self, application: web.Application) -> None:
        self._port = ReservedPort()
        self._runner = web.AppRunner(application, access_log=None, handler_cancellation=True, shutdown_timeout=0)
        self._socket: asyncio.Server | None = None
        self._answering = asyncio.Event()
        self._answering.set()
        self._asked_in_vain = asyncio.Event()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self._port.number}"

    async def start(self) -> None:
        """Accept connections; again after `stop`, on the same port."""
        if self._runner.server is None:
            await self._runner.setup()
        self._answering.set()
        if self._socket is None:
            loop = asyncio.get_running_loop()
            server = self._runner.server
            assert server is not None  # noqa: S101 - set by setup()
            self._socket = await loop.create_server(server, sock=self._port.listener())

    def stop(self) -> None:
        """Refuse connections and cut those that are open."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self.cut()

    def cut(self) -> None:
        """Cut every open connection, as a network does: no good-bye."""
        server = self._runner.server
        for connection in list(server.connections) if server else []:
            if connection.transport is not None:
                connection.transport.abort()

    def silence(self) -> None:
        """From now on accept and read, but never answer."""
        self._asked_in_vain.clear()
        self._answering.clear()

    @property
    def is_silent(self) -> bool:
        """Whether nothing is answered at present."""
        return not self._answering.is_set()

    async def wait_while_silent(self) -> None:
        """Return at once, or never: what waits here is cut off when the silence ends."""
        if self.is_silent:
            self._asked_in_vain.set()
            await asyncio.Event().wait()

    async def until_asked_in_vain(self) -> None:
        """Wait for the first request of a silence."""
        await self._asked_in_vain.wait()

    async def close(self) -> None:
        """End for good and give the port back."""
        self.stop()
        await self._runner.cleanup()
        self._port.close()
