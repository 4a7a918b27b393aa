"""Tells the owner once when copying has failed for too long, and once when it works again."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import ReplicationState
from bot.services.ports import Owner, Replication


@dataclass(slots=True, kw_only=True)
class OutageNotice:
    """Looks at what is known of the copy; `retry_seconds` is the pause after a message that did not arrive."""

    replication: Replication
    owner: Owner
    interval_seconds: float
    retry_seconds: float
    _told_of: datetime | None = field(default=None, init=False)

    async def run(self) -> None:
        """Look for ever, until cancelled."""
        while True:
            has_told = await self.look()
            await asyncio.sleep(self.interval_seconds if has_told else self.retry_seconds)

    async def look(self) -> bool:
        """Say what there is to say; False where there was something and it did not arrive."""
        state = self.replication.state
        if state.is_outage == (self._told_of is not None):
            return True
        if not await self.owner.tell(_ended(state, self._told_of) if self._told_of else _begun(state)):
            return False
        self._told_of = state.silent_since if state.is_outage else None
        return True


def _begun(state: ReplicationState) -> str:
    since = f"<t:{int(state.silent_since.timestamp())}:T>" if state.silent_since else "the start"
    reason = f"\nThe reason: {state.failure}" if state.failure else ""
    policy = (
        "I accept nothing that would have to be saved until that works again."
        if state.is_read_only
        else "I go on, and what is new is on the volume only."
    )
    return f"⚠️ Since {since} nothing is confirmed to be in the bucket. {policy}{reason}"


def _ended(state: ReplicationState, since: datetime) -> str:
    lasted = _duration(state.confirmed_at - since) if state.confirmed_at else "some time"
    return f"✅ Everything is in the bucket again. For {lasted} nothing was confirmed."


def _duration(time: timedelta) -> str:
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
