"""Proves every few seconds that writes reach the bucket, and starts replication again when they do not.

Litestream's own status says "replicating" through an outage, so nothing but a confirmed write counts. Nor does it
ever give up a connection that was taken and is not answered. Stopped and started it makes a new one, in less than a
minute: the next canary meets the stuck connection after 15 s at most; each attempt fails after 5 s and the next
follows at once, so the third has failed 15 s later; its upload, and one that users wait for, are over 6 s after that;
the stop and the start have 5 s each, and so has the canary: 15 + 15 + 6 + 10 + 5 = 51 s. Where even the stop waits for
the stuck connection, the supervisor (`hanging`) kills the process after 20 s, with 5 s to the look before, 10 s for
the last look, 1 s to the new process and 10 s to its canary's end: 46 s.
"""

import asyncio
import logging
import time
import uuid
from dataclasses import replace
from datetime import timedelta

from bot.durability.confirmation import Confirmation
from bot.durability.litestream import NotRunningError
from bot.errors import StorageError, TzurotError, UnavailableError
from bot.model import Clock, ReplicationState, utc_now
from bot.settings import Settings
from bot.store import canary
from bot.store.statement import Store

log = logging.getLogger(__name__)


class Watchdog:
    """Measures replication and mends it; `state` is what it knows, from memory."""

    def __init__(self, store: Store, confirmation: Confirmation, settings: Settings, clock: Clock = utc_now) -> None:
        self._store = store
        self._confirmation = confirmation
        self._settings = settings
        self._clock = clock
        self._began_at = clock()
        self._known = ReplicationState(is_configured=settings.is_replicated)
        self._failure_count = 0
        self._pause_seconds = settings.replication_restart_delay_seconds
        self._born = self._restarts_from = time.monotonic()

    @property
    def state(self) -> ReplicationState:
        """What is known of the copy, and whether it has been out of reach for too long by now."""
        since = self._known.confirmed_at or self._began_at
        limit = timedelta(seconds=self._settings.outage_limit_seconds)
        is_outage = self._known.is_configured and self._clock() - since > limit
        is_read_only = is_outage and self._settings.outage_mode == "read-only"
        silent_since = since if is_outage or self._known.failure else None
        return replace(self._known, silent_since=silent_since, is_outage=is_outage, is_read_only=is_read_only)

    async def run(self) -> None:
        """Check at once and then at every interval, until cancelled."""
        while self._known.is_configured:
            started = time.monotonic()
            await self.check()
            await self.mend()
            spent = time.monotonic() - started
            await asyncio.sleep(max(0, self._interval - spent))

    @property
    def _interval(self) -> float:
        """Shorter after a failure, and until the first confirmation: a start waits for it to be ready."""
        if self._known.confirmed_at is None:
            return min(self._settings.canary_retry_seconds, self._settings.restart_delay_seconds)
        return self._settings.canary_retry_seconds if self._known.failure else self._settings.canary_interval_seconds

    async def check(self) -> ReplicationState:
        """Write the canary, have it uploaded, and note how long that took or why it failed."""
        known, failure = self._known, None
        try:
            await self._store.write(canary.put(uuid.uuid4().hex, self._clock(), known))
            known = await self._upload()
            self._be_content()
        except StorageError as error:  # nothing that replication could do something about
            failure = error.message
        except NotRunningError as error:  # nothing that takes an order
            failure, self._failure_count = error.message, 0
        except TzurotError as error:
            failure = error.message
            self._failure_count += 1
        self._report(failure)
        self._known = replace(known, failure=failure)
        return self.state

    async def mend(self) -> None:
        """Stop and start replication after some failures in a row, ever more rarely while that does not help."""
        is_due = self._failure_count >= self._settings.canary_failure_limit
        if not is_due or time.monotonic() < self._restarts_from or self._is_first_upload:
            return
        log.error("%d uploads in a row were not confirmed: replication is stopped and started", self._failure_count)
        try:
            await self._confirmation.restart(self._settings.replication_restart_timeout_seconds)
        except UnavailableError as error:
            log.error("Replication could not be started again: %s", error.message)  # noqa: TRY400 - one line
        self._restarts_from = time.monotonic() + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, self._settings.replication_restart_limit_seconds)

    @property
    def _is_first_upload(self) -> bool:
        """Whether a new copy is being made: that is a large upload, and would begin anew if it were interrupted."""
        is_young = time.monotonic() - self._born < self._settings.replication_restart_limit_seconds
        try:
            return is_young and self._confirmation.is_epoch_pending()
        except TzurotError:  # a marker that can't be read, as `check` has said
            return False

    async def _upload(self) -> ReplicationState:
        committed = time.monotonic()
        result = await self._confirmation.sync(self._settings.sync_timeout_seconds)
        return ReplicationState(
            is_configured=True,
            confirmed_txid=result.replicated_txid,
            confirmed_at=self._clock(),
            lag_ms=round((time.monotonic() - committed) * 1000, 1),
        )

    def _be_content(self) -> None:
        self._failure_count = 0
        self._pause_seconds = self._settings.replication_restart_delay_seconds
        self._restarts_from = time.monotonic()

    def _report(self, failure: str | None) -> None:
        if failure and not self._known.failure:
            level = logging.ERROR if self._known.confirmed_at else logging.WARNING
            log.log(level, "Writes are not confirmed by the bucket: %s", failure)
        elif self._known.failure and not failure:
            log.info("Writes are confirmed by the bucket again")
