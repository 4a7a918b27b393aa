"""Why a start refuses, one sentence for each case, and what its operator can do about it."""

from bot.durability.lease import Confirmed
from bot.durability.lineage import Current, Marker
from bot.durability.situation import BucketFacts, Facts
from bot.errors import ProtectedError
from bot.rules.wording import counted
from bot.store.inspection import FileKind

PROBLEMS_LENGTH = 300
ORDERS = (
    "Set RESTORE_MODE=prefer-replica to move the volume's files to a quarantine folder and restore the copy, "
    "or RESTORE_MODE=accept-volume to go on with the volume; neither deletes the other."
)
ORDER = "set RESTORE_MODE=accept-volume to begin a new epoch from the volume; it deletes nothing."


def describe_database(facts: Facts) -> str:
    """What is wrong with the volume's database, as part of a sentence."""
    if facts.database is FileKind.EMPTY:
        return "the database file is empty (zero bytes)"
    if facts.database is FileKind.DAMAGED:
        told = "the database file is damaged"
        problems = "; ".join(facts.problems)[:PROBLEMS_LENGTH].rstrip(".")
        return told if problems.lower() == told else f"{told} ({problems})"
    if facts.traces:
        return f"there is no database, only {', '.join(facts.traces)} of a lost one"
    return "there is no database"


def describe_loss(facts: Facts, restored_txid: int) -> str:
    """What a restored database lacks of the one that it replaces; empty where nothing shows that it lacks anything."""
    marker, local = facts.marker, facts.local_txid
    current = facts.bucket.current if isinstance(facts.bucket, BucketFacts) else None
    if marker is None or current is None:
        return ""
    if marker.claim != current.claim:
        return _loss_of_another_epoch(facts, marker)
    if local is not None and local > restored_txid:
        return (
            f"It lacks {counted(local - restored_txid, 'transaction')} that had not reached the bucket "
            f"(the copy ends at {restored_txid}, the volume at {local} or later)."
        )
    if facts.database is FileKind.MISSING:
        return ""
    return f"It may lack what was committed after transaction {restored_txid}, where the copy ends."


def _loss_of_another_epoch(facts: Facts, marker: Marker) -> str:
    if marker.is_pending:
        uploaded = isinstance(facts.bucket, BucketFacts) and facts.bucket.own.has_files
        place = f"; what of that was uploaded is at {marker.prefix}" if uploaded else ""
        return f"It lacks what was written in epoch {marker.epoch}, which was never confirmed{place}."
    return "" if facts.database is FileKind.MISSING else "It may lack what only this volume had."


def describe_other_epoch(facts: Facts, marker: Marker, bucket: BucketFacts, current: Current) -> str:
    """How a volume of the same installation comes to have another epoch than the current one."""
    if not facts.is_here(marker):
        return (
            f"This volume's copy is at {marker.prefix} in the bucket {marker.bucket}, but the settings name "
            f"{facts.prefix} in {facts.bucket_name}, which has another copy of the same installation: "
            f"epoch {current.epoch}, begun {current.started_at:%Y-%m-%d %H:%M:%S} UTC."
        )
    if marker.is_pending:
        wrote = f", and what it uploaded is at {marker.prefix}" if bucket.own.has_files else ""
        origin = f" from epoch {marker.parent.epoch}" if marker.parent else ""
        return (
            f"The volume began epoch {marker.epoch}{origin}, but before that was confirmed epoch {current.epoch} "
            f"became the current one: this volume's writes since then are in no other epoch{wrote}."
        )
    past = next((past for past in current.history if past.prefix == marker.prefix), None)
    if past is not None:
        return (
            f"The volume has epoch {marker.epoch}, which ended {past.end:%Y-%m-%d %H:%M:%S} UTC; the current one is "
            f"epoch {current.epoch}: an older volume came back."
        )
    return f"The volume has epoch {marker.epoch}, but the bucket says that epoch {current.epoch} is the current one."


def require_same_installation(facts: Facts, current: Current) -> None:
    """Raise ProtectedError when the volume comes from another installation than the bucket's prefix."""
    marker = facts.marker
    if marker is not None and marker.install_id != current.install_id:
        raise ProtectedError(
            f"{facts.prefix} in the bucket belongs to another installation than this volume, "
            f"whose copy is at {marker.prefix} in the bucket {marker.bucket}.",
            remedy="Correct REPLICA_PREFIX, or mount the right volume.",
        )


def find_short_copy(prefix: str, newest_txid: int, confirmed: Confirmed | None) -> ProtectedError | None:
    """A copy without its last files is whole to every check, and an older state."""
    if confirmed is None or confirmed.prefix != prefix or confirmed.txid <= newest_txid:
        return None
    return ProtectedError(
        f"The copy at {prefix} ends at transaction {newest_txid}, but {confirmed.txid} was confirmed there: "
        "its last files are gone.",
        remedy="Put them back, or wait where the bucket lists new files late; RESTORE_MODE=prefer-replica goes on "
        "without what they had. Nothing was changed.",
    )


def order_needed(bucket: BucketFacts, doubt: str) -> ProtectedError:
    """Both the volume and the copy may be the right one."""
    return ProtectedError(doubt, remedy=ORDERS if bucket.copy.has_files else "Put back what is missing; or " + ORDER)


def damaged_without_copy(facts: Facts) -> ProtectedError:
    """A file that is no sound database, where there is nothing to replace it by."""
    marker = facts.marker
    remedy = "Move it away, and put a backup in its place."
    if marker is not None and not facts.is_here(marker):
        remedy = f"Its copy is at {marker.prefix} in the bucket {marker.bucket}: set the REPLICA_* settings to that."
    return _untouched(facts, "there is no copy to restore", remedy)


def damaged_but_accepted(facts: Facts) -> ProtectedError:
    """An order to go on with a volume that can't be gone on with."""
    remedy = "Unset RESTORE_MODE to set the file aside and restore the copy, or put a backup in its place."
    return _untouched(facts, "RESTORE_MODE=accept-volume asks to go on with it", remedy)


def damaged_in_doubt(facts: Facts, current: Current) -> ProtectedError:
    """A damaged file that the copy may not be a copy of."""
    return _untouched(
        facts,
        f"nothing shows that epoch {current.epoch} in the bucket is its copy",
        "Set RESTORE_MODE=prefer-replica to set it aside and restore that copy all the same.",
    )


def _untouched(facts: Facts, why: str, remedy: str) -> ProtectedError:
    found = describe_database(facts)
    return ProtectedError(f"{found[0].upper()}{found[1:]}, and {why}; nothing was touched.", remedy=remedy)


def only_traces(facts: Facts) -> ProtectedError:
    """A write-ahead log or Litestream's folder without its database."""
    return ProtectedError(
        f"There is no database, but {', '.join(facts.traces)} of a lost one, and no copy to restore.",
        remedy="Put the database back beside it, or move it away to begin a new installation.",
    )


def bucket_unset(marker: Marker) -> ProtectedError:
    """A volume that has a copy, started without."""
    return ProtectedError(
        f"This volume's copy is at {marker.prefix} in the bucket {marker.bucket}, but REPLICA_BUCKET is not set.",
        remedy="Set the REPLICA_* settings again, or ALLOW_INIT=local to go on without a copy.",
    )


def nothing_anywhere() -> ProtectedError:
    """Neither a database nor a bucket."""
    return ProtectedError(
        "There is no database here, and no bucket is configured to restore one from.",
        remedy="Set the REPLICA_* settings; or ALLOW_INIT=local to begin a new installation without a copy.",
    )


def volume_and_copy_lost(marker: Marker) -> ProtectedError:
    """A marker without a database, and no copy where the settings lead."""
    return ProtectedError(
        f"This volume had a database whose copy is at {marker.prefix} in the bucket {marker.bucket}; "
        f"neither is to be found.",
        remedy="Correct REPLICA_BUCKET and REPLICA_PREFIX; or move the marker away to begin a new installation.",
    )


def no_current(facts: Facts, bucket: BucketFacts) -> ProtectedError:
    """Copies, but no record of which is the current one."""
    return ProtectedError(
        f"{facts.prefix} has data ({_epochs(bucket)}) but no control/current.json, and the volume has no database.",
        remedy="Put current.json back, or choose another REPLICA_PREFIX for a new installation.",
    )


def copy_is_empty(facts: Facts, current: Current) -> ProtectedError:
    """A record of a copy that is not there."""
    return ProtectedError(
        f"There is no sound database on the volume, and the copy that {facts.prefix}/control/current.json names, "
        f"{current.prefix}, is empty.",
        remedy="Put the copy back, or choose another REPLICA_PREFIX for a new installation.",
    )


def not_allowed_to_begin(facts: Facts, bucket: BucketFacts) -> ProtectedError:
    """A place in the bucket that is new to this volume, beside something else."""
    found = ", ".join(bucket.others) or f"{facts.prefix} ({_epochs(bucket)})"
    marker = facts.marker
    if facts.database is FileKind.OK and marker is not None and facts.is_here(marker):
        return ProtectedError(
            f"The volume has epoch {marker.epoch}, but control/current.json is gone from {facts.prefix}. "
            f"The bucket {facts.bucket_name} has: {found}.",
            remedy=f"Put current.json back; or, to begin a new epoch from this volume, set ALLOW_INIT={facts.prefix}.",
        )
    if facts.database is FileKind.OK and marker is not None:
        return ProtectedError(
            f"This volume's copy is at {marker.prefix} in the bucket {marker.bucket}, but the settings name "
            f"{facts.prefix} in {facts.bucket_name}, which has none of it and is not empty. It has: {found}.",
            remedy=f"Correct REPLICA_BUCKET and REPLICA_PREFIX; or, to move the copy there, "
            f"set ALLOW_INIT={facts.prefix}.",
        )
    return ProtectedError(
        f"Nothing belongs to this volume at {facts.prefix}, but the bucket {facts.bucket_name} is not empty. "
        f"It has: {found}.",
        remedy=f"Correct REPLICA_PREFIX; or, for a new installation, set ALLOW_INIT={facts.prefix}.",
    )


def _epochs(bucket: BucketFacts) -> str:
    return ", ".join(f"e{epoch:06d}" for epoch in bucket.epochs)
