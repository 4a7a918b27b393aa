"""What a start would do and why, found out without a lock and without changing anything."""

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bot.durability.aside import run_aside
from bot.durability.bucket import Bucket
from bot.durability.decision import Action, Decision, decide, decide_files
from bot.durability.facts import gather_facts
from bot.durability.lease import Lease, Standing, judge, must_begin_epoch, read_memory
from bot.durability.lease_pen import identify_volume
from bot.durability.old_epochs import OldEpoch, examine
from bot.durability.presence import LOCK_NAME, Holder, find_holder
from bot.durability.refusals import describe_loss, find_short_copy
from bot.durability.situation import BucketFacts, Facts
from bot.durability.volume import inspect_volume
from bot.errors import TzurotError
from bot.rules.operation.storage_mode import Facts as SwitchFacts
from bot.rules.operation.switching import decide as decide_switch
from bot.settings import Settings
from bot.store.engine import UNTOUCHED
from bot.store.files.modes.facts import look
from bot.store.inspection import FileReport, inspect_file


@dataclass(frozen=True, slots=True)
class Explanation:
    """The facts, and the decision or the refusal that follows from them.

    `holder` is who uses the volume, `lease` who has the bucket's lease or had it last; `newest_txid` is where the copy
    in the bucket ends; `loss` is what a restored database would lack; `sides` are what a start compares before the
    storage mode begins, None where that can be told only later: when the one that runs has ended, or after a restore.
    """

    facts: Facts
    holder: Holder | None
    outcome: Decision | TzurotError
    lease: Lease | None = None
    standing: Standing = Standing.FREE
    newest_txid: int | None = None
    old_epochs: tuple[OldEpoch, ...] = ()
    loss: str = ""
    sides: SwitchFacts | None = None


async def explain(settings: Settings) -> Explanation:
    """Look at everything that a start would look at; raises what a start would raise before it decides."""
    database = settings.database_path.absolute()
    holder = find_holder(settings.state_folder.absolute())
    bucket = Bucket(settings) if settings.is_replicated else None
    facts = await gather_facts(settings, bucket, inspect=partial(_inspect, is_in_use=holder is not None))
    found = await _explain_volume(settings, bucket, facts, holder)
    if holder is not None or not isinstance(found.outcome, Decision) or found.outcome.action is Action.RESTORE:
        return found
    sides, refusal = await run_aside(_look_at_sides, settings, _open_mode(database))
    return replace(found, sides=sides, outcome=refusal or found.outcome)


async def _explain_volume(
    settings: Settings, bucket: Bucket | None, facts: Facts, holder: Holder | None
) -> Explanation:
    if settings.mode == "json":
        return Explanation(facts, holder, decide_files(settings))
    if bucket is None or not isinstance(facts.bucket, BucketFacts):
        return Explanation(facts, holder, _decide(facts))
    current = facts.bucket.current
    lease, standing = await _look_at_lease(bucket, settings.database_path.absolute().parent)
    facts = replace(facts, must_begin_epoch=must_begin_epoch(lease, standing))
    found = Explanation(facts, holder, _decide(facts), lease, standing)
    if current is None:
        return found
    newest = (await bucket.look_at(current.prefix)).newest_txid
    found = replace(found, newest_txid=newest, old_epochs=tuple(await examine(settings, bucket, current)))
    if not isinstance(found.outcome, Decision) or found.outcome.action is not Action.RESTORE:
        return found
    short = find_short_copy(current.prefix, newest, lease.confirmed if lease else None)
    if short is not None and facts.restore_mode != "prefer-replica":
        return replace(found, outcome=short)
    return replace(found, loss=describe_loss(facts, newest))


async def _look_at_lease(bucket: Bucket, folder: Path) -> tuple[Lease | None, Standing]:
    sighting = await bucket.read_lease()
    lease = sighting.lease if sighting else None
    try:
        fd = os.open(folder / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return lease, judge(lease, None, "")
    try:
        return lease, judge(lease, read_memory(folder), identify_volume(fd))
    finally:
        os.close(fd)


def _decide(facts: Facts) -> Decision | TzurotError:
    try:
        return decide(facts)
    except TzurotError as error:
        return error


def _inspect(database: Path, *, is_in_use: bool) -> FileReport:
    if is_in_use:  # a check of every page would hold the bot's checkpoints up
        return inspect_file(database, full=False)
    return inspect_volume(database, _open_mode(database))


def _open_mode(database: Path) -> str:
    log = Path(f"{database}-wal")
    return "ro" if log.exists() and log.stat().st_size > 0 else UNTOUCHED


def _look_at_sides(settings: Settings, mode: str) -> tuple[SwitchFacts | None, TzurotError | None]:
    """What the database and the JSON files say of who served them, and why the storage mode may not begin."""
    sides = None
    try:
        sides = look(settings, mode)
        decide_switch(sides)
    except TzurotError as error:
        return sides, error
    return sides, None
