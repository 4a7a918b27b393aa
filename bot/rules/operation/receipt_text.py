"""The receipt in words, for whoever runs the bot."""

from collections.abc import Mapping
from datetime import datetime

from bot.model import Recovered
from bot.rules.duration import describe_duration
from bot.rules.operation.receipt import Ending, Receipt, Rows, Start, compared

REASONS = {"TooOld": "too old", "Deleted": "deleted", "Unwanted": "not for me any more"}
"""Why a missed message got no answer; an error kind's name stands for itself."""
ENDINGS = {Ending.HANDOVER: "planned stop", Ending.CRASH: "crash"}


def describe(receipt: Receipt) -> str:
    """All of it, in one paragraph."""
    if receipt.start is Start.FIRST:
        return "The first start of this database, with nothing to compare it with."
    return " ".join((_describe_absence(receipt), describe_loss(receipt), _describe_messages(receipt.recovered)))


def _describe_absence(receipt: Receipt) -> str:
    if receipt.down is None or receipt.ended_how is None:
        return "Not back on Discord yet."
    at_most = "at most " if receipt.ended_how is Ending.CRASH else ""
    return f"Back after {at_most}{describe_duration(receipt.down.total_seconds())} ({ENDINGS[receipt.ended_how]})."


def describe_loss(receipt: Receipt) -> str:
    """Rows before and after, and what is lost, or since when nobody can know."""
    lost = receipt.lost
    if lost is None:
        return _describe_window(receipt)
    origin = f"Restored as handed over at {_moment(receipt.last_seen_at)}: " if receipt.start is Start.RESTORE else ""
    return f"{origin}{_describe_rows(receipt)}{_describe_lost(lost)}."


def _describe_rows(receipt: Receipt) -> str:
    if receipt.rows_after is None:
        return ""
    after = _total(receipt.rows_after)
    if receipt.rows_before is None:
        return f"{after:,} rows, " if receipt.ended_how is Ending.HANDOVER else f"{after:,} rows in the same file, "
    return f"{_total(receipt.rows_before):,} rows before, {after:,} after, "


def _describe_lost(lost: Rows) -> str:
    if not lost:
        return "0 lost"
    tables = ", ".join(f"{count:,} of {table}" for table, count in sorted(lost.items()))
    return f"{sum(lost.values()):,} LOST ({tables})"


def _describe_window(receipt: Receipt) -> str:
    since = _moment(receipt.last_seen_at)
    kept = f" with {_total(receipt.rows_after):,} rows" if receipt.rows_after is not None else ""
    if receipt.start is Start.ACCEPT:
        return f"The volume was accepted as it was at {since}{kept}; what came after is only in the copy before it."
    return (
        f"Restored from the bucket{kept}. What was written after {since} and not confirmed before the crash can't be"
        " known; whatever was confirmed as saved is here."
    )


def _describe_messages(recovered: Recovered | None) -> str:
    if recovered is None:
        return "What was missed is still being looked at."
    if not recovered.missed:
        return "No message missed."
    kinds = {"answered": recovered.answered, "already answered": recovered.adopted} | _by_reason(recovered.skipped)
    parts = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count)
    noun = "message" if recovered.missed == 1 else "messages"
    return f"{recovered.missed:,} {noun} missed: {parts}."


def _by_reason(skipped: Mapping[str, int]) -> dict[str, int]:
    return {REASONS.get(reason, f"failed ({reason})"): count for reason, count in sorted(skipped.items())}


def _total(rows: Rows) -> int:
    return sum(compared(rows).values())


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "an unknown time"
