"""Holds the lease on the bucket: acquired at a start, renewed beside everything else, released at the end."""

import asyncio
import logging
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.durability.bucket import Bucket
from bot.durability.lease import Confirmed, Lease, Sighting, Standing, age_seconds, in_use, judge, must_begin_epoch
from bot.durability.lease_pen import LeasePen
from bot.durability.lineage import now_utc
from bot.durability.lock import VolumeLock
from bot.durability.race import race
from bot.errors import ConfigurationError, ProtectedError, TzurotError, UnavailableError
from bot.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Look:
    """What was found, and since when (on this process's clock) nobody has renewed it."""

    found: Sighting | None
    unchanged_since: float


class Leaseholder:
    """This process's lease. From `acquire` on it is renewed until `release`, or until another instance has it."""

    def __init__(self, settings: Settings, lock: VolumeLock, bucket: Bucket) -> None:
        self._settings = settings
        self._bucket = bucket
        self._pen = LeasePen(settings, lock, bucket)
        self._lease: Lease | None = None
        self._next: Lease | None = None
        self._renewed = 0.0
        self._held = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._when_lost: list[Callable[[], Awaitable[None]]] = []
        self._has_epoch_begun = False
        self._confirmed: Confirmed | None = None

    @property
    def is_acquired(self) -> bool:
        """Whether it was had once, be it held at this moment or not."""
        return self._keeper is not None

    @property
    def is_held(self) -> bool:
        """Whether this process may write to the bucket at this moment."""
        return self._held.is_set() and time.monotonic() < self._loses_at

    @property
    def is_taken(self) -> bool:
        """Whether another instance has it, for good."""
        return self._keeper is not None and self._keeper.done() and not self._keeper.cancelled()

    @property
    def must_begin_epoch(self) -> bool:
        """Whether the volume may not go on in the epoch that it has."""
        return self._lease is not None and self._lease.must_begin_epoch and not self._has_epoch_begun

    @property
    def confirmed(self) -> Confirmed | None:
        """The last transaction that a writer has noted here as being in the bucket: this process, or one before it."""
        return self._confirmed

    def note_confirmed(self, prefix: str, txid: int) -> None:
        """Have the next renewal tell what the bucket has."""
        self._confirmed = Confirmed(prefix=prefix, txid=txid)

    def when_lost(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Register what ends all writing to the bucket at once."""
        self._when_lost.append(stop)

    def require_held(self) -> None:
        """UnavailableError unless this process may write."""
        if not self.is_held:
            raise UnavailableError(f"The lease on {self._settings.replica_prefix} is not held, so nothing is uploaded.")

    async def until_held(self) -> None:
        """Wait until this process may write."""
        while not self.is_held:
            await self._held.wait()
            await asyncio.sleep(0)  # a loss that is due comes first

    async def until_taken(self) -> None:
        """Wait until another instance has the lease, and raise what that means: ProtectedError."""
        await self._held.wait()
        if self._keeper is not None:
            await asyncio.shield(self._keeper)

    async def look(self) -> Look:
        """Who has the lease; nothing is written."""
        return Look(await self._bucket.read_lease(), time.monotonic())

    async def examine(self, look: Look) -> Look:
        """The same with its age by the bucket's clock; ConfigurationError where the bucket keeps nobody apart."""
        bucket_now = await self._bucket.try_conditions()
        age = age_seconds(look.found, bucket_now) if look.found else 0
        return replace(look, unchanged_since=time.monotonic() - age)

    async def acquire(self, look: Look, progress: Progress) -> None:
        """Take the lease, after waiting where another instance may have it.

        Raises ProtectedError when that goes on renewing, UnavailableError when only the bucket is in the way.
        """
        limit = self._settings.lease_timeout_seconds
        deadline = time.monotonic() + limit
        if (refusal := await self._try_take(look)) is not None:
            log.warning("%s", f"{refusal.message.rstrip('.')}; waiting up to {limit:g} s")
        while refusal is not None:
            if time.monotonic() >= deadline:
                raise refusal
            await asyncio.sleep(POLL_SECONDS)
            try:
                look = await self._look_again(look)
            except UnavailableError as error:
                progress(error.message)
                continue
            if (refusal := await self._try_take(look)) is not None:
                progress(self._describe_wait(look, refusal))
        self._keeper = asyncio.create_task(self._keep())

    def settle(self) -> None:
        """A new epoch has begun on the volume, which the next renewal tells whoever comes later."""
        self._has_epoch_begun = True

    async def release(self, *, has_tail: bool = False) -> None:
        """Let the next instance begin at once; `has_tail` warns it of writes that are on this volume only."""
        is_taken, was_held = self.is_taken, self.is_held
        await self.drop()
        if self._lease is None or is_taken or not was_held:
            return
        changes = {"is_released": True, "has_tail": has_tail}
        try:
            async with asyncio.timeout(self._settings.lease_release_timeout_seconds):
                await self._pen.renew(self._renewal(self._lease, **changes), self._lease)
        except (TimeoutError, UnavailableError, ConfigurationError, ProtectedError) as error:
            log.warning(
                "The lease was not released, so a start on another volume waits up to %g s: %s",
                *(self._settings.lease_takeover_seconds, str(error) or "the bucket took too long"),
            )

    async def drop(self) -> None:
        """Stop renewing without a word, as a crash does."""
        self._held.clear()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    @property
    def _loses_at(self) -> float:
        return self._renewed + self._settings.lease_loss_seconds

    async def _try_take(self, look: Look) -> TzurotError | None:
        """None once it is had, else why not."""
        found = look.found.lease if look.found else None
        standing = judge(found, await self._pen.recall(), self._pen.volume)
        in_the_way = in_use(self._settings, found) if found and standing is Standing.FOREIGN else None
        if in_the_way is not None and self._wait_seconds(look) > 0:
            return in_the_way
        now = now_utc()
        lease = Lease(
            owner=self._pen.owner,
            nonce=uuid.uuid4().hex,
            host=socket.gethostname(),
            acquired_at=now,
            renewed_at=now,
            must_begin_epoch=must_begin_epoch(found, standing),
            confirmed=found.confirmed if found else None,
        )
        started = time.monotonic()
        try:
            await self._pen.take(lease, look.found, standing)
        except ProtectedError as error:
            return error
        except UnavailableError as error:
            return in_the_way or error
        self._succeed(lease, started)
        self._confirmed = lease.confirmed
        _tell_taken(found, standing)
        return None

    async def _look_again(self, look: Look) -> Look:
        found = await self._bucket.read_lease()
        is_same = found is not None and look.found is not None and found.e_tag == look.found.e_tag
        return look if is_same else Look(found, time.monotonic())

    def _wait_seconds(self, look: Look) -> float:
        """How long a stranger's lease must yet go unrenewed before it may be taken."""
        return self._settings.lease_takeover_seconds - (time.monotonic() - look.unchanged_since)

    def _describe_wait(self, look: Look, refusal: TzurotError) -> str:
        if not isinstance(refusal, ProtectedError):
            return refusal.message
        return f"{refusal.message} If it is gone, this one begins in {max(0, self._wait_seconds(look)):.0f} s."

    async def _keep(self) -> None:
        try:
            await race(self._go_on_renewing(), self._watch_loss())
        except ProtectedError as error:
            log.error("%s", error.message)  # noqa: TRY400 - one line
            await self._lose()
            raise

    async def _go_on_renewing(self) -> None:
        is_late = False
        while True:
            pause = self._renewed + self._settings.lease_interval_seconds - time.monotonic()
            await asyncio.sleep(self._settings.restart_delay_seconds if is_late else max(0, pause))
            try:
                await self._renew()
                is_late = False
            except (TimeoutError, UnavailableError, ConfigurationError) as error:
                if not is_late:
                    log.warning("The lease can't be renewed: %s", str(error) or "the bucket took too long")
                is_late = True

    async def _renew(self) -> None:
        if self._lease is None:
            return
        started = time.monotonic()
        # The same one again after a failure: should the bucket have it after all, the volume must still know it.
        self._next = self._next or self._renewal(self._lease)
        async with asyncio.timeout(self._settings.lease_request_timeout_seconds):
            await self._pen.renew(self._next, self._lease)
        self._succeed(self._next, started)

    def _renewal(self, lease: Lease, **changes: bool) -> Lease:
        """The lease under a new nonce."""
        news = {"nonce": uuid.uuid4().hex, "renewed_at": now_utc(), "must_begin_epoch": self.must_begin_epoch}
        return lease.model_copy(update=news | changes | {"confirmed": self._confirmed})

    def _succeed(self, lease: Lease, started: float) -> None:
        if self._lease is not None and not self._held.is_set():
            log.warning("The lease is renewed again: uploads go on")
        self._lease, self._next, self._renewed = lease, None, started
        self._held.set()

    async def _watch_loss(self) -> None:
        while True:
            await self._held.wait()
            await asyncio.sleep(self._loses_at - time.monotonic())
            if time.monotonic() >= self._loses_at:
                log.error(
                    "The lease was not renewed for %g s: nothing more is uploaded until the bucket answers",
                    self._settings.lease_loss_seconds,
                )
                await self._lose()

    async def _lose(self) -> None:
        self._held.clear()
        for stop in self._when_lost:
            await stop()


def _tell_taken(found: Lease | None, standing: Standing) -> None:
    if found is None:
        return
    if standing is Standing.FOREIGN:
        log.warning("Taking over from %s, which ended without releasing its lease", found)
    elif standing is Standing.FREE and found.has_tail:
        log.warning("Following %s, which may have writes on its volume ONLY: start there if you still can", found)
