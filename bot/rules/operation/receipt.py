"""What a start found of the process before it: for how long nobody listened, and what is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model import Recovered

Rows = Mapping[str, int]
"""How many rows each table has."""

UNCOMPARED = frozenset({"canary", "drills", "gateway_refusals", "imports", "lives", "shadow_mismatches", "storage"})
"""Tables that tell of the process itself: their rows come and go without anyone's doing."""


class Start(StrEnum):
    """What a start began from.

    Nothing that it knows of; the same database; one fetched from the bucket; or a volume that the operator said to
    accept although the bucket has a newer one.
    """

    FIRST = "first"
    CONTINUE = "continue"
    RESTORE = "restore"
    ACCEPT = "accept"


class Ending(StrEnum):
    """How a process ended: with a handover as its last write, or without one."""

    HANDOVER = "handover"
    CRASH = "crash"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the volume's marker and the settings say of the database; `epoch` is None without a bucket."""

    epoch: int | None = None
    is_restored: bool = False
    is_accepted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The process before, as the database knows it: its epoch, its handover, and the last sign of its life.

    `deleted_since` is what somebody took away on purpose after the handover: the operator's `undo` needs no bot.
    """

    epoch: int | None
    stopped_at: datetime | None
    rows_at_stop: Rows | None
    last_seen_at: datetime
    deleted_since: Rows = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One start. Rows are None where nobody counted them, `recovered` until that is over."""

    started_at: datetime
    start: Start
    ended_how: Ending | None = None
    last_seen_at: datetime | None = None
    rows_before: Rows | None = None
    rows_after: Rows | None = None
    back_at: datetime | None = None
    recovered: Recovered | None = None

    @property
    def down(self) -> timedelta | None:
        """For how long nobody listened; at most so long where the end before was not noted."""
        if self.back_at is None or self.last_seen_at is None:
            return None
        return max(self.back_at - self.last_seen_at, timedelta())

    @property
    def lost(self) -> Rows | None:
        """How many rows fewer each table has, those that lack none left out; None where it can't be known."""
        if self.start is Start.ACCEPT or (self.start is Start.RESTORE and self.ended_how is not Ending.HANDOVER):
            return None
        if self.rows_before is None or self.rows_after is None:
            return {}  # the handover was the last write, so all before it is here; without one the file is the same
        missing = {table: count - self.rows_after.get(table, 0) for table, count in compared(self.rows_before).items()}
        return {table: count for table, count in missing.items() if count > 0}


def compared(rows: Rows) -> Rows:
    """The tables of which a row that is gone is a loss."""
    return {table: count for table, count in rows.items() if table not in UNCOMPARED}


def draw_up(before: Before | None, origin: Origin, rows: Rows | None, now: datetime) -> Receipt:
    """The receipt as far as it is known before anything is written."""
    if before is None:
        return Receipt(started_at=now, start=Start.FIRST, rows_after=rows)
    return Receipt(
        started_at=now,
        start=_start(before, origin),
        ended_how=Ending.HANDOVER if before.stopped_at else Ending.CRASH,
        last_seen_at=before.stopped_at or before.last_seen_at,
        rows_before=_rows_before(before),
        rows_after=rows,
    )


def _rows_before(before: Before) -> Rows | None:
    if before.rows_at_stop is None:
        return None
    return {table: count - before.deleted_since.get(table, 0) for table, count in before.rows_at_stop.items()}


def _start(before: Before, origin: Origin) -> Start:
    if origin.epoch == before.epoch:
        return Start.CONTINUE
    if origin.is_restored:
        return Start.RESTORE
    return Start.ACCEPT if origin.is_accepted else Start.CONTINUE


def is_worth_telling(receipt: Receipt, last_told_at: datetime | None, interval: timedelta) -> bool:
    """Whether the owner wants to know: not of each round of a bot that crashes again and again."""
    if receipt.start is Start.FIRST:
        return False
    if receipt.ended_how is Ending.HANDOVER or receipt.start is not Start.CONTINUE or receipt.lost:
        return True
    return last_told_at is None or receipt.started_at - last_told_at >= interval
