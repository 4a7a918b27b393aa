"""What was written in a channel while nobody listened, read from Discord, and what is said about it later."""

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import discord
from discord.ext import commands

from bot.cogs.context import (
    UNDELIVERED,
    answer_message,
    host_of,
    sentence_of,
)
from bot.cogs.hearing import heard_from, is_from_a_person, is_muted
from bot.cogs.reading import is_a_copy
from bot.errors import TzurotError, UnavailableError
from bot.model import Heard, Place, Spoken
from bot.rules.dialogue.speech import undo_dm_text
from bot.services.ports import Told, Written

log = logging.getLogger(__name__)

Readable = discord.abc.Messageable
Hosts = discord.TextChannel | discord.ForumChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelHistory:
    """The `History` of Discord."""

    client: commands.Bot
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

    async def written_since(self, channel_id: int, after_message_id: int) -> list[Written]:
        """What was written there after that message and matters, oldest first; nothing where the bot may not read."""
        after = discord.Object(after_message_id)
        async with _reading(self.timeout_seconds):
            try:
                channel = self.client.get_channel(channel_id) or await self.client.fetch_channel(channel_id)
                if not _may_have_more(channel, after_message_id):
                    return []
                if not isinstance(channel, Readable) or not _may_read(channel):
                    return _skipped(channel_id)
                found = channel.history(limit=None, after=after, oldest_first=True)
                return [written async for message in found if (written := await self._written(message))]
            except (discord.NotFound, discord.Forbidden):
                return _skipped(channel_id)

    def threads_of(self, channel_ids: Collection[int]) -> list[int]:
        """The open threads of these channels, as far as they are known."""
        channels = [self.client.get_channel(channel_id) for channel_id in channel_ids]
        return [thread.id for channel in channels if isinstance(channel, Hosts) for thread in channel.threads]

    async def _written(self, message: discord.Message) -> Written | None:
        if is_from_a_person(message) or is_a_copy(message):
            is_nothing = host_of(self.client).prefix_of(message.content) is not None or is_muted(message)
            return None if is_nothing else await self._heard(message)
        if (spoken := self._spoken(message)) is not None:
            return spoken
        replied_to_id = message.reference.message_id if message.reference else None
        return Told(message.id, replied_to_id) if replied_to_id and message.author == self.client.user else None

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
        own_id, is_edited = self.client.application_id, message.edited_at is not None
        if message.webhook_id:
            # An answer to a slash command has the application itself as its webhook.
            is_own = message.application_id == own_id != message.webhook_id
            return Spoken(message.id, message.content, message.author.name, is_edited) if is_own else None
        is_own = message.guild is None and message.author == self.client.user
        parts = undo_dm_text(message.content) if is_own else None
        return Spoken(message.id, parts[1], parts[0], is_edited) if parts else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyHerald:
    """The `Herald` of Discord."""

    client: commands.Bot

    async def tell(self, heard: Heard, error: TzurotError) -> None:
        """Reply to the message with the error's sentence, pinging nobody; never raises."""
        place = heard.place
        channel = self.client.get_partial_messageable(place.channel_id, guild_id=place.guild_id)
        try:
            await answer_message(channel.get_partial_message(heard.message_id), sentence_of(error))
        except UNDELIVERED as failure:
            log.warning("The author of message %d could not be told: %s", heard.message_id, type(failure).__name__)


def _skipped(channel_id: int) -> list[Written]:
    log.warning("Channel %d is skipped: I may not read what was written there", channel_id)
    return []


def _may_read(channel: Readable) -> bool:
    if not isinstance(channel, discord.abc.GuildChannel | discord.Thread):
        return True
    if channel.guild.me is None or (isinstance(channel, discord.Thread) and channel.parent is None):
        return True  # not in the cache (yet): Discord will say
    granted = channel.permissions_for(channel.guild.me)
    return granted.view_channel and granted.read_message_history


def _may_have_more(channel: object, after_message_id: int) -> bool:
    """Whether it is worth a request: a direct message channel does not know its last message, a forum has none."""
    if isinstance(channel, discord.DMChannel | discord.ForumChannel):
        return isinstance(channel, discord.DMChannel)
    return (getattr(channel, "last_message_id", None) or 0) > after_message_id


@asynccontextmanager
async def _reading(timeout_seconds: float) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(timeout_seconds):
            yield
    except (discord.DiscordException, aiohttp.ClientError, OSError):
        raise UnavailableError("Discord did not let me read what was said just now.") from None
