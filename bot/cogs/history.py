"""What was said in a channel before this process began, read from Discord."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import discord

from bot.cogs.context import heard_from, is_muted
from bot.errors import UnavailableError
from bot.model import Heard, Place, Spoken
from bot.rules.speech import undo_dm_text

Readable = discord.abc.Messageable
Hosts = discord.TextChannel | discord.ForumChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHistory:
    """The `History` of Discord."""

    client: discord.Client
    timeout_seconds: float

    async def message(self, place: Place, message_id: int) -> Heard | None:
        """The message as it stands now; None where it is gone, or the bot may not read or write there any more."""
        async with _reading(self.timeout_seconds):
            try:
                message = await self._channel(place).fetch_message(message_id)
                return None if is_muted(message) else await self._heard(message)
            except (discord.NotFound, discord.Forbidden):
                return None

    async def spoken_since(self, place: Place, after_message_id: int) -> list[Spoken]:
        """What the bot's personalities said there after that message, oldest first."""
        after = discord.Object(after_message_id)
        async with _reading(self.timeout_seconds):
            found = self._channel(place).history(limit=None, after=after, oldest_first=True)
            return [spoken async for message in found if (spoken := self._spoken(message))]

    async def _heard(self, message: discord.Message) -> Heard:
        """So soon after the start the thread's channel may not be there yet, which says whether it is NSFW."""
        heard = await heard_from(message, self.client)
        parent_id = heard.place.parent_id
        if parent_id is None or self.client.get_channel(parent_id) is not None:
            return heard
        parent = await self.client.fetch_channel(parent_id)
        is_nsfw = isinstance(parent, Hosts) and parent.is_nsfw()
        return replace(heard, place=replace(heard.place, is_nsfw=is_nsfw))

    def _channel(self, place: Place) -> Readable:
        """The channel as far as it is known, which is enough to read from."""
        channel = self.client.get_channel(place.channel_id)
        if isinstance(channel, Readable):
            return channel
        return self.client.get_partial_messageable(place.channel_id, guild_id=place.guild_id)

    def _spoken(self, message: discord.Message) -> Spoken | None:
        own_id = self.client.application_id
        if message.webhook_id:
            # An answer to a slash command has the application itself as its webhook.
            is_own = message.application_id == own_id != message.webhook_id
            return Spoken(message.id, message.content, message.author.name) if is_own else None
        is_own = message.guild is None and message.author == self.client.user
        parts = undo_dm_text(message.content) if is_own else None
        return Spoken(message.id, parts[1], parts[0]) if parts else None


@asynccontextmanager
async def _reading(timeout_seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except (discord.DiscordException, aiohttp.ClientError, OSError):
        raise UnavailableError("Discord did not let me read what was said just now.") from None
