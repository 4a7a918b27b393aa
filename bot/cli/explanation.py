"""What a start would do, shown to a person or as JSON."""

from typing import Any

from bot.cli import storage_facts
from bot.cli.printing import print_pairs, print_table
from bot.cli.printing import show as print_line
from bot.durability.explain import Explanation
from bot.durability.lease import Standing
from bot.durability.old_epochs import OldEpoch
from bot.durability.refusals import describe_database
from bot.durability.situation import BucketFacts, Facts, Unreachable
from bot.errors import ExitCode, TzurotError
from bot.settings import Settings
from bot.store.columns import to_text
from bot.store.inspection import FileKind


def exit_code(found: Explanation) -> ExitCode:
    """What a start would end with if it refuses."""
    return found.outcome.exit_code if isinstance(found.outcome, TzurotError) else ExitCode.DONE


def as_object(settings: Settings, found: Explanation) -> dict[str, Any]:
    """The explanation as it stands in JSON; these names are a contract."""
    return {
        **_outcome_as_object(found),
        "exit_code": int(exit_code(found)),
        "lease": _lease_as_object(found),
        "in_use_by": str(found.holder) if found.holder else None,
        "storage": storage_facts.as_object(settings, found.sides),
        "volume": _volume_as_object(settings, found.facts),
        "bucket": _bucket_as_object(found),
        "old_epochs": [_old_epoch_as_object(old) for old in found.old_epochs],
        "settings": _orders(settings),
    }


def _outcome_as_object(found: Explanation) -> dict[str, Any]:
    names = ("action", "reason", "loss", "error", "remedy")
    outcome = found.outcome
    if isinstance(outcome, TzurotError):
        return dict(zip(names, (None, None, None, outcome.message, outcome.remedy), strict=True))
    return dict(zip(names, (outcome.action, outcome.reason, found.loss or None, None, None), strict=True))


def _volume_as_object(settings: Settings, facts: Facts) -> dict[str, Any]:
    return {
        "path": str(settings.database_path.absolute()),
        "database": facts.database,
        "problems": list(facts.problems),
        "left_behind": list(facts.traces) if facts.database is FileKind.MISSING else [],
        "marker": facts.marker.model_dump(mode="json") if facts.marker else None,
        "txid": facts.local_txid,
    }


def _bucket_as_object(found: Explanation) -> dict[str, Any] | None:
    facts, bucket = found.facts, found.facts.bucket
    if bucket is None:
        return None
    place = {"name": facts.bucket_name, "prefix": facts.prefix}
    if isinstance(bucket, Unreachable):
        return {**place, "failure": bucket.reason}
    current = bucket.current.model_dump(mode="json", exclude={"history"}) if bucket.current else None
    # Nobody looks for them where the bucket says which one is current.
    found_instead = {"epochs": list(bucket.epochs), "others": list(bucket.others)}
    others = dict.fromkeys(found_instead) if current else found_instead
    return {**place, "failure": None, "current": current, "newest_txid": found.newest_txid, **others}


def _lease_as_object(found: Explanation) -> dict[str, Any] | None:
    if found.lease is None:
        return None
    return {
        "standing": found.standing,
        "host": found.lease.host,
        "acquired_at": to_text(found.lease.acquired_at),
        "renewed_at": to_text(found.lease.renewed_at),
        "is_released": found.lease.is_released,
        "must_begin_epoch": found.facts.must_begin_epoch,
    }


def _old_epoch_as_object(old: OldEpoch) -> dict[str, Any]:
    return {
        "epoch": old.past.epoch,
        "prefix": old.past.prefix,
        "from": to_text(old.past.start),
        "to": to_text(old.past.end),
        "kept_until": to_text(old.kept_until),
        "is_pruned": old.past.is_pruned,
        "tail": old.tail,
        "tail_at": to_text(old.tail_at) if old.tail_at else None,
    }


def _orders(settings: Settings) -> dict[str, str | None]:
    return {
        "ALLOW_INIT": settings.allow_init,
        "RESTORE_MODE": settings.restore_mode,
        "IMPORT_DIR": str(settings.import_dir) if settings.import_dir else None,
    }


def show(settings: Settings, found: Explanation) -> None:
    """Tell a person everything that the decision depends on, and the decision last."""
    copied = {
        "Marker": _describe_marker(found.facts),
        "Volume": _describe_txid(found.facts),
        "Bucket": _describe_bucket(found.facts),
        "Copy": _describe_copy(found),
        "Lease": _describe_lease(settings, found),
    }
    print_pairs(
        {
            "Storage": storage_facts.describe(settings, found.sides),
            "Database": _describe_file(settings, found),
            "In use": _describe_use(settings, found),
            **({} if settings.mode == "json" else copied),
            "Settings": _describe_orders(settings),
        }
    )
    if found.old_epochs:
        print_line("")
        rows = [_old_epoch_row(old) for old in found.old_epochs]
        print_table(("old epoch", "ended", "kept until", "written after its end"), rows)
    print_line("")
    for line in _verdict(found):
        print_line(line)


def _describe_file(settings: Settings, found: Explanation) -> str:
    facts = found.facts
    if facts.database is not FileKind.OK:
        return f"{settings.database_path}: {describe_database(facts)}"
    checked = "not checked, because it is in use" if found.holder else "sound"
    return f"{settings.database_path}: there, its pages {checked}"


def _describe_use(settings: Settings, found: Explanation) -> str:
    if found.holder is None:
        return "by nobody"
    return f"by {found.holder}: a start waits for it, up to {settings.lock_timeout_seconds:g} s"


def _describe_marker(facts: Facts) -> str:
    marker = facts.marker
    if marker is None:
        return "none: this volume has no copy that it knows of"
    state = "confirmed"
    if marker.is_pending:
        origin = f", begun from epoch {marker.parent.epoch}" if marker.parent else ""
        state = f"not confirmed in the bucket yet{origin}"
    return f"epoch {marker.epoch} at {marker.prefix} in the bucket {marker.bucket}, {state}"


def _describe_txid(facts: Facts) -> str:
    if facts.database is FileKind.MISSING:
        return "nothing is on it"
    if facts.bucket is None:
        return "the only place where the database is"
    if facts.local_txid is None:
        return "Litestream's folder is missing, so how new it is can't be told"
    return f"ends at transaction {facts.local_txid}"


def _describe_bucket(facts: Facts) -> str:
    if facts.bucket is None:
        return "none is configured"
    if isinstance(facts.bucket, Unreachable):
        return facts.bucket.reason
    others = f"; it also has {', '.join(facts.bucket.others)}" if facts.bucket.others else ""
    return f"{facts.bucket_name}, at {facts.prefix}{others}"


def _describe_copy(found: Explanation) -> str:
    bucket = found.facts.bucket
    if not isinstance(bucket, BucketFacts):
        return "unknown" if bucket else "none"
    current = bucket.current
    if current is None:
        return "none that is the current one"
    since = f"{current.started_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"epoch {current.epoch} at {current.prefix} since {since}, ends at transaction {found.newest_txid}"


def _describe_lease(settings: Settings, found: Explanation) -> str:
    if not isinstance(found.facts.bucket, BucketFacts):
        return "unknown" if found.facts.bucket else "none"
    if found.lease is None:
        return "free"
    if found.lease.is_released:
        return f"released by {found.lease}"
    renewed = f"{found.lease}, renewed {found.lease.renewed_at:%Y-%m-%d %H:%M:%S} UTC"
    if found.standing is Standing.OWN:
        return f"this volume's: {renewed}"
    wait = settings.lease_takeover_seconds
    return f"another volume's: {renewed}; a start waits until it was not renewed for {wait:g} s, else refuses"


def _describe_orders(settings: Settings) -> str:
    given = [f"{name}={value}" for name, value in _orders(settings).items() if value]
    return ", ".join(given) or "neither ALLOW_INIT nor RESTORE_MODE nor IMPORT_DIR is set"


def _old_epoch_row(old: OldEpoch) -> tuple[str, ...]:
    until = "deleted" if old.past.is_pruned else f"{old.kept_until:%Y-%m-%d %H:%M}"
    return str(old.past.epoch), f"{old.past.end:%Y-%m-%d %H:%M:%S}", until, f"{old.tail:,} transactions"


def _verdict(found: Explanation) -> list[str]:
    outcome = found.outcome
    if isinstance(outcome, TzurotError):
        return [f"A start refuses with exit code {int(outcome.exit_code)}. {outcome.message}", outcome.remedy]
    tails = [str(old) for old in found.old_epochs if old.tail]
    return [
        f"A start decides: {outcome.action}, because {outcome.reason}.",
        *([found.loss] if found.loss else []),
        *tails,
    ]
