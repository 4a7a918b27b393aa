"""Several things at once, until one of them settles the matter."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def race(*work: Coroutine[Any, Any, int | None]) -> int | None:
    """The first result that is not None, or None when all have ended without one; the rest is cancelled.

    What raises settles the matter too.
    """
    tasks = [asyncio.create_task(part) for part in work]
    running = set(tasks)
    try:
        while running:
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task in done and (result := task.result()) is not None:
                    return result
        return None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
