"""Finding out everything that the decision of a start depends on, without changing anything."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

from bot.durability.aside import run_aside
from bot.durability.bucket import Bucket, Replica
from bot.durability.lineage import Marker, read_marker
from bot.durability.situation import BucketFacts, Facts, Unreachable
from bot.durability.volume import inspect_volume, local_txid, traces
from bot.errors import UnavailableError
from bot.settings import Settings
from bot.store.files.modes.facts import import_source
from bot.store.inspection import FileKind, FileReport
from bot.store.migrate import require_known

T = TypeVar("T")
RETRY_SECONDS = 0.5

Tell = Callable[[str], None]
Inspect = Callable[[Path], FileReport]


def _keep_quiet(_: str) -> None:
    """For who says it all the same."""


async def gather_facts(
    settings: Settings, bucket: Bucket | None, tell: Tell = _keep_quiet, inspect: Inspect = inspect_volume
) -> Facts:
    """The volume's state and the bucket's; raises ProtectedError for a database from a newer version.

    `tell` is told why when the bucket does not answer at the first try.
    """
    database = settings.database_path.absolute()
    marker = read_marker(database)
    txid = local_txid(database)
    read = partial(_read_bucket, bucket, marker, txid) if bucket else None
    seen, report = await asyncio.gather(_ask(settings, read, tell), run_aside(_inspect, inspect, database))
    return Facts(
        database=report.kind,
        bucket=seen,
        bucket_name=settings.replica_bucket or "",
        prefix=settings.replica_prefix or "",
        marker=marker,
        local_txid=local_txid(database),  # once more: where a bot runs meanwhile, the bucket must not seem ahead of it
        traces=traces(database),
        problems=report.problems,
        allow_init=settings.allow_init,
        restore_mode=settings.restore_mode,
        has_import=import_source(settings) is not None,
    )


def _inspect(inspect: Inspect, database: Path) -> FileReport:
    report = inspect(database)
    if report.kind is FileKind.OK:
        require_known(report.path, report.migrations)
    return report


async def _ask(
    settings: Settings, read: Callable[[], Awaitable[BucketFacts]] | None, tell: Tell
) -> BucketFacts | Unreachable | None:
    return await reach(settings, read, tell) if read else None


async def reach(settings: Settings, ask: Callable[[], Awaitable[T]], tell: Tell = _keep_quiet) -> T | Unreachable:
    """What the bucket answers, asking until it does or its time is over; `tell` is told why the first try failed."""
    reason = f"The bucket {settings.replica_bucket} did not answer within {settings.replica_timeout_seconds:g} s."
    try:
        async with asyncio.timeout(settings.replica_timeout_seconds):
            while True:
                try:
                    return await ask()
                except UnavailableError as error:
                    tell(error.message)
                    reason, tell = error.message, _keep_quiet
                await asyncio.sleep(RETRY_SECONDS)
    except TimeoutError:
        return Unreachable(reason)


async def _read_bucket(bucket: Bucket, marker: Marker | None, txid: int | None) -> BucketFacts:
    version = await bucket.read_current()
    own = await bucket.look_at(marker.prefix, since=txid or 0) if marker else Replica(has_files=False)
    if version is None:
        return BucketFacts(own=own, epochs=tuple(await bucket.epochs()), others=tuple(await bucket.survey()))
    is_same = marker is not None and marker.prefix == version.current.prefix
    copy = own if is_same else await bucket.look_at(version.current.prefix)
    return BucketFacts(current=version.current, own=own, copy=copy)
