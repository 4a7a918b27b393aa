"""What the bot can say about itself."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Clock, ReplicationState, utc_now
from bot.rules.operation.drill import Latest
from bot.rules.operation.receipt import Receipt
from bot.rules.operation.standing import Standing
from bot.services.ports import Replication
from bot.store import drills, lives, mismatches, overview, storage
from bot.store.files.standing import Stored, last_import
from bot.store.statement import Store


@dataclass(frozen=True, slots=True)
class Report:
    """Rows by table, where they are kept and copied, time since start, what it found, the last restore on trial."""

    rows: dict[str, int]
    standing: Standing
    replication: ReplicationState
    uptime: timedelta
    receipt: Receipt | None = None
    drill: Latest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReport:
    """Make it at start: uptime counts from then. Without `replication` the volume is the only copy.

    `look` completes what the database says of its JSON folder, and blocks.
    """

    store: Store
    look: Callable[[Stored], Standing]
    replication: Replication | None = None
    clock: Clock = utc_now
    started_at: datetime = field(default_factory=utc_now)

    async def read(self) -> Report:
        """The state now."""
        names = await self.store.fetch(overview.tables())
        receipt = await self.store.first(lives.newest())
        drill = await self.store.first(drills.latest())
        kept = await self.store.first(storage.get())
        imported = await self.store.first(last_import())
        stored = Stored(kept, await self.store.fetch(mismatches.list_all()), imported, drill)
        return Report(
            rows=dict(await self.store.fetch(overview.count_rows(names))),
            standing=await asyncio.to_thread(self.look, stored),
            replication=self.replication.state if self.replication else ReplicationState(is_configured=False),
            uptime=self.clock() - self.started_at,
            receipt=receipt,
            drill=drill,
        )
