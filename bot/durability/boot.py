"""From the settings to a database in its place: lock, facts, decision, and what the decision orders."""

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bot.durability import refusals
from bot.durability.aside import run_aside
from bot.durability.bucket import Bucket, claim_next, next_epoch
from bot.durability.decision import Action, Decision, decide, decide_files
from bot.durability.facts import Inspect, gather_facts, reach
from bot.durability.leaseholder import Leaseholder
from bot.durability.lineage import (
    Current,
    Marker,
    Parent,
    epoch_prefix,
    format_txid,
    now_utc,
    parse_txid,
    write_marker,
)
from bot.durability.lock import VolumeLock
from bot.durability.refusals import describe_loss
from bot.durability.restore import Source, fetch
from bot.durability.situation import BucketFacts, Facts, Unreachable
from bot.durability.volume import clean, forget_replication, inspect_volume, place, quarantine, staged
from bot.errors import ConfigurationError, InvalidInputError, ProtectedError, UnavailableError
from bot.settings import Settings
from bot.store.files.modes.facts import import_source
from bot.store.files.modes.switch import require_switch
from bot.store.inspection import inspect_file
from bot.store.legacy.importer import ImportOptions, import_folder, rejects_path
from bot.store.legacy.report import ImportReport
from bot.store.migrate import create_database, is_current

log = logging.getLogger(__name__)

Progress = Callable[[str], None]
"""Told what is being done at present, for `/readyz`."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A volume that is ready for its writers, and why so; `marker` is None where no bucket is configured."""

    action: Action
    marker: Marker | None
    is_migration_pending: bool
    reason: str = ""


class Boot:
    """One start: decides and carries out; the caller holds the volume's lock throughout."""

    def __init__(self, settings: Settings, lock: VolumeLock, progress: Progress, *, accept_older: bool = False) -> None:
        self._settings = settings
        self._accept_older = accept_older
        self._lock = lock
        self._progress = progress
        self._database = settings.database_path.absolute()
        self.bucket = Bucket(settings) if settings.is_replicated else None
        self.lease = Leaseholder(settings, lock, self.bucket) if self.bucket else None

    async def prepare(self) -> Prepared:
        """Bring the volume into the state that the decision asks for; raises whatever makes going on unsafe."""
        if self._settings.mode == "json":
            return await self._prepare_files()
        clean(self._database)
        self._progress("The volume and the bucket are being looked at.")
        facts = await self._gather()
        decision = decide(facts)
        log.log(_level(decision), "Decision: %s, because %s", decision.action, decision.reason)
        if decision.action is not Action.RESTORE:
            await self._require_switch()
        marker = await self._carry_out(decision, facts)
        if decision.action is Action.RESTORE:  # what the copy knows of the switch, only the copy can tell
            await self._require_switch()
        return Prepared(decision.action, marker, not await run_aside(is_current, self._database), decision.reason)

    async def _prepare_files(self) -> Prepared:
        self._progress("The files are being looked at.")
        decision = decide_files(self._settings)
        await self._require_switch()
        log.info("Decision: %s, because %s", decision.action, decision.reason)
        return Prepared(decision.action, None, is_migration_pending=False, reason=decision.reason)

    async def _require_switch(self) -> None:
        """Nothing may run on data that is older than what another mode has served."""
        await run_aside(require_switch, self._settings, accept_older=self._accept_older)

    def _tell(self, trouble: str) -> None:
        self._progress(trouble)
        log.warning("%s Trying for up to %g s", trouble, self._settings.replica_timeout_seconds)

    async def _gather(self, inspect: Inspect = inspect_volume) -> Facts:
        """The facts, of the bucket only with the lease in hand: otherwise somebody else may be about to change them."""
        if self.bucket is None or self.lease is None:
            return await gather_facts(self._settings, None, inspect=inspect)
        away = await self._take_lease(self.lease)
        facts = await gather_facts(self._settings, None if away else self.bucket, self._tell, inspect)
        if away is not None:
            return replace(facts, bucket=away)
        return replace(facts, must_begin_epoch=self.lease.must_begin_epoch)

    async def _take_lease(self, lease: Leaseholder) -> Unreachable | None:
        if lease.is_acquired:
            await lease.until_held()
            return None
        look = await reach(self._settings, lease.look, self._tell)
        if isinstance(look, Unreachable):
            return look
        if look.found is None:  # what is not allowed to begin here leaves nothing here: a mistyped prefix above all
            decide(await gather_facts(self._settings, self.bucket, self._tell))
        look = await reach(self._settings, partial(lease.examine, look), self._tell)
        if isinstance(look, Unreachable):
            return look
        try:
            await lease.acquire(look, self._progress)
        except UnavailableError as error:
            return Unreachable(error.message)
        return None

    async def agree(self) -> Marker | None:
        """After a start without the bucket: what to write there once it answers; ProtectedError if it disagrees."""
        while True:
            try:
                # Without its check of every page, which the start has done, beside the bot that is running by now.
                facts = await self._gather(partial(inspect_file, full=False))
                if isinstance(facts.bucket, BucketFacts):
                    break
                log.error("Still without the bucket: writes are on the volume only")
            except ConfigurationError as error:
                log.error("Still without the bucket: %s", error.message)  # noqa: TRY400 - one line
            await asyncio.sleep(self._settings.restart_delay_seconds)
        decision = decide(facts)
        is_new = decision.action is Action.ADOPT and facts.must_begin_epoch
        if decision.action is not Action.CONTINUE and not is_new:
            raise ProtectedError(
                f"The bucket answers again, but the start has to be decided anew: {decision.action}, "
                f"because {decision.reason}."
            )
        log.log(_level(decision), "Decision: %s, because %s", decision.action, decision.reason)
        return await self._carry_out(decision, facts)

    async def _carry_out(self, decision: Decision, facts: Facts) -> Marker | None:
        match decision.action:
            case Action.RESTORE:
                return await self._restore(facts)
            case Action.CREATE | Action.IMPORT:
                return await self._create(facts, is_import=decision.action is Action.IMPORT)
            case Action.ADOPT:
                return await self._adopt(facts)
            case Action.CONTINUE:
                self._forget_unused(facts)
        return None if self.bucket is None else facts.marker

    async def _adopt(self, facts: Facts) -> Marker:
        current, marker = _current(facts), facts.marker
        is_child = current is not None and marker is not None and marker.claim == current.claim
        txid = format_txid(facts.local_txid) if is_child and facts.local_txid is not None else None
        marker = await self._begin_epoch(facts, txid)
        # Interrupted after the marker, the next start forgets; before it, it would no longer know the volume's state.
        self._write_marker(marker)
        forget_replication(self._database)
        return marker

    def _forget_unused(self, facts: Facts) -> None:
        """Of an epoch without any upload: what Litestream remembers may be of the one before, and would stop it."""
        is_unused = isinstance(facts.bucket, BucketFacts) and not facts.bucket.own.has_files
        if is_unused and facts.marker is not None and facts.marker.is_pending:
            forget_replication(self._database)

    async def _restore(self, facts: Facts) -> Marker:
        current = _current(facts)
        if current is None:
            raise ProtectedError("There is no epoch to restore.")
        self._progress(f"The database is being restored from {current.prefix}.")
        restored = await fetch(self._settings, Source(current.prefix), self._database, (self._lock.fd,))
        log.info("Restored %d rows from %s in %.0f ms", restored.rows, current.prefix, restored.duration_ms)
        self._compare_with_confirmed(facts, current.prefix, parse_txid(restored.txid))
        marker = (await self._begin_epoch(facts, restored.txid)).model_copy(update={"is_restored": True})
        self._quarantine(describe_loss(facts, parse_txid(restored.txid)))
        self._write_marker(marker)
        place(restored.path, self._database)
        return marker

    def _compare_with_confirmed(self, facts: Facts, prefix: str, restored_txid: int) -> None:
        confirmed = self.lease.confirmed if self.lease else None
        if (error := refusals.find_short_copy(prefix, restored_txid, confirmed)) is None:
            return
        if facts.restore_mode != "prefer-replica":
            raise error
        log.error("%s Going on without that, as RESTORE_MODE=prefer-replica asks for", error.message)

    async def _create(self, facts: Facts, *, is_import: bool) -> Marker | None:
        prepared = staged(self._database)
        await run_aside(create_database, prepared)
        if is_import and (source := import_source(self._settings)) is not None:
            await self._import(source, prepared)
        marker = None if self.bucket is None else await self._begin_epoch(facts)
        self._quarantine()
        if marker is not None:
            self._write_marker(marker)
        place(prepared, self._database)
        return marker

    async def _import(self, folder: Path, prepared: Path) -> None:
        self._progress(f"The old data in {folder} is being imported.")
        try:
            report = await import_folder(folder, prepared, ImportOptions(self._settings))
        except InvalidInputError as error:
            raise ConfigurationError(
                f"IMPORT_DIR names nothing to import: {error.message}",
                remedy="Correct it, or unset it to begin without the old data.",
            ) from None
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError  # the import keeps one that comes too late for itself; the start has to end
        if rejects_path(prepared).exists():
            rejects_path(prepared).replace(rejects_path(self._database))
        log.info(
            "Imported %d of %d records from %s; %d rejected, %d files left aside",
            *(report.count("imported"), report.count("read"), folder),
            *(report.count("rejected"), len(report.ignored)),
        )
        _log_comparison(report, folder)

    async def _begin_epoch(self, facts: Facts, txid: str | None = None) -> Marker:
        if self.bucket is None:
            raise ConfigurationError("An epoch needs a bucket.")
        current, prefix = _current(facts), facts.prefix
        epoch = await next_epoch(self.bucket, current)
        draft = Marker(
            install_id=_install_id(facts.marker, current),
            epoch=epoch,
            prefix=epoch_prefix(prefix, epoch),
            claim=uuid.uuid4().hex,
            started_at=now_utc(),
            parent=Parent(epoch=current.epoch, prefix=current.prefix, txid=txid) if current else None,
            bucket=facts.bucket_name,
        )
        marker = await claim_next(self.bucket, draft, prefix)
        log.info("Epoch %d begins at %s", marker.epoch, marker.prefix)
        return marker

    def _write_marker(self, marker: Marker) -> None:
        write_marker(self._database, marker)
        if self.lease is not None:
            self.lease.settle()

    def _quarantine(self, loss: str = "") -> None:
        folder = quarantine(self._database, now_utc())
        if folder is not None:
            log.warning("%s", f"What was left of the old database is in {folder}, unchanged.")
        if loss:
            log.warning("The restored database may not be the whole one. %s", loss)


def _current(facts: Facts) -> Current | None:
    return facts.bucket.current if isinstance(facts.bucket, BucketFacts) else None


def _log_comparison(report: ImportReport, folder: Path) -> None:
    found = report.comparison
    if found is not None and found.is_equal:
        log.info("Compared with %s: %d records on both sides are equal", folder, found.count("database"))
    elif found is not None:
        log.warning(
            "Compared with %s: %d records DIFFER; `tzurot verify` lists them", folder, found.count("differences")
        )


def _install_id(marker: Marker | None, current: Current | None) -> str:
    known = marker or current
    return known.install_id if known else uuid.uuid4().hex


def _level(decision: Decision) -> int:
    is_usual = decision.action in (Action.CONTINUE, Action.CREATE, Action.IMPORT)
    return logging.INFO if is_usual else logging.WARNING
