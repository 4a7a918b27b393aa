"""Proves every few seconds that writes reach the bucket: writes one row, has it uploaded, and keeps what was measured.

Litestream's own status says "replicating" through an outage, so nothing but a confirmed write counts.
"""

import asyncio
import logging
import time
import uuid
from dataclasses import replace

from bot.durability.litestream import Syncer
from bot.errors import TzurotError
from bot.model import Clock, ReplicationState, utc_now
from bot.settings import Settings
from bot.store import canary
from bot.store.statement import Store

log = logging.getLogger(__name__)


class Canary:
    """Measures replication; `state` is what it knows, from memory."""

    def __init__(self, store: Store, confirmation: Syncer, settings: Settings, clock: Clock = utc_now) -> None:
        self._store = store
        self._confirmation = confirmation
        self._settings = settings
        self._clock = clock
        self._state = ReplicationState(is_configured=settings.is_replicated)

    @property
    def state(self) -> ReplicationState:
        """The last known state of the copy in the bucket."""
        return self._state

    async def run(self) -> None:
        """Check at once and then at every interval, until cancelled."""
        while self._state.is_configured:
            started = time.monotonic()
            await self.check()
            spent = time.monotonic() - started
            await asyncio.sleep(max(0, self._interval - spent))

    @property
    def _interval(self) -> float:
        """Shorter until the first confirmation: a start waits for it to be ready."""
        interval, first = self._settings.canary_interval_seconds, self._settings.restart_delay_seconds
        return interval if self._state.confirmed_at else min(interval, first)

    async def check(self) -> ReplicationState:
        """Write the canary, have it uploaded, and note how long that took or why it failed."""
        failure = None
        try:
            self._state = await self._confirm()
        except TzurotError as error:
            failure = error.message
        self._report(failure)
        self._state = replace(self._state, failure=failure)
        return self._state

    async def _confirm(self) -> ReplicationState:
        await self._store.write(canary.put(uuid.uuid4().hex, self._clock(), self._state))
        committed = time.monotonic()
        result = await self._confirmation.sync(self._settings.sync_timeout_seconds)
        return ReplicationState(
            is_configured=True,
            confirmed_txid=result.replicated_txid,
            confirmed_at=self._clock(),
            lag_ms=round((time.monotonic() - committed) * 1000, 1),
        )

    def _report(self, failure: str | None) -> None:
        if failure and not self._state.failure:
            level = logging.ERROR if self._state.confirmed_at else logging.WARNING
            log.log(level, "Writes are not confirmed by the bucket: %s", failure)
        elif self._state.failure and not failure:
            log.info("Writes reach the bucket")
