"""A database with Litestream beside it, and a bucket at a distance."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.durability.child import Child, Program
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.litestream import Litestream
from bot.sandbox.bucket import BucketSandbox
from bot.settings import Settings, load_settings

PREFIX = "bench"
START_SECONDS = 10


def settings_for(bucket: BucketSandbox, endpoint: str, database: Path) -> Settings:
    """As in production, but for a database here and a bucket there."""
    names: dict[str, Any] = {**bucket.environment(f"{PREFIX}/{database.stem}", endpoint=endpoint)}
    given = {name.lower(): value for name, value in names.items()}
    return load_settings({**given, "database_path": database}, env_file=None)


@asynccontextmanager
async def replicated(settings: Settings) -> AsyncIterator[Litestream]:
    """Litestream for the settings' database, which must be there; killed at the end."""
    with tempfile.TemporaryDirectory(prefix="tz-") as scratch:  # short: a socket's path has at most 107 characters
        socket = Path(scratch) / "l.sock"
        environment = litestream_environment(settings, settings.replica_prefix or PREFIX, socket)
        arguments = (litestream_program(), "replicate", "-config", str(settings.litestream_config))
        child = await Child.start(Program(arguments, environment))
        litestream = Litestream(socket, settings.database_path)
        try:
            async with asyncio.timeout(START_SECONDS):
                while not await litestream.is_up():  # noqa: ASYNC110 - a process sends no event
                    await asyncio.sleep(0.01)
            await litestream.sync(START_SECONDS)
            yield litestream
        finally:
            await child.kill()
