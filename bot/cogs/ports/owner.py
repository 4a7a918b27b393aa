"""Tells the person who hosts the bot, by direct message, what they should know."""

import asyncio
import logging
import secrets
from dataclasses import dataclass

import discord

from bot.cogs.context import UNDELIVERED, shorten

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectOwner:
    """The `Owner` whose id is BOT_OWNER_ID; 0 is nobody."""

    client: discord.Client
    owner_id: int
    timeout_seconds: float

    async def tell(self, text: str) -> bool:
        """Send a direct message; False, with the reason in the log, where it did not arrive. Never raises."""
        if not self.owner_id:
            return False
        if not self.client.is_ready():
            log.warning("The owner could not be told: Discord is not connected")
            return False
        try:
            async with asyncio.timeout(self.timeout_seconds):
                await self._send(shorten(text))
        except UNDELIVERED as error:
            log.warning("The owner could not be told: %s", type(error).__name__)
            return False
        return True

    async def _send(self, text: str) -> None:
        channel = await self.client.create_dm(discord.Object(self.owner_id))
        # The nonce makes Discord drop the copy when the client repeats a request after a 5xx.
        await channel.send(text, nonce=secrets.token_hex(12), allowed_mentions=discord.AllowedMentions.none())
