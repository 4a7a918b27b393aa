"""Has what was committed brought off-site and says so: one upload for everyone who waits.

Litestream lets syncs queue up one behind the other, so at most one of this process is on its way. Whoever comes
meanwhile is served by the next: their commit may be later than what the one on its way takes along.
"""

import asyncio

from bot.durability.lineage import read_marker
from bot.durability.litestream import Replicator, SyncResult
from bot.errors import TzurotError, UnavailableError
from bot.settings import Settings


class Confirmation:
    """The `Confirmer` of a bucket. Without `litestream` there is none, and the volume is all there is."""

    def __init__(self, litestream: Replicator | None, settings: Settings) -> None:
        self._litestream = litestream
        self._settings = settings
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[SyncResult] | None = None
        self._uploads: set[asyncio.Task[SyncResult]] = set()
        self._is_restorable = False

    async def confirm(self, timeout_seconds: float) -> bool:
        """Whether everything committed before this call is in the bucket, waiting at most that long; never raises."""
        if self._litestream is None:
            return True
        try:
            async with asyncio.timeout(timeout_seconds):
                while not await self._succeeds():  # noqa: ASYNC110 - the bucket sends no event
                    await asyncio.sleep(self._settings.confirmation_retry_seconds)
        except TimeoutError:
            return False
        return True

    async def sync(self, timeout_seconds: float) -> SyncResult:
        """The first upload that begins after this call; UnavailableError when it fails or is not over in time."""
        if self._litestream is None:
            raise UnavailableError("No bucket is configured.")
        try:
            async with asyncio.timeout(timeout_seconds):
                return await asyncio.shield(self._join(self._litestream))
        except TimeoutError:
            raise UnavailableError(f"Nothing was confirmed within {timeout_seconds:g} s.") from None

    async def restart(self, timeout_seconds: float) -> None:
        """Stop replication and start it again, each within that time; UnavailableError when that fails.

        Not while an upload is on its way: Litestream would not stop before that has ended.
        """
        if self._litestream is not None:
            async with self._turn:
                await self._litestream.restart(timeout_seconds)

    async def close(self) -> None:
        """End what is on its way; whoever still waits is not served."""
        uploads = list(self._uploads)
        for upload in uploads:
            upload.cancel()
        await asyncio.gather(*uploads, return_exceptions=True)

    async def _succeeds(self) -> bool:
        try:
            # One upload has its own limit, and a caller who waits for less gives up by itself.
            await self.sync(2 * self._settings.sync_timeout_seconds)
        except TzurotError:
            return False
        return True

    def _join(self, litestream: Replicator) -> asyncio.Task[SyncResult]:
        if self._next is None:
            self._next = asyncio.create_task(self._upload(litestream))
            self._uploads.add(self._next)
            self._next.add_done_callback(self._settle)
        return self._next

    async def _upload(self, litestream: Replicator) -> SyncResult:
        async with self._turn:
            self._next = None  # from here on, callers wait for the one after this
            result = await litestream.sync(self._settings.sync_timeout_seconds)
        if not result.is_complete:
            raise UnavailableError(f"The bucket has transaction {result.replicated_txid} of {result.txid}.")
        if self.is_epoch_pending():
            raise UnavailableError("The bucket does not yet name the new copy as the one to restore from.")
        return result

    def _settle(self, upload: asyncio.Task[SyncResult]) -> None:
        """Take note of a failure that nobody waited for, so that asyncio does not call it forgotten."""
        self._uploads.discard(upload)
        if not upload.cancelled():
            upload.exception()

    def is_epoch_pending(self) -> bool:
        """Whether nobody would restore from this epoch, for the bucket does not name it yet; once it does, that stays.

        Raises TzurotError for a marker that can't be read.
        """
        if self._litestream is None or self._is_restorable:
            return False
        marker = read_marker(self._settings.database_path)
        self._is_restorable = marker is not None and not marker.is_pending
        return marker is not None and marker.is_pending


class AnswerConfirmation:
    """The `Confirmer` of answers, which do not wait for the first upload of a new epoch: that is the whole database.

    A user whose bot has just lost its volume has waited long enough, and the channel shows what was answered.
    """

    def __init__(self, confirmation: Confirmation) -> None:
        self._confirmation = confirmation

    async def confirm(self, timeout_seconds: float) -> bool:
        """As the confirmation has it, but False at once while the epoch is pending."""
        try:
            is_vain = self._confirmation.is_epoch_pending()
        except TzurotError:
            return False
        return not is_vain and await self._confirmation.confirm(timeout_seconds)
