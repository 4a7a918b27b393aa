"""What the bot can say about itself."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Clock, ReplicationState, utc_now
from bot.rules.drill import Latest
from bot.rules.receipt import Receipt
from bot.services.ports import Replication
from bot.store import drills, lives, overview
from bot.store.statement import Store


@dataclass(frozen=True, slots=True)
class Report:
    """Rows by table, the copy in the bucket, time since start, what the start found, and the last restore on trial."""

    rows: dict[str, int]
    replication: ReplicationState
    uptime: timedelta
    receipt: Receipt | None = None
    drill: Latest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Make it at start: uptime counts from then. Without `replication` the volume is the only copy."""

    store: Store
    replication: Replication | None = None
    clock: Clock = utc_now
    started_at: datetime = field(default_factory=utc_now)

    async def read(self) -> Report:
        """The state now."""
        names = await self.store.fetch(overview.tables())
        receipt = await self.store.first(lives.newest())
        drill = await self.store.first(drills.latest())
        return Report(
            rows=dict(await self.store.fetch(overview.count_rows(names))),
            replication=self.replication.state if self.replication else ReplicationState(is_configured=False),
            uptime=self.clock() - self.started_at,
            receipt=receipt,
            drill=drill,
        )
