"""What a drill found, and when a copy counts as the same as the live database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

Rows = Mapping[str, int]


class Outcome(StrEnum):
    """The copy can be restored and is right; it can't or is not; or nobody can tell at the moment."""

    VERIFIED = "verified"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Scope(StrEnum):
    """What the restored copy was held against: the running bot's database too, or only a second restore of itself."""

    LIVE = "live"
    COPY = "copy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill. `steps` are milliseconds by name, in order; `digests` one hash a table, the same in both restores."""

    outcome: Outcome
    scope: Scope
    started_at: datetime
    finished_at: datetime
    reason: str = ""
    prefix: str | None = None
    txid: str | None = None
    byte_count: int | None = None
    row_count: int | None = None
    steps: Mapping[str, float] = field(default_factory=dict)
    digests: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Latest:
    """How the last drill ended, and when the last one succeeded."""

    outcome: Outcome
    reason: str
    finished_at: datetime
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bracket:
    """Rows of the live database before and after the upload; quiet if nobody wrote in between."""

    before: Rows
    after: Rows
    is_quiet: bool

    def strays(self, restored: Rows) -> list[str]:
        """The tables of which the copy has more or fewer rows than the live database had at either moment.

        Quiet, that is exact and a stray is a fault. Otherwise rows may have come and gone in between, and a
        stray proves nothing.
        """
        tables = sorted(self.before.keys() | self.after.keys() | restored.keys())
        return [table for table in tables if not self._holds(table, restored.get(table, 0))]

    def _holds(self, table: str, count: int) -> bool:
        before, after = self.before.get(table, 0), self.after.get(table, 0)
        return min(before, after) <= count <= max(before, after)


def differing(first: Mapping[str, str], second: Mapping[str, str]) -> list[str]:
    """The tables whose digests are not the same."""
    return sorted(table for table in first.keys() | second.keys() if first.get(table) != second.get(table))


def describe(drill: Drill) -> str:
    """One sentence for the log, the owner and the status."""
    seconds = (drill.finished_at - drill.started_at).total_seconds()
    if drill.outcome is Outcome.VERIFIED:
        held = (
            "matches the live database" if drill.scope is Scope.LIVE else "is sound; no bot runs here to compare with"
        )
        return f"Restored {drill.row_count or 0:,} rows on trial in {seconds:.1f} s; the copy {held}."
    verb = "FAILED" if drill.outcome is Outcome.FAILED else "could not be finished"
    return f"The restore on trial {verb}: {drill.reason}"
