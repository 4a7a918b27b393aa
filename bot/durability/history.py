"""Which epoch's copy holds the state of a given time: later ones are tried first, for they began from earlier ones."""

import asyncio
import contextlib
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from bot.durability.bucket import Bucket
from bot.durability.child import Child, Program
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.lineage import Current, epoch_prefix
from bot.durability.restore import Source, restore_replica
from bot.errors import NotFoundError, UnavailableError
from bot.settings import Settings

LISTING_PRECISION = timedelta(seconds=1)
FIRST_TXID = "0000000000000001"


@dataclass(frozen=True, slots=True)
class Reign:
    """The time in which an epoch was the current one: until the next began, from its transaction `forked_at`."""

    epoch: int
    prefix: str
    start: datetime
    end: datetime | None = None
    forked_at: str | None = None
    is_pruned: bool = False

    def sources(self, at: datetime) -> list[Source]:
        """Its state of a time. What was written to it after its end, the next epoch never had, and nobody saw."""
        if self.end is None or at < self.end:
            return [Source(self.prefix, at)]
        latest = min(at, self.end + LISTING_PRECISION)
        exact = [Source(self.prefix, txid=self.forked_at)] if self.forked_at else []
        return [*exact, Source(self.prefix, latest)]


async def restore_state(settings: Settings, at: datetime | None, target: Path, epoch: int | None = None) -> Source:
    """Put the state of a time, None for the newest, at a target that does not exist yet.

    `epoch` takes one epoch with everything that was ever written to it, and no other. Returns where it came from;
    NotFoundError when there is no copy, or none as old as that.
    """
    found = await choose_sources(settings, at) if epoch is None else await choose_epoch(settings, epoch, at)
    *doubtful, source = found
    for each in doubtful:
        with contextlib.suppress(UnavailableError):
            await restore_replica(settings.model_copy(update={"restore_attempts": 1}), each, target)
            return each
    await restore_replica(settings, source, target)
    return source


async def choose_sources(settings: Settings, at: datetime | None) -> list[Source]:
    """The replica that holds the state; before it, those that may hold it: listings know whole seconds only."""
    version = await Bucket(settings).read_current()
    if version is None:
        raise await _nothing_here(settings)
    if at is None:
        return [Source(version.current.prefix)]
    begins, sources = None, list[Source]()
    for reign in reigns(version.current):
        if reign.start > at:
            continue
        if reign.is_pruned:
            break
        found = await oldest_state(settings, reign.prefix)
        begins = found or begins
        if found is not None and found <= at:
            sources += reign.sources(at)
            if found + LISTING_PRECISION <= at:
                break
    if not sources:
        raise _too_early(version.current, begins)
    return sources


async def choose_epoch(settings: Settings, epoch: int, at: datetime | None) -> list[Source]:
    """One epoch's replica, also after its end; NotFoundError where the bucket has none, or has no longer."""
    bucket = Bucket(settings)
    version = await bucket.read_current()
    history = version.current.history if version else ()
    if any(past.epoch == epoch and past.is_pruned for past in history):
        raise NotFoundError(f"Epoch {epoch} is gone: it was deleted after REPLICA_RETENTION_SECONDS.")
    prefix = epoch_prefix(settings.replica_prefix or "", epoch)
    if not (await bucket.look_at(prefix)).has_files:
        has = ", ".join(map(str, await bucket.epochs())) or "none"
        raise NotFoundError(f"There is no epoch {epoch} at {settings.replica_prefix} in the bucket. It has: {has}.")
    return [Source(prefix, at)]


def reigns(current: Current) -> list[Reign]:
    """Every epoch that was ever the current one, the newest first."""
    found = [Reign(current.epoch, current.prefix, current.started_at)]
    for past in reversed(current.history):
        began = found[-1].start
        found.append(Reign(past.epoch, past.prefix, past.start, began, past.txid, past.is_pruned))
    return found


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


def _too_early(current: Current, begins: datetime | None) -> NotFoundError:
    remedy = "Give a later time with --at."
    kept = [reign for reign in reigns(current) if not reign.is_pruned]
    begins = begins or kept[-1].start
    told = f"it begins at {begins:%Y-%m-%dT%H:%M:%SZ}"
    gone = next((past for past in reversed(current.history) if past.is_pruned), None)
    if gone is None:
        return NotFoundError(f"The copy does not go back that far: {told}.", remedy=remedy)
    return NotFoundError(
        f"The copy does not go back that far any more: {told}; epoch {gone.epoch}, which ended "
        f"{gone.end:%Y-%m-%d %H:%M:%S} UTC, was deleted after REPLICA_RETENTION_SECONDS.",
        remedy=remedy,
    )
