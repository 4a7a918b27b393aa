"""The one place that wires the bot together: start order here, stop in reverse."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.app.background import start_background
from bot.app.outside import serve_probes, stop_on_signals
from bot.app.parts import Opening, Parts, open_parts
from bot.app.services import services_of
from bot.durability.lock import hold_locks
from bot.errors import ConfigurationError, ExitCode
from bot.model import Clock, Secret, utc_now
from bot.settings import Settings

STOPPING = "The bot is stopping."


@dataclass(frozen=True, slots=True, kw_only=True)
class Inherited:
    """What a supervisor passed on as open files; what it did not, is taken and opened here."""

    lock_fd: int | None = None
    files_lock_fd: int | None = None
    listen_fd: int | None = None


NOTHING = Inherited()


async def run_bot(
    settings: Settings,
    inherited: Inherited = NOTHING,
    stop: asyncio.Event | None = None,
    *,
    accept_older: bool = False,
    clock: Clock = utc_now,
) -> int:
    """Be the bot until SIGTERM, SIGINT or `stop`; returns the exit code, or raises the error that has one.

    `clock` dates everything; what waits (retries, time limits of requests) waits in real time.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(hold_locks(settings, inherited.lock_fd, inherited.files_lock_fd))
        stop = stop or stop_on_signals()
        readiness = await serve_probes(stack, settings, inherited.listen_fd)
        token = _token_of(settings)
        opening = Opening(settings, readiness, accept_older=accept_older, clock=clock)
        parts = await open_parts(stack, opening)
        await parts.refusals.require_none(token)
        await _go_online(stack, parts, token, stop)
        readiness.phase = STOPPING
    return ExitCode.DONE


async def _go_online(stack: AsyncExitStack, parts: Parts, token: Secret, stop: asyncio.Event) -> None:
    services = services_of(parts)
    parts.client.services = services
    await parts.receipts.begin()
    stack.push_async_callback(parts.receipts.hand_over)
    await services.personalities.seed()
    stack.push_async_callback(parts.client.leave)
    stack.push_async_callback(services.acknowledgements.close)
    stack.push_async_callback(services.dialogue.close, parts.settings.turn_grace_seconds)
    await start_background(stack, parts, services)
    stack.callback(services.dialogue.stop_hearing)
    try:
        await parts.client.serve(token, stop)
    except ConfigurationError as error:
        await parts.refusals.note(token, str(error))
        raise


def _token_of(settings: Settings) -> Secret:
    if settings.discord_token is None:
        raise ConfigurationError(
            "DISCORD_TOKEN is not set.",
            remedy="Copy the token from https://discord.com/developers/applications, your application, page Bot.",
        )
    return Secret(settings.discord_token.get_secret_value())
