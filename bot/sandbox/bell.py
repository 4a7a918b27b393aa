"""Waiting for a change of the sandbox's state without polling."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Bell:
    """Rings after every change; whoever waits looks again."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Tell everyone who waits that something changed."""
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def wait_until(self, look: Callable[[], T | None], *, timeout_seconds: float, what: str) -> T:
        """The first true thing that `look` returns. Raises TimeoutError that says what was waited for."""
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._watch(look)
        except TimeoutError:
            raise TimeoutError(f"{what} did not happen within {timeout_seconds:g} s") from None

    async def _watch(self, look: Callable[[], T | None]) -> T:
        while not (found := look()):
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)
        return found


async def end(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait until it is over."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
