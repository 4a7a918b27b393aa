"""What a start does with what it found: a pure function of the facts, and every refusal as its own sentence.

The rule behind all of it: an empty database is made only where nothing can be lost, and a copy is never
written by a volume that is older than it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from bot.durability.lineage import Current, Marker
from bot.durability.situation import BucketFacts, Facts, Unreachable
from bot.errors import ProtectedError, UnavailableError
from bot.store.inspection import FileKind

PROBLEMS_LENGTH = 300


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


@dataclass(frozen=True, slots=True)
class Decision:
    """The action, and in half a sentence why."""

    action: Action
    reason: str


def decide(facts: Facts) -> Decision:
    """What to do; raises ProtectedError, or UnavailableError where waiting may help, when nothing is safe."""
    if facts.database is FileKind.DAMAGED and facts.restore_mode != "prefer-replica":
        _refuse_damaged(facts)
    if facts.bucket is None:
        return _decide_alone(facts)
    if isinstance(facts.bucket, Unreachable):
        return _decide_unreachable(facts, facts.bucket)
    if facts.database is FileKind.OK:
        return _decide_with_database(facts, facts.bucket)
    return _decide_without_database(facts, facts.bucket)


def _decide_alone(facts: Facts) -> Decision:
    marker = facts.marker
    if marker is not None and facts.allow_init != "local":
        raise ProtectedError(
            f"This volume's copy is at {marker.prefix} in the bucket {marker.bucket}, but REPLICA_BUCKET is not set.",
            remedy="Set the REPLICA_* settings again, or ALLOW_INIT=local to go on without a copy.",
        )
    if facts.database is FileKind.OK:
        return Decision(Action.ALONE, "there is a database, and no bucket is configured")
    if facts.database is not FileKind.MISSING:
        _refuse_damaged(facts)
    _refuse_traces(facts)
    if facts.allow_init != "local":
        raise ProtectedError(
            "There is no database here, and no bucket is configured to restore one from.",
            remedy="Set the REPLICA_* settings; or ALLOW_INIT=local to begin a new installation without a copy.",
        )
    return _begin(facts, "ALLOW_INIT=local asks for a new installation without a bucket")


def _decide_unreachable(facts: Facts, bucket: Unreachable) -> Decision:
    if facts.database is not FileKind.OK:
        raise UnavailableError(
            f"{bucket.reason} There is no database on the volume, and it does not start empty.",
            remedy="Check REPLICA_ENDPOINT and REPLICA_BUCKET; the next start tries again.",
        )
    if facts.marker is None or not facts.is_here(facts.marker):
        raise UnavailableError(
            f"{bucket.reason} Whether this volume belongs to {facts.prefix} can't be told without it.",
            remedy="Check the REPLICA_* settings; the next start tries again.",
        )
    return Decision(Action.DEGRADED, f"the volume has epoch {facts.marker.epoch}, and the bucket does not answer")


def _decide_without_database(facts: Facts, bucket: BucketFacts) -> Decision:
    current = bucket.current
    if current is None:
        return _decide_new_installation(facts, bucket)
    _refuse_stranger(facts, current)
    if not bucket.copy.has_files:
        raise ProtectedError(
            f"There is no sound database on the volume, and the copy that {facts.prefix}/control/current.json names, "
            f"{current.prefix}, is empty.",
            remedy="Put the copy back, or choose another REPLICA_PREFIX for a new installation.",
        )
    return Decision(Action.RESTORE, f"the database is {facts.database}, and epoch {current.epoch} is in the bucket")


def _decide_new_installation(facts: Facts, bucket: BucketFacts) -> Decision:
    if facts.database is not FileKind.MISSING:
        _refuse_damaged(facts)
    _refuse_traces(facts)
    marker = facts.marker
    if marker is not None and not (marker.is_pending and marker.parent is None and facts.is_here(marker)):
        raise ProtectedError(
            f"This volume had a database whose copy is at {marker.prefix} in the bucket {marker.bucket}; "
            f"neither is to be found.",
            remedy="Correct REPLICA_BUCKET and REPLICA_PREFIX; or move the marker away to begin a new installation.",
        )
    if bucket.epochs:
        raise ProtectedError(
            f"{facts.prefix} has data ({_epochs(bucket)}) but no control/current.json, and the volume has no database.",
            remedy="Put current.json back, or choose another REPLICA_PREFIX for a new installation.",
        )
    return _begin(facts, _require_may_begin(facts, bucket))


def _decide_with_database(facts: Facts, bucket: BucketFacts) -> Decision:
    marker, current = facts.marker, bucket.current
    if current is None:
        if marker is not None and marker.is_pending and marker.parent is None and facts.is_here(marker):
            return _go_on(facts, bucket, marker)
        return Decision(Action.ADOPT, f"the volume has a database, and {_require_may_begin(facts, bucket)}")
    if marker is None:
        return _by_order(
            facts,
            f"{facts.prefix} in the bucket belongs to epoch {current.epoch} of an installation, "
            f"and nothing shows that this volume's database is part of it.",
        )
    _refuse_stranger(facts, current)
    if marker.claim == current.claim or _follows(marker, current):
        return _go_on(facts, bucket, marker)
    return _by_order(
        facts,
        f"The volume has epoch {marker.epoch}, but the bucket says that epoch {current.epoch} is the current one.",
    )


def _go_on(facts: Facts, bucket: BucketFacts, marker: Marker) -> Decision:
    if not bucket.own.has_files:
        if marker.is_pending:
            return Decision(Action.CONTINUE, f"epoch {marker.epoch} was begun and is not in the bucket yet")
        return Decision(Action.ADOPT, f"the copy at {marker.prefix} is gone from the bucket")
    if facts.local_txid is None:
        return _by_order(
            facts, "Litestream's folder is missing beside the database, so the volume may be older than its copy."
        )
    if facts.local_txid < bucket.own.newest_txid:
        return _by_order(
            facts,
            f"The volume ends at transaction {facts.local_txid}, but its copy at {bucket.own.newest_txid} "
            f"({bucket.own.newest_file}): the volume was rolled back, or that file is none of its own.",
        )
    return Decision(Action.CONTINUE, f"the volume has epoch {marker.epoch}, as the bucket says, and is not behind it")


def _by_order(facts: Facts, doubt: str) -> Decision:
    if facts.restore_mode == "accept-volume":
        return Decision(Action.ADOPT, f"RESTORE_MODE=accept-volume. {doubt}")
    if facts.restore_mode == "prefer-replica":
        bucket = facts.bucket
        if isinstance(bucket, BucketFacts) and bucket.copy.has_files:
            return Decision(Action.RESTORE, f"RESTORE_MODE=prefer-replica. {doubt}")
    raise ProtectedError(
        doubt,
        remedy="Set RESTORE_MODE=prefer-replica to set the volume's files aside and restore the copy, "
        "or RESTORE_MODE=accept-volume to go on with the volume; neither deletes the other.",
    )


def _begin(facts: Facts, reason: str) -> Decision:
    return Decision(Action.IMPORT if facts.has_import else Action.CREATE, reason)


def _require_may_begin(facts: Facts, bucket: BucketFacts) -> str:
    if facts.allow_init == facts.prefix:
        return f"ALLOW_INIT names {facts.prefix}"
    if not bucket.others and not bucket.epochs:
        return "the bucket is empty"
    found = ", ".join(bucket.others) or f"{facts.prefix} ({_epochs(bucket)})"
    raise ProtectedError(
        f"Nothing belongs to this volume at {facts.prefix}, but the bucket {facts.bucket_name} is not empty. "
        f"It has: {found}.",
        remedy=f"Correct REPLICA_PREFIX; or, for a new installation, set ALLOW_INIT={facts.prefix}.",
    )


def _refuse_stranger(facts: Facts, current: Current) -> None:
    marker = facts.marker
    if marker is not None and marker.install_id != current.install_id:
        raise ProtectedError(
            f"{facts.prefix} in the bucket belongs to another installation than this volume, "
            f"whose copy is at {marker.prefix} in the bucket {marker.bucket}.",
            remedy="Correct REPLICA_PREFIX, or mount the right volume.",
        )


def _refuse_damaged(facts: Facts) -> NoReturn:
    found = "The database file is empty (zero bytes)" if facts.database is FileKind.EMPTY else "; ".join(facts.problems)
    if facts.bucket is None or (isinstance(facts.bucket, BucketFacts) and not facts.bucket.copy.has_files):
        remedy = "Move it away, and put a backup in its place."
    else:
        remedy = "Set RESTORE_MODE=prefer-replica to set it aside and restore the copy from the bucket."
    raise ProtectedError(f"{found[:PROBLEMS_LENGTH].rstrip('.')}; nothing was touched.", remedy=remedy)


def _refuse_traces(facts: Facts) -> None:
    if facts.traces:
        raise ProtectedError(
            f"There is no database, but {', '.join(facts.traces)} of a lost one, and no copy to restore.",
            remedy="Put the database back beside it, or move it away to begin a new installation.",
        )


def _follows(marker: Marker, current: Current) -> bool:
    return marker.is_pending and marker.parent is not None and marker.parent.prefix == current.prefix


def _epochs(bucket: BucketFacts) -> str:
    return ", ".join(f"e{epoch:06d}" for epoch in bucket.epochs)
