"""Spends no second IDENTIFY on a bot token that Discord has just refused: it counts them."""

import hashlib
import logging
from dataclasses import dataclass
from datetime import timedelta

from bot.errors import ConfigurationError, StorageError
from bot.model import Clock, Secret, utc_now
from bot.store import refusals
from bot.store.refusals import Refusal
from bot.store.statement import Store

log = logging.getLogger(__name__)

DIGEST_LENGTH = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRefusals:
    """Remembers them over restarts, by a digest of the token."""

    store: Store
    interval: timedelta
    clock: Clock = utc_now

    async def require_none(self, token: Secret) -> None:
        """Refuse a token that was refused a short while ago; another one is tried at once."""
        refusal = await self.store.first(refusals.get(_digest(token)))
        if refusal is None:
            return
        again_at = refusal.refused_at + self.interval
        if refusal.refused_at <= self.clock() < again_at:
            raise ConfigurationError(
                refusal.reason,
                remedy=f"The same token is tried again from {again_at:%H:%M:%S} UTC on, another one at once.",
            )

    async def note(self, token: Secret, reason: str) -> None:
        """Discord has refused it; a full disk must not hide that."""
        try:
            await self.store.write(refusals.put(Refusal(_digest(token), reason, self.clock())))
        except StorageError as error:
            log.warning("It could not be noted that Discord refused the token: %s", error.message)


def _digest(token: Secret) -> str:
    return hashlib.sha256(token.reveal().encode()).hexdigest()[:DIGEST_LENGTH]
