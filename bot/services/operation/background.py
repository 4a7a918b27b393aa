"""What runs beside the bot until it stops."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import TzurotError, trace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Background:
    """Runs each job to its end, again and ever slower while it fails; the second of the three borders."""

    delay_seconds: float
    delay_limit_seconds: float
    _tasks: list[asyncio.Task[None]] = field(default_factory=list, init=False)

    def start(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        """Begin a job; the log speaks of it by its name."""
        self._tasks.append(asyncio.create_task(self._keep_running(name, job)))

    async def close(self) -> None:
        """End them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_running(self, name: str, job: Callable[[], Awaitable[None]]) -> None:
        delay = self.delay_seconds
        while True:
            try:
                return await job()
            except TzurotError as error:
                log.error("Failed at %s, next try in %.0f s: %s", name, delay, error)  # noqa: TRY400 - a sentence says it
            except Exception:  # noqa: BLE001 - a background job must not die unseen
                log.error("Failed at %s, next try in %.0f s: %s", name, delay, trace())  # noqa: TRY400 - no text in logs
            await asyncio.sleep(delay)
            delay = min(delay * 2, self.delay_limit_seconds)
