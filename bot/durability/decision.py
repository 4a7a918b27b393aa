"""What a start does with what it found: a pure function of the facts.

The rule behind all of it: an empty database is made only where nothing can be lost, a copy is never written by a
volume that is older than it, and nothing that may be the only one of its kind is deleted.
"""

from dataclasses import dataclass
from enum import StrEnum

from bot.durability import refusals
from bot.durability.lineage import Current, Marker
from bot.durability.refusals import describe_database
from bot.durability.situation import BucketFacts, Facts, Unreachable
from bot.errors import UnavailableError
from bot.settings import Settings
from bot.store.inspection import FileKind


class Action(StrEnum):
    """What a start does before the bot runs."""

    CONTINUE = "continue"
    """The volume's database goes on in its epoch."""
    DEGRADED = "degraded"
    """The bot starts on the volume; replication follows when the bucket answers and agrees."""
    ALONE = "alone"
    """The volume's database goes on without any bucket."""
    ADOPT = "adopt"
    """The volume's database begins a new epoch."""
    RESTORE = "restore"
    """The bucket's database begins a new epoch."""
    CREATE = "create"
    """A new, empty database."""
    IMPORT = "import"
    """A new database from a legacy folder."""
    FILES = "files"
    """JSON files are served, and no database."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The action, and in half a sentence why."""

    action: Action
    reason: str


def decide(facts: Facts) -> Decision:
    """What to do; raises ProtectedError, or UnavailableError where waiting may help, when nothing is safe."""
    if facts.bucket is None:
        return _decide_alone(facts)
    if isinstance(facts.bucket, Unreachable):
        return _decide_unreachable(facts, facts.bucket)
    if facts.database is FileKind.OK:
        return _keep_apart(facts, _decide_with_database(facts, facts.bucket))
    return _decide_without_database(facts, facts.bucket)


def decide_files(settings: Settings) -> Decision:
    """What to do where the files are the truth: nothing has to be in place but them."""
    return Decision(Action.FILES, f"STORAGE_MODE={settings.mode} serves the files in {settings.json_folder} alone")


def _keep_apart(facts: Facts, decision: Decision) -> Decision:
    """An instance that vanished may still have an upload on its way: nobody goes on in its epoch."""
    if decision.action is not Action.CONTINUE or not facts.must_begin_epoch:
        return decision
    return Decision(
        Action.ADOPT,
        f"{decision.reason}; but the instance that wrote there before did not release its lease, "
        "so this one writes to a new epoch",
    )


def _decide_alone(facts: Facts) -> Decision:
    if facts.database in (FileKind.EMPTY, FileKind.DAMAGED):
        raise refusals.damaged_without_copy(facts)
    if facts.marker is not None and facts.allow_init != "local":
        raise refusals.bucket_unset(facts.marker)
    if facts.database is FileKind.OK:
        return Decision(Action.ALONE, "there is a database, and no bucket is configured")
    if facts.traces:
        raise refusals.only_traces(facts)
    if facts.allow_init != "local":
        raise refusals.nothing_anywhere()
    return _begin(facts, "ALLOW_INIT=local asks for a new installation without a bucket")


def _decide_unreachable(facts: Facts, bucket: Unreachable) -> Decision:
    if facts.database is not FileKind.OK:
        raise UnavailableError(
            f"{bucket.reason} On the volume {describe_database(facts)}; nothing was touched, "
            "and it does not start empty.",
            remedy="Check REPLICA_ENDPOINT and REPLICA_BUCKET; the next start tries again.",
        )
    if facts.marker is None or not facts.is_here(facts.marker):
        raise UnavailableError(
            f"{bucket.reason} Whether this volume belongs to {facts.prefix} can't be told without it.",
            remedy="Check the REPLICA_* settings; the next start tries again.",
        )
    return Decision(Action.DEGRADED, f"the volume has epoch {facts.marker.epoch}, and the bucket does not answer")


def _decide_without_database(facts: Facts, bucket: BucketFacts) -> Decision:
    current, marker = bucket.current, facts.marker
    if current is None:
        return _decide_new_installation(facts, bucket)
    refusals.require_same_installation(facts, current)
    if facts.database is FileKind.DAMAGED and facts.restore_mode != "prefer-replica":
        _require_replaceable(facts, current)
    if not bucket.copy.has_files:
        raise refusals.copy_is_empty(facts, current)
    reason = f"{describe_database(facts)}, and epoch {current.epoch} is in the bucket"
    if marker is not None and _follows(facts, marker, current):
        reason += f" (epoch {marker.epoch}, which began from it here, was not confirmed there)"
    return Decision(Action.RESTORE, reason)


def _require_replaceable(facts: Facts, current: Current) -> None:
    """A damaged file is replaced without being asked only by the copy that was made of it."""
    marker = facts.marker
    if facts.restore_mode == "accept-volume":
        raise refusals.damaged_but_accepted(facts)
    if marker is None or not (marker.claim == current.claim or _follows(facts, marker, current)):
        raise refusals.damaged_in_doubt(facts, current)


def _decide_new_installation(facts: Facts, bucket: BucketFacts) -> Decision:
    marker = facts.marker
    if facts.database is not FileKind.MISSING:
        raise refusals.damaged_without_copy(facts)
    if facts.traces:
        raise refusals.only_traces(facts)
    if marker is not None and not _is_first(facts, marker):
        raise refusals.volume_and_copy_lost(marker)
    if bucket.epochs:
        raise refusals.no_current(facts, bucket)
    return _begin(facts, _require_may_begin(facts, bucket))


def _decide_with_database(facts: Facts, bucket: BucketFacts) -> Decision:
    marker, current = facts.marker, bucket.current
    if current is None:
        return _decide_first_copy(facts, bucket)
    if marker is None:
        return _by_order(
            facts,
            bucket,
            f"{facts.prefix} in the bucket belongs to epoch {current.epoch} of an installation, "
            f"and nothing shows that this volume's database is part of it.",
        )
    refusals.require_same_installation(facts, current)
    if marker.claim == current.claim or _follows(facts, marker, current):
        return _go_on(facts, bucket, marker)
    return _by_order(facts, bucket, refusals.describe_other_epoch(facts, marker, bucket, current))


def _decide_first_copy(facts: Facts, bucket: BucketFacts) -> Decision:
    """Of a sound database, where the bucket knows no epoch."""
    marker = facts.marker
    if marker is None:
        return Decision(Action.ADOPT, f"the volume has a database, and {_require_may_begin(facts, bucket)}")
    if not facts.is_here(marker):
        may = _require_may_begin(facts, bucket)
        return Decision(
            Action.ADOPT,
            f"the copy was moved: until now it was at {marker.prefix} in the bucket {marker.bucket}, "
            f"where it stays, and {may}",
        )
    if _is_first(facts, marker):
        return _go_on(facts, bucket, marker)
    if bucket.own.has_files and (facts.local_txid or 0) < bucket.own.newest_txid:
        return _by_order(facts, bucket, f"control/current.json is gone from {facts.prefix}. {_doubt(facts, bucket)}")
    return Decision(Action.ADOPT, f"the bucket has lost its record of epochs, and {_require_may_begin(facts, bucket)}")


def _go_on(facts: Facts, bucket: BucketFacts, marker: Marker) -> Decision:
    if not bucket.own.has_files:
        if marker.is_pending:
            return Decision(Action.CONTINUE, f"epoch {marker.epoch} was begun and is not in the bucket yet")
        return Decision(Action.ADOPT, f"the copy at {marker.prefix} is gone from the bucket")
    if doubt := _doubt(facts, bucket):
        return _by_order(facts, bucket, doubt)
    if not facts.is_here(marker):
        return Decision(
            Action.ADOPT,
            f"the copy of epoch {marker.epoch} was itself copied here from the bucket {marker.bucket}, "
            "and the volume is not behind it",
        )
    return Decision(Action.CONTINUE, f"the volume has epoch {marker.epoch}, as the bucket says, and is not behind it")


def _doubt(facts: Facts, bucket: BucketFacts) -> str:
    if facts.local_txid is None:
        return "Litestream's folder is missing beside the database, so the volume may be older than its copy."
    if facts.local_txid < bucket.own.newest_txid:
        return (
            f"The volume ends at transaction {facts.local_txid}, but its copy at {bucket.own.newest_txid} "
            f"({bucket.own.newest_file}): the volume was rolled back, or that file is none of its own."
        )
    return ""


def _by_order(facts: Facts, bucket: BucketFacts, doubt: str) -> Decision:
    if facts.restore_mode == "accept-volume":
        return Decision(Action.ADOPT, f"RESTORE_MODE=accept-volume. {doubt}")
    if facts.restore_mode == "prefer-replica" and bucket.copy.has_files:
        return Decision(Action.RESTORE, f"RESTORE_MODE=prefer-replica. {doubt}")
    raise refusals.order_needed(bucket, doubt)


def _begin(facts: Facts, reason: str) -> Decision:
    return Decision(Action.IMPORT if facts.has_import else Action.CREATE, reason)


def _require_may_begin(facts: Facts, bucket: BucketFacts) -> str:
    if facts.allow_init == facts.prefix:
        return f"ALLOW_INIT names {facts.prefix}"
    if not bucket.others and not bucket.epochs:
        return f"the bucket {facts.bucket_name} is empty"
    raise refusals.not_allowed_to_begin(facts, bucket)


def _is_first(facts: Facts, marker: Marker) -> bool:
    """Whether a marker is of an installation's first epoch, which the bucket does not name yet."""
    return marker.is_pending and marker.parent is None and facts.is_here(marker)


def _follows(facts: Facts, marker: Marker, current: Current) -> bool:
    """Whether a marker's epoch began from the current one, and waits for its first upload to be confirmed."""
    is_waiting = marker.is_pending and facts.is_here(marker)
    return is_waiting and marker.parent is not None and marker.parent.prefix == current.prefix
