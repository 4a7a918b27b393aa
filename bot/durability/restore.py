"""Fetching a database from the bucket: beside its place, under a time limit, and verified before anything moves."""

import asyncio
import logging
import re
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

from bot.durability.aside import run_aside
from bot.durability.bucket import Bucket
from bot.durability.child import Child, Program
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.volume import is_sound, place, staged
from bot.errors import ConflictError, StorageError, TzurotError, UnavailableError, UnreadableError
from bot.settings import Settings
from bot.store.inspection import inspect_file

log = logging.getLogger(__name__)

LOG_LINE_STARTS = ("{", "time=")
"""What Litestream's log lines begin with, as JSON and as text; its last word is neither."""

BROKEN = re.compile(r"checksum|ltx file|unexpected EOF|nonsequential|decode ")
"""What Litestream says of a file that is damaged, missing, or does not belong there; waiting does not mend it."""

HOW_TO_GO_BACK = (
    "Nothing was changed. Take away a file that does not belong there; or `tzurot restore --at TIME --to PATH` with a "
    "time before it broke, put PATH in the database's place and start with RESTORE_MODE=accept-volume."
)


@dataclass(frozen=True, slots=True)
class Source:
    """Which replica to fetch: an epoch's prefix, and the time or transaction to go back to; neither: the latest.

    `txid` is as Litestream 0.5.17 writes it: it takes exactly 16 hexadecimal digits in lower case, and no other form.
    """

    prefix: str
    at: datetime | None = None
    txid: str | None = None


@dataclass(frozen=True, slots=True)
class Restored:
    """A verified database that was fetched, and not yet put in place."""

    path: Path
    txid: str
    rows: int
    duration_ms: float
    tables: Mapping[str, int] = field(default_factory=dict)


async def fetch(settings: Settings, source: Source, target: Path, inherits: tuple[int, ...] = ()) -> Restored:
    """Fetch a replica into a folder beside the target and verify it.

    Raises UnavailableError when no attempt succeeds, UnreadableError for a copy that does not verify.
    """
    started = time.monotonic()
    for attempt in range(1, settings.restore_attempts + 1):
        path = staged(target)
        try:
            txid = await _run(settings, source, path, inherits)
            break
        except UnavailableError as error:
            log.warning("Attempt %d of %d to restore failed: %s", attempt, settings.restore_attempts, error.message)
            if attempt == settings.restore_attempts:
                raise
            await asyncio.sleep(settings.restart_delay_seconds)
    report = await run_aside(inspect_file, path, full=True)
    if not is_sound(report):
        found = "; ".join(report.problems) or "it has none of the bot's tables"
        raise UnreadableError(
            f"The copy at {source.prefix} was fetched, but does not verify: {found}.",
            remedy="Restore an earlier time with `tzurot restore --at`.",
        )
    duration_ms = (time.monotonic() - started) * 1000
    return Restored(path, txid, sum(report.rows.values()), duration_ms, report.rows)


async def restore_replica(settings: Settings, source: Source, target: Path) -> Restored:
    """Fetch and verify a replica, and put it at a target that does not exist yet."""
    _require_free(target)
    restored = await fetch(settings, source, target)
    place(restored.path, target)
    return restored


def _require_free(target: Path) -> None:
    if target.exists():
        raise ConflictError(f"{target} is already there.", remedy="Choose another path, or move it away.")


async def _run(settings: Settings, source: Source, output: Path, inherits: tuple[int, ...]) -> str:
    await Bucket(settings).require_one_format(source.prefix)
    database = settings.database_path.absolute()
    # Litestream's own check is left out: it is the same PRAGMA as in `inspect_file`, at a third of the speed.
    options = ["-config", str(settings.litestream_config), "-json", "-o", str(output)]
    with tempfile.TemporaryDirectory(prefix="tzurot-") as scratch:
        environment = litestream_environment(settings, source.prefix, Path(scratch) / "litestream.sock")
        arguments = [litestream_program(), "restore", *options, *_point(source), str(database)]
        child = await Child.start(Program(arguments, environment, inherits), captures=True)
        try:
            async with asyncio.timeout(settings.restore_timeout_seconds):
                code, out, err = await child.output()
        except TimeoutError:
            raise UnavailableError(
                f"Restoring {source.prefix} took longer than {settings.restore_timeout_seconds:g} s.",
                remedy="Check the bucket, or raise RESTORE_TIMEOUT_SECONDS.",
            ) from None
        finally:
            if child.is_running:
                await child.kill()
    if code != 0:
        raise _failure(source.prefix, _reason(err))
    return str(orjson.loads(out)["txid"])


def _point(source: Source) -> list[str]:
    if source.txid is not None:
        return [f"-txid={source.txid}"]
    return [f"-timestamp={source.at.isoformat()}"] if source.at else []


def _failure(prefix: str, reason: str) -> TzurotError:
    if "no space left on device" in reason:  # trying again would not help
        return StorageError(
            f"The disk is full: there is no room to restore {prefix}; what was there before is untouched.",
            remedy="Free space on the volume or make it larger.",
        )
    remedy = HOW_TO_GO_BACK if BROKEN.search(reason) else "`tzurot doctor` looks closer."
    return UnavailableError(f"{prefix} can't be restored: {reason}.", remedy=remedy)


def _reason(errors: bytes) -> str:
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    plain = [line for line in lines if not line.startswith(LOG_LINE_STARTS)]
    last = (plain or lines or ["Litestream gave no reason"])[-1]
    return last.removeprefix("Error: ").rstrip(".")
