"""Notices a Litestream that lives and does nothing any more, which only its end can mend.

One request of its own that is never answered can hold what every sync, and even the order to stop, waits for. What it
must be able to do all the time, whether or not the bucket answers, is to take in what was committed.
"""

import asyncio
import logging
import time

from bot.durability.child import Child
from bot.durability.litestream import Litestream
from bot.errors import UnavailableError
from bot.settings import Settings

log = logging.getLogger(__name__)


async def end_of(child: Child, litestream: Litestream, settings: Settings) -> int:
    """Litestream's exit code, once it has ended; one that takes nothing in for a while is killed."""
    ending = asyncio.create_task(child.wait())
    # A new process may have to read the whole database before it answers.
    patience_seconds, obeyed_at = settings.start_timeout_seconds, time.monotonic()
    try:
        while time.monotonic() - obeyed_at < patience_seconds:
            await asyncio.wait({ending}, timeout=settings.canary_retry_seconds)
            if ending.done():
                return ending.result()
            if await _obeys(litestream, settings):
                patience_seconds, obeyed_at = settings.litestream_hang_limit_seconds, time.monotonic()
    finally:
        ending.cancel()
    log.error("Litestream has taken nothing in for %.0f s and is killed", time.monotonic() - obeyed_at)
    return await child.kill()


async def _obeys(litestream: Litestream, settings: Settings) -> bool:
    """Also makes up for a stop of the bot's that came late, or was not followed by a start."""
    try:
        await litestream.start(settings.replication_restart_timeout_seconds)
        await litestream.take_in(settings.replication_restart_timeout_seconds)
    except UnavailableError:
        return False
    return True
