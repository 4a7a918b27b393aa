"""What tells the outside how a process fares, and what tells the process to end: its probes and its signals."""

import asyncio
import signal
import socket
from contextlib import AsyncExitStack

from bot.client import Client
from bot.durability.health import HealthServer, Readiness, inherit_listener, listen
from bot.settings import Settings

STARTING = "The bot is starting."


class BotReadiness(Readiness):
    """Asks the connection itself at the moment of the probe, so that no missed event can make it lie."""

    client: Client | None = None

    def problems(self) -> list[str]:
        """What keeps the bot from being ready, one sentence each."""
        self.is_discord_connected = self.client is not None and self.client.is_connected
        return super().problems()


async def serve_probes(stack: AsyncExitStack, settings: Settings, listen_fd: int | None) -> BotReadiness:
    """Answer probes from now on."""
    readiness = BotReadiness(phase=STARTING)
    server = HealthServer(readiness)
    listener = stack.enter_context(_listener(settings, listen_fd))
    await server.start(listener)
    stack.push_async_callback(server.stop)
    return readiness


def _listener(settings: Settings, listen_fd: int | None) -> socket.socket:
    return listen(settings.listen_address, settings.port) if listen_fd is None else inherit_listener(listen_fd)


def stop_on_signals() -> asyncio.Event:
    """What SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
