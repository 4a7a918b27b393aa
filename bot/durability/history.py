"""Which epoch's copy holds the state of a given time: later ones are tried first, for they began from earlier ones."""

import asyncio
import contextlib
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from bot.durability.bucket import Bucket
from bot.durability.child import Child, Program
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.lineage import Current
from bot.durability.restore import Source, restore_replica
from bot.errors import NotFoundError, UnavailableError
from bot.settings import Settings

LISTING_PRECISION = timedelta(seconds=1)
FIRST_TXID = "0000000000000001"


async def restore_state(settings: Settings, at: datetime | None, target: Path) -> Source:
    """Put the state of a time, None for the newest, at a target that does not exist yet.

    Returns where it came from; NotFoundError when there is no copy, or none as old as that.
    """
    *doubtful, source = await choose_sources(settings, at)
    for each in doubtful:
        with contextlib.suppress(UnavailableError):
            await restore_replica(settings.model_copy(update={"restore_attempts": 1}), each, target)
            return each
    await restore_replica(settings, source, target)
    return source


async def choose_sources(settings: Settings, at: datetime | None) -> list[Source]:
    """The replica that holds the state; before it, one that may hold it: listings know whole seconds only."""
    version = await Bucket(settings).read_current()
    if version is None:
        raise await _nothing_here(settings)
    if at is None:
        return [Source(version.current.prefix)]
    begins, sources = None, []
    for prefix in candidates(version.current, at):
        found = await oldest_state(settings, prefix)
        begins = found or begins
        if found is not None and found <= at:
            sources.append(Source(prefix, at))
            if found + LISTING_PRECISION <= at:
                break
    if not sources:
        raise _too_early(begins or first_start(version.current))
    return sources


def candidates(current: Current, at: datetime) -> list[str]:
    """The prefixes of the epochs that had begun by then, the newest first."""
    epochs = [(past.start, past.prefix) for past in current.history] + [(current.started_at, current.prefix)]
    return [prefix for start, prefix in reversed(epochs) if start <= at]


def first_start(current: Current) -> datetime:
    """When the oldest known epoch began."""
    return min([current.started_at, *(past.start for past in current.history)])


async def oldest_state(settings: Settings, prefix: str) -> datetime | None:
    """The earliest time that can be restored from a prefix, None if it holds no complete state."""
    files = await _list_files(settings, prefix)
    return min(
        (datetime.fromisoformat(file["timestamp"]) for file in files if file["min_txid"] == FIRST_TXID), default=None
    )


async def _list_files(settings: Settings, prefix: str) -> list[dict[str, Any]]:
    database = settings.database_path.absolute()
    with tempfile.TemporaryDirectory(prefix="tzurot-") as scratch:
        environment = litestream_environment(settings, prefix, Path(scratch) / "litestream.sock")
        options = ["-config", str(settings.litestream_config), "-level", "all", "-json"]
        child = await Child.start(
            Program([litestream_program(), "ltx", *options, str(database)], environment), captures=True
        )
        try:
            async with asyncio.timeout(settings.replica_timeout_seconds):
                code, out, _ = await child.output()
        except TimeoutError:
            raise UnavailableError(f"The copy at {prefix} could not be listed in time.") from None
        finally:
            if child.is_running:
                await child.kill()
    if code != 0:
        raise UnavailableError(f"The copy at {prefix} can't be listed.", remedy="`tzurot doctor` looks closer.")
    return list(orjson.loads(out) or [])


async def _nothing_here(settings: Settings) -> NotFoundError:
    others = await Bucket(settings).survey()
    found = f" The bucket has: {', '.join(others)}." if others else ""
    return NotFoundError(
        f"There is no copy at {settings.replica_prefix} in the bucket {settings.replica_bucket}.{found}",
        remedy="Correct REPLICA_PREFIX.",
    )


def _too_early(begins: datetime) -> NotFoundError:
    return NotFoundError(
        f"The copy does not go back that far: it begins at {begins:%Y-%m-%dT%H:%M:%SZ}.",
        remedy="Give a later time with --at.",
    )
