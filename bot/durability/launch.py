"""Between the decision and the bot: Litestream first, the first upload, then migrations; afterwards keeping it up."""

import contextlib
import logging

from bot.durability.aside import run_aside
from bot.durability.boot import Boot, Prepared, Progress
from bot.durability.decision import Action
from bot.durability.lineage import Marker
from bot.durability.old_epochs import look_after
from bot.durability.race import race
from bot.durability.replication import Replication
from bot.errors import UnavailableError
from bot.settings import Settings
from bot.store.migrate import migrate

log = logging.getLogger(__name__)


class Launch:
    """Replication of one start; `replication` is None where no bucket is configured."""

    def __init__(self, settings: Settings, replication: Replication | None, progress: Progress) -> None:
        self._settings = settings
        self._replication = replication
        self._progress = progress

    async def bring_up(self, prepared: Prepared) -> None:
        """Do all that the bot has to wait for."""
        if prepared.action is Action.FILES:
            return
        if self._replication is None or prepared.marker is None:
            log.warning("There is NO COPY of this database: no bucket is configured (REPLICA_BUCKET)")
            await self._migrate(prepared)
        elif prepared.action is Action.DEGRADED:
            _require_no_migration(prepared)
            log.error("Starting WITHOUT the bucket: writes are on the volume only until it answers")
        else:
            await self._replicate_first(self._replication, prepared.marker, prepared)

    async def keep_up(self, boot: Boot, prepared: Prepared) -> None:
        """Keep replication alive and have a new epoch confirmed, beside the running bot."""
        replication, marker = self._replication, prepared.marker
        if replication is None or marker is None:
            return
        if prepared.action is Action.DEGRADED:
            marker = await boot.agree() or marker
            log.warning("The bucket answers; replication begins")
            with contextlib.suppress(UnavailableError):  # keep_alive tries again and says so
                await replication.start(marker)
        old_epochs = look_after(self._settings, replication.bucket)
        await race(replication.keep_alive(), replication.confirm(), old_epochs)

    async def _replicate_first(self, replication: Replication, marker: Marker, prepared: Prepared) -> None:
        self._progress("Litestream is being started.")
        await replication.start(marker)
        if prepared.action is Action.RESTORE and not prepared.is_migration_pending:
            return  # the bucket still names the epoch before, so nothing depends on this upload yet
        self._progress("The first upload is being waited for.")
        try:
            await replication.sync(self._settings.start_timeout_seconds)
        except UnavailableError as error:
            if prepared.action is not Action.CONTINUE:
                raise
            _require_no_migration(prepared)
            log.error("Starting although the bucket confirms nothing: %s", error.message)  # noqa: TRY400 - one line
            return
        await self._migrate(prepared)
        with contextlib.suppress(UnavailableError):  # it is tried again beside the running bot
            await replication.take_over()

    async def _migrate(self, prepared: Prepared) -> None:
        if not prepared.is_migration_pending:
            return
        self._progress("The database's schema is being brought up to date.")
        done = await run_aside(migrate, self._settings.database_path.absolute())
        log.info("Applied the migrations %s", ", ".join(done))
        if self._replication is not None:
            await self._replication.sync(self._settings.start_timeout_seconds)


def _require_no_migration(prepared: Prepared) -> None:
    if prepared.is_migration_pending:
        raise UnavailableError(
            "The schema must be brought up to date, and a copy of the state before it must be in the bucket first.",
            remedy="Start the previous version, or wait until the bucket answers.",
        )
