"""What has to be thrown away from time to time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import StorageError
from bot.model import NOBODY, Clock, utc_now
from bot.services.policy import Policy
from bot.store import blacklist, changes, conversations, proxy_users, turns
from bot.store.changes import Edit
from bot.store.statement import Statement, Store

logger = logging.getLogger(__name__)

BANS_AT_ONCE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Upkeep:
    """Forgets what is old, a few rows at a time, so that nobody's write waits. Run it as a background task."""

    store: Store
    policy: Policy
    interval_seconds: float
    clock: Clock = utc_now
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def run(self) -> None:
        """Tidy up until cancelled; what the database refuses is tried again next time."""
        while True:
            try:
                await self.forget_old_changes()
                await self.forget_old_turns()
                await self.end_bans()
                await self.forget_old_resets()
                await self.forget_old_proxy_users()
            except StorageError as error:
                logger.warning("What is old is still there: %s", error.message)
            await self.pause(self.interval_seconds)

    async def forget_old_changes(self) -> int:
        """Delete the changes that are older than they are kept; returns how many."""
        before = self.clock() - self.policy.changes_lifetime
        return await self._repeat(changes.delete_before(before))

    async def end_bans(self) -> int:
        """Take bans off the list that have run out, and have not counted since; returns how many.

        Each is a change of nobody's, because who was barred until when would be on record nowhere else.
        """
        total = 0
        while ended := await self.store.fetch(blacklist.find_run_out(self.clock(), BANS_AT_ONCE)):
            edit = Edit(NOBODY, self.clock())
            await self.store.write(*(statement for ban in ended for statement in blacklist.end(ban, edit)))
            total += len(ended)
        return total

    async def forget_old_turns(self) -> int:
        """Delete the ended turns of messages that nobody will answer again; returns how many."""
        before = self.clock() - self.policy.turns_lifetime
        return await self._repeat(turns.delete_before(before))

    async def forget_old_resets(self) -> int:
        """Delete what keeps conversations ended of which no turn is left that could go on with them."""
        before = self.clock() - self.policy.turns_lifetime
        return await self._repeat(conversations.delete_resets_before(before))

    async def forget_old_proxy_users(self) -> int:
        """Forget who has not used a proxy bot for long; returns how many."""
        before = self.clock() - self.policy.proxy_lifetime
        return await self._repeat(proxy_users.delete_before(before))

    async def _repeat(self, deletion: Statement) -> int:
        total = 0
        while True:
            (outcome,) = await self.store.write(deletion)
            if not outcome.count:
                return total
            total += outcome.count
