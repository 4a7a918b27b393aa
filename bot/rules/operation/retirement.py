"""When the JSON files of before the switch may be moved away: not before their time, and not without a proven copy."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.rules.wording import counted

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class RetirementFacts:
    """Everything that it depends on.

    `switched_at` is when the database began to serve alone, None where it does not; `verified_at` when a restore
    drill passed last. `folder_fault` says how the folder is not what was imported or written, or nothing.
    """

    switched_at: datetime | None
    verified_at: datetime | None
    retention: timedelta
    has_files: bool = True
    folder_fault: str = ""

    @property
    def has_drill(self) -> bool:
        """Whether a copy of the database was restored on trial since it serves alone."""
        return bool(self.verified_at and self.switched_at and self.verified_at > self.switched_at)


@dataclass(frozen=True, slots=True)
class Retirement:
    """Whether they may go, from when on, and each thing that is missing, as a sentence."""

    due_at: datetime | None
    days_left: int
    missing: tuple[str, ...]

    @property
    def is_allowed(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


def decide(facts: RetirementFacts, now: datetime) -> Retirement:
    """What the facts allow."""
    if facts.switched_at is None:
        return Retirement(None, 0, ("The database does not serve alone yet (STORAGE_MODE=database).",))
    due_at = facts.switched_at + facts.retention
    days_left = max(0, math.ceil((due_at - now) / DAY))
    return Retirement(due_at, days_left, tuple(_missing(facts, facts.switched_at, due_at, days_left)))


def _missing(facts: RetirementFacts, switched_at: datetime, due_at: datetime, days_left: int) -> list[str]:
    missing = []
    if not facts.has_files:
        missing.append("There are no files to move away.")
    if days_left:
        missing.append(f"They are kept until {_moment(due_at)}, {counted(days_left, 'day')} from now.")
    if not facts.has_drill:
        missing.append(f"No restore drill of the bot has passed since the switch at {_moment(switched_at)}.")
    if facts.folder_fault:
        missing.append(facts.folder_fault)
    return missing


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
