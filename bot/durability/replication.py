"""The Litestream process of one epoch: started, kept alive, asked to sync, stopped once."""

import asyncio
import contextlib
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from bot.durability.bucket import Bucket, Version
from bot.durability.child import Child, Program
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.hanging import end_of
from bot.durability.leaseholder import Leaseholder
from bot.durability.lineage import Current, Marker, now_utc, succeed, write_marker
from bot.durability.litestream import Litestream, SyncResult
from bot.durability.lock import VolumeLock
from bot.errors import ConfigurationError, ProtectedError, StorageError, UnavailableError
from bot.settings import Settings

log = logging.getLogger(__name__)

POLL_SECONDS = 0.01
SOCKET_NAME = "litestream.sock"
SOCKET_PATH_LIMIT = 107
"""How many bytes of a socket's path Linux takes; Litestream only warns of a longer one and goes on without."""


class Replication:
    """Litestream for the marker's epoch. `socket` is where it will listen, known before it runs."""

    def __init__(self, settings: Settings, lock: VolumeLock, bucket: Bucket, lease: Leaseholder) -> None:
        self._settings = settings
        self._lock = lock
        self.bucket = bucket
        self._lease = lease
        lease.when_lost(self.halt)
        self._database = settings.database_path.absolute()
        self._scratch = make_socket_folder()
        self.socket = settings.litestream_socket or self._scratch / SOCKET_NAME
        lock.name_socket(self.socket)
        self.client = Litestream(self.socket, self._database)
        self._program = litestream_program()
        self._marker: Marker | None = None
        self._child: Child | None = None
        self._taking_over = asyncio.Lock()
        self._renewing = asyncio.Lock()
        self._renewal: asyncio.Task[None] | None = None

    @property
    def is_started(self) -> bool:
        """Whether replication has begun, be it alive at this moment or not."""
        return self._marker is not None

    async def start(self, marker: Marker) -> None:
        """Start Litestream and wait until it answers; UnavailableError when it does not."""
        self._marker = marker
        try:
            async with asyncio.timeout(self._settings.start_timeout_seconds):
                await self._spawn(marker)
        except TimeoutError:
            await self.halt()  # or nobody would ever start another one
            raise UnavailableError("Litestream did not open its socket in time.") from None
        except asyncio.CancelledError:
            await self.halt()  # or `revive` would take it for one that answers
            raise

    async def keep_alive(self) -> None:
        """Start Litestream again whenever it ended: after a pause that doubles, or with the lease; until cancelled."""
        delay = self._settings.restart_delay_seconds
        while self._marker is not None:
            born, child = time.monotonic(), self._child
            code = await end_of(child, self.client, self._settings) if child is not None else 0
            async with self._renewing:
                if self._child is not child:
                    continue
            if time.monotonic() - born > self._settings.restart_delay_limit_seconds:
                delay = self._settings.restart_delay_seconds
            if self._lease.is_held:
                log.error("Litestream ended with code %d: writes stay on the volume; again in %g s", code, delay)
                await asyncio.sleep(delay)
                delay = min(2 * delay, self._settings.restart_delay_limit_seconds)
            await self._lease.until_held()
            with contextlib.suppress(UnavailableError):  # it ended again: the next round says so
                await self.start(self._marker)

    async def renew(self) -> None:
        """Start Litestream anew after another process with the database open died by force.

        Killed in the middle of a commit, it leaves frames in the WAL that its index does not count: Litestream, which
        reads the file alone, takes them for committed, while SQLite writes the next commit over them as long as anyone
        keeps the index in use. Without anyone, the next to open the file counts them, and both agree again.
        """
        self._renewal = asyncio.create_task(self._renew())
        # Whoever waits may have given up before it fails, and then `keep_alive` sees to it.
        self._renewal.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._renewal)  # a stop in the middle waits for it in `revive`

    async def _renew(self) -> None:
        async with self._renewing:
            if self._marker is None or self._child is None or not self._child.is_running:
                return
            await self.halt()
            if self._lease.is_held:
                await self.start(self._marker)

    async def sync(self, timeout_seconds: float) -> SyncResult:
        """Bring every committed transaction off-site; UnavailableError unless the bucket has them all."""
        result = await self.client.sync(timeout_seconds)
        if not result.is_complete:
            raise UnavailableError(f"The bucket has transaction {result.replicated_txid} of {result.txid}.")
        if self._marker is not None:
            self._lease.note_confirmed(self._marker.prefix, result.replicated_txid)
        return result

    async def revive(self) -> None:
        """Start Litestream again if it ended and nobody keeps it alive any more."""
        async with self._renewing:
            if self._marker is not None and (self._child is None or not self._child.is_running):
                await self.start(self._marker)

    async def flush(self) -> SyncResult:
        """The same, and name a new epoch as the current one if that is still to do."""
        result = await self.sync(self._settings.shutdown_sync_timeout_seconds)
        await self.take_over()
        return result

    async def confirm(self) -> None:
        """Once the first upload is confirmed, name this epoch in the bucket as the one to restore from.

        Tries until it succeeds; ProtectedError when another instance was faster.
        """
        while self._marker is not None and self._marker.is_pending:
            try:
                await self.sync(self._settings.start_timeout_seconds)
                await self.take_over()
            except (UnavailableError, ConfigurationError, StorageError) as error:
                log.warning("The new epoch is not confirmed yet: %s", error.message)
                await asyncio.sleep(self._settings.restart_delay_seconds)

    async def take_over(self) -> None:
        """Name a new epoch as the current one; only right after an upload was confirmed."""
        self._lease.require_held()
        async with self._taking_over:  # the start, a flush and `confirm` may all have had their upload at once
            if self._marker is None or not self._marker.is_pending:
                return
            marker = await _take_over(self.bucket, self._marker)
            write_marker(self._database, marker)
            self._marker = marker  # not before: the bot goes by the file, and `confirm` would try no more
            log.info("Epoch %d is in the bucket, and is what a lost volume is restored from", self._marker.epoch)

    async def halt(self) -> None:
        """End Litestream by force: without the lease nothing may be uploaded any more, not even the rest."""
        if self._child is not None:
            await self._child.kill()

    async def stop(self) -> None:
        """Ask Litestream once to end; it uploads what it can within its own limit."""
        child, self._child = self._child, None
        if child is not None:
            await child.stop(self._settings.litestream_stop_timeout_seconds)
        shutil.rmtree(self._scratch, ignore_errors=True)

    async def _spawn(self, marker: Marker) -> None:
        self._lease.require_held()
        self.socket.unlink(missing_ok=True)
        environment = litestream_environment(self._settings, marker.prefix, self.socket)
        arguments = (self._program, "replicate", "-config", str(self._settings.litestream_config))
        self._child = child = await Child.start(Program(arguments, environment, (self._lock.fd,)))
        if not self._lease.is_held:  # lost while it was being started
            await self.halt()
        # The file appears a moment before anyone listens on it, so only an answer counts.
        while not await self.client.is_up():
            if not child.is_running:
                raise UnavailableError("Litestream ended at its start; its own log lines above say why.")
            await asyncio.sleep(POLL_SECONDS)


async def _take_over(bucket: Bucket, marker: Marker) -> Marker:
    version = await bucket.read_current()
    current = version.current if version else None
    if current is None or current.claim != marker.claim:
        parent = marker.parent
        if (parent.prefix if parent else None) != (current.prefix if current else None):
            raise ProtectedError(
                f"Another instance began epoch {current.epoch if current else 'none'} meanwhile; this one wrote to "
                f"{marker.prefix}, which stays.",
                remedy="Run one instance only.",
            )
        await _write_current(bucket, succeed(marker, current, now_utc()), version)
    return marker.model_copy(update={"is_pending": False})


async def _write_current(bucket: Bucket, new: Current, replaces: Version | None) -> None:
    try:
        await bucket.write_current(new, replaces)
    except ProtectedError:
        # Sent twice because its first answer was lost, a write refuses itself.
        version = await bucket.read_current()
        if version is None or version.current.claim != new.claim:
            raise


def make_socket_folder() -> Path:
    """A private folder for the socket, in /tmp where the temporary directory's own path is too long for one."""
    made = Path(tempfile.mkdtemp(prefix="tzurot-"))
    if len(os.fsencode(made / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        return made
    made.rmdir()
    return Path(tempfile.mkdtemp(prefix="tzurot-", dir="/tmp"))
