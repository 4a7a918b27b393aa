"""Profiles load lazily in the background, one at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.model import Clock, utc_now
from bot.services.personalities import Personalities
from bot.services.ports import ProfileSource
from bot.store.statement import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRefresher:
    """Fetches profiles that are missing or older than their lifetime. Run it as a background task after the start."""

    store: Store
    source: ProfileSource
    personalities: Personalities
    interval_seconds: float
    lifetime_seconds: float
    backoff_limit_seconds: float
    clock: Clock = utc_now
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def run(self) -> None:
        """Refresh until cancelled; one profile's failure never ends it."""
        raise NotImplementedError
