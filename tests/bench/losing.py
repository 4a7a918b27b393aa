"""`python -m tests.bench.losing` commits the time, again and again, beside Litestream, until it is killed.

What it commits is the row's own time; it says once that everything so far is in the bucket.
"""

import asyncio

from bot.model import utc_now
from bot.settings import load_settings
from bot.store.columns import to_text
from bot.store.driver import open_store
from bot.store.migrate import create_database
from bot.store.statement import Statement

from .replicated import replicated

PAUSE_SECONDS = 0.01
ADD = "INSERT INTO blacklist (user_id, blacklisted_at) SELECT 1 + coalesce(max(user_id), 0), :now FROM blacklist"


async def _write_for_ever() -> None:
    settings = load_settings()
    create_database(settings.database_path)
    store = await open_store(settings.database_path, settings=settings)
    async with replicated(settings):
        print("ready", flush=True)  # noqa: T201 - what the other process waits for
        while True:
            await store.write(Statement(ADD, {"now": to_text(utc_now())}))
            await asyncio.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    asyncio.run(_write_for_ever())
