"""The deploy receipt: a handover as the last write of a stop, and at the next start what became of it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.errors import StorageError
from bot.model import Clock, Recovered, utc_now
from bot.rules.operation.receipt import Origin, Rows, draw_up, is_worth_telling
from bot.rules.operation.receipt_text import describe
from bot.services.ports import Owner
from bot.store import lives, overview
from bot.store.statement import Store

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Receipts:
    """One life's: `begin` before the first write, `hand_over` after the last; `owner` None is not told."""

    store: Store
    origin: Origin
    come_online: Callable[[], Awaitable[object]]
    owner: Owner | None
    interval: timedelta
    count_limit_seconds: float
    clock: Clock = utc_now
    _life_id: int | None = field(default=None, init=False)

    async def begin(self) -> None:
        """Compare what is there with what was handed over, and begin this life's row; a full disk stops no start."""
        try:
            await self._begin()
        except StorageError as error:
            log.warning("This start could not be noted: %s", error.message)

    async def _begin(self) -> None:
        before = await self.store.first(lives.before())
        receipt = draw_up(before, self.origin, await self._count(), self.clock())
        if receipt.lost:
            log.error("ROWS ARE MISSING that were handed over: %s", dict(receipt.lost))
        added, _ = await self.store.write(lives.add(receipt, self.origin.epoch), lives.forget_oldest())
        self._life_id = added.rows[0]["id"]

    async def watch_return(self) -> None:
        """Note when Discord is connected again; run it as a background task."""
        await self.come_online()
        if self._life_id is not None:
            await self.store.write(lives.note_return(self._life_id, self.clock()))

    async def complete(self, recovered: Recovered) -> None:
        """Add what became of the messages that were missed, and tell the owner if it is worth it."""
        if self._life_id is None:
            return
        try:
            await self.watch_return()
            await self.store.write(lives.complete(self._life_id, recovered))
            await self._tell(self._life_id)
        except StorageError as error:
            log.warning("The receipt of this start could not be completed: %s", error.message)

    async def _tell(self, life_id: int) -> None:
        receipt = await self.store.first(lives.newest())
        if receipt is None:
            return
        text = describe(receipt)
        log.info("%s", text)
        told_at = await self.store.first(lives.last_told())
        if self.owner is None or not is_worth_telling(receipt, told_at, self.interval):
            return
        if await self.owner.tell(text):
            await self.store.write(lives.note_told(life_id, self.clock()))

    async def hand_over(self) -> None:
        """Write what is there, as the last write; without it, the next start takes this end for a crash."""
        if self._life_id is None:
            return
        try:
            await self.store.write(lives.hand_over(self._life_id, await self._count(), self.clock()))
        except StorageError as error:
            log.warning("This stop could not be noted: %s", error.message)

    async def _count(self) -> Rows | None:
        """Rows per table, None where that takes too long: neither a start nor a stop may wait for it."""
        try:
            async with asyncio.timeout(self.count_limit_seconds):
                tables = await self.store.fetch(overview.tables())
                return dict(await self.store.fetch(overview.count_rows(tables)))
        except (TimeoutError, StorageError):
            return None
