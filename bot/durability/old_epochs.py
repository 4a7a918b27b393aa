"""What becomes of epochs that have ended: kept for a while, watched for late writes, then deleted."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.durability.bucket import Bucket, Replica, Version
from bot.durability.lineage import Current, Past, epoch_prefix, now_utc, parse_txid, read_marker
from bot.errors import TzurotError
from bot.rules.wording import counted
from bot.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OldEpoch:
    """An epoch that has ended, and what it holds beyond the transaction at which the next one began from it."""

    past: Past
    successor: int
    kept_until: datetime
    tail: int = 0
    tail_at: datetime | None = None

    def __str__(self) -> str:
        """The tail, and how to look at it, as an operator reads it."""
        last = f" (the last at {self.tail_at:%Y-%m-%d %H:%M:%S} UTC)" if self.tail_at else ""
        verb = "was" if self.tail == 1 else "were"
        return (
            f"{counted(self.tail, 'transaction')} {verb} written to {self.past.prefix} after epoch {self.successor} "
            f"began from it{last}, and no later epoch has them. They are kept until {self.kept_until:%Y-%m-%d}; "
            f"look at them with `tzurot restore --epoch {self.past.epoch} --to PATH`."
        )


def kept_until(past: Past, settings: Settings) -> datetime:
    """When an epoch that has ended is deleted."""
    return past.end + timedelta(seconds=settings.replica_retention_seconds)


async def examine(settings: Settings, bucket: Bucket, current: Current) -> list[OldEpoch]:
    """Every epoch before the current one, the oldest first, with its tail where it is still kept."""
    replicas = await asyncio.gather(*(_look_at(bucket, past) for past in current.history))
    successors = [*(past.epoch for past in current.history), current.epoch][1:]
    return [
        _describe(settings, past, successor, replica)
        for past, successor, replica in zip(current.history, successors, replicas, strict=True)
    ]


async def _look_at(bucket: Bucket, past: Past) -> Replica:
    if past.is_pruned or past.txid is None:  # from a volume that was accepted though nobody knew how old it was
        return Replica(has_files=False)
    return await bucket.look_at(past.prefix, since=parse_txid(past.txid))


def _describe(settings: Settings, past: Past, successor: int, replica: Replica) -> OldEpoch:
    tail = max(0, replica.newest_txid - parse_txid(past.txid)) if past.txid else 0
    return OldEpoch(past, successor, kept_until(past, settings), tail, replica.newest_at if tail else None)


async def prune(settings: Settings, bucket: Bucket, version: Version, now: datetime) -> None:
    """Delete the epochs whose time is over; the history says so first, so that nobody looks for them."""
    due = [past for past in version.current.history if _is_due(settings, past, version.current, now)]
    if any(not past.is_pruned for past in due):
        await bucket.write_current(_without(version.current, due), version)
    stored = set(await bucket.epochs()) if due else set()
    for past in due:
        # Some services go on listing an empty folder.
        if past.epoch in stored and (number := await bucket.delete_all(past.prefix)):
            log.info(
                "Deleted %s, %s: epoch %d ended %s",
                *(past.prefix, counted(number, "object"), past.epoch, f"{past.end:%Y-%m-%d %H:%M:%S} UTC"),
            )


def _is_due(settings: Settings, past: Past, current: Current, now: datetime) -> bool:
    is_ours = past.prefix == epoch_prefix(settings.replica_prefix or "", past.epoch)
    return is_ours and past.prefix != current.prefix and kept_until(past, settings) <= now


def _without(current: Current, due: list[Past]) -> Current:
    history = tuple(past.model_copy(update={"is_pruned": past.is_pruned or past in due}) for past in current.history)
    return current.model_copy(update={"history": history})


async def look_after(settings: Settings, bucket: Bucket) -> None:
    """Report tails, and again when they grow; prune; until cancelled."""
    told: dict[int, int] = {}
    while True:
        pause = settings.canary_interval_seconds
        try:
            if await _look_once(settings, bucket, told):
                pause = settings.upkeep_interval_seconds
        except TzurotError as error:
            log.warning("The epochs before the current one could not be looked after: %s", error.message)
        await asyncio.sleep(pause)


async def _look_once(settings: Settings, bucket: Bucket, told: dict[int, int]) -> bool:
    """False, and nothing done, while a new epoch is not confirmed: a lost volume comes from the one before."""
    marker = read_marker(settings.database_path.absolute())
    version = await bucket.read_current()
    if marker is None or marker.is_pending or version is None or version.current.claim != marker.claim:
        return False
    _report(await examine(settings, bucket, version.current), told)
    await prune(settings, bucket, version, now_utc())
    return True


def _report(old_epochs: list[OldEpoch], told: dict[int, int]) -> None:
    for old in old_epochs:
        if old.tail > told.get(old.past.epoch, 0):
            told[old.past.epoch] = old.tail
            log.warning("%s", old)
