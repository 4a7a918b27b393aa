"""Restores on trial, all the time: the only proof that a copy is one."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.errors import StorageError, TzurotError
from bot.rules.operation.drill import Drill, Outcome, describe
from bot.services.ports import Owner
from bot.store import drills
from bot.store.statement import Store

log = logging.getLogger(__name__)

REMEDY = "Until it succeeds, the volume may be the only whole copy; the README says how to begin a new one."
LEVELS = {Outcome.VERIFIED: logging.INFO, Outcome.FAILED: logging.ERROR, Outcome.INCONCLUSIVE: logging.WARNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drills:
    """Holds one some minutes after a start and then at every interval. Run it as a background task."""

    store: Store
    hold: Callable[[], Awaitable[Drill]]
    owner: Owner
    delay_seconds: float
    interval_seconds: float
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def run(self) -> None:
        """Hold drills until cancelled; the owner is told of each that failed."""
        await self.pause(self.delay_seconds)
        while True:
            await self._hold_one()
            await self.pause(self.interval_seconds)

    async def _hold_one(self) -> None:
        try:
            drill = await self.hold()
        except TzurotError as error:
            log.warning("A restore on trial could not be held: %s", error.message)
            return
        await self._note(drill)
        text = describe(drill)
        log.log(LEVELS[drill.outcome], "%s", text)
        if drill.outcome is Outcome.FAILED:
            await self.owner.tell(f"⚠️ {text} {REMEDY}")

    async def _note(self, drill: Drill) -> None:
        try:
            await self.store.write(drills.add(drill), drills.forget_oldest())
        except StorageError as error:
            log.warning("The result of a restore on trial could not be noted: %s", error.message)
