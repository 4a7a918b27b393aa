"""Profiles load lazily in the background, one at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

from bot.errors import NotFoundError, TzurotError, UnavailableError
from bot.model import Clock, Personality, Profile, utc_now
from bot.services.personalities.personalities import Personalities
from bot.services.ports import ProfileSource
from bot.settings import Settings
from bot.store import personalities as rows_of
from bot.store.statement import Store

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRefresher:
    """Fetches profiles that are missing or older than their lifetime. Run it as a background task after the start."""

    store: Store
    source: ProfileSource
    personalities: Personalities
    interval_seconds: float
    lifetime_seconds: float
    backoff_limit_seconds: float
    idle_seconds: float = 60
    clock: Clock = utc_now
    pause: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)
    _failures: dict[str, datetime] = field(default_factory=dict, init=False)
    _in_a_row: list[str] = field(default_factory=list, init=False)

    @classmethod
    def from_settings(
        cls, settings: Settings, personalities: Personalities, source: ProfileSource, clock: Clock = utc_now
    ) -> Self:
        """With the operator's intervals."""
        return cls(
            store=personalities.store,
            source=source,
            personalities=personalities,
            interval_seconds=settings.profile_interval_seconds,
            lifetime_seconds=settings.profile_lifetime_seconds,
            backoff_limit_seconds=settings.profile_backoff_limit_seconds,
            idle_seconds=settings.profile_idle_seconds,
            clock=clock,
        )

    async def run(self) -> None:
        """Refresh until cancelled; one profile's failure never ends it."""
        while True:
            await self.pause(await self.refresh_next())

    async def refresh_next(self) -> float:
        """Refresh the profile that is due first, if any; returns how many seconds to wait before the next."""
        personality = await self._next()
        if personality is None:
            return self.idle_seconds
        try:
            await self._refresh(personality)
        except TzurotError as error:
            return self._wait_after(personality, error)
        self._failures.pop(personality.full_name, None)
        self._in_a_row.clear()
        return self.interval_seconds

    async def _refresh(self, personality: Personality) -> None:
        try:
            profile = await self.source.fetch(personality.full_name)
        except NotFoundError:
            # Asked again when a found one would be: what is known of it stays.
            profile = Profile(personality.full_name, personality.display_name, error_message=personality.error_message)
        await self.personalities.adopt(personality.full_name, profile)

    async def _next(self) -> Personality | None:
        now = self.clock()
        waiting = {name for name, until in self._failures.items() if until > now}
        limit = len(waiting) + 1
        outdated = now - timedelta(seconds=self.lifetime_seconds)
        for query in (rows_of.find_without_profile(limit), rows_of.find_by_profile_age(outdated, limit)):
            for personality in await self.store.fetch(query):
                if personality.full_name not in waiting:
                    return personality
        return None

    def _wait_after(self, personality: Personality, error: TzurotError) -> float:
        """Longer after each failure in a row; the one that failed waits longest, so that it is in nobody's way."""
        self._failures[personality.full_name] = self.clock() + timedelta(seconds=self.backoff_limit_seconds)
        self._in_a_row.append(personality.full_name)
        logger.warning("The profile of %s is not refreshed: %s", personality.full_name, error.message)
        backoff = self.interval_seconds * 2.0 ** min(len(self._in_a_row), 30)
        asked_for = (error.retry_after_seconds or 0.0) if isinstance(error, UnavailableError) else 0.0
        return max(min(backoff, self.backoff_limit_seconds), asked_for)
