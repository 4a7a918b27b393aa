"""What a message refers to, read from Discord: the message it replies to or links to, and what that one replied to."""

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, replace

import aiohttp
import discord

from bot.cogs.hearing import permissions_in
from bot.cogs.reading import quote_of
from bot.model import Heard, Quote
from bot.rules.dialogue.links import MessageLink, first_link

log = logging.getLogger(__name__)

UNREACHED = (discord.DiscordException, aiohttp.ClientError, OSError)
REFUSED = (discord.NotFound, discord.Forbidden, discord.InvalidData)
"""The last one is raised for a channel that belongs to another server than the link says."""
Spoken = discord.TextChannel | discord.Thread | discord.VoiceChannel | discord.StageChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageQuotes:
    """The `Quotes` of Discord.

    What Discord has sent along with a reply is taken as it is: its author was allowed to reply to it. Everything else
    is only read where the author of the message could read it too, in the same server or direct message channel, so
    that no link shows what lies behind a door that is closed to whoever posts it.
    """

    client: discord.Client
    timeout_seconds: float

    async def read(self, heard: Heard) -> Quote | None:
        """What the message quotes; not readable where Discord did not say in time. Never raises."""
        ends_at = asyncio.get_running_loop().time() + self.timeout_seconds
        target = _target_of(heard)
        quote = heard.quote
        if quote is None and target is not None:
            quote = await _in_time(self._linked(heard, target), ends_at, target.message_id)
        if quote is None or target is None or quote.replied_to_id is None:
            return quote
        replied_to = MessageLink(target.guild_id, target.channel_id, quote.replied_to_id)
        older = await _in_time(self._message(replied_to), ends_at, replied_to.message_id)
        return replace(quote, replied_to=older)

    async def _linked(self, heard: Heard, link: MessageLink) -> Quote | None:
        """What a link leads to, if it is in the same server or direct message channel and its author can see it."""
        if link.guild_id != heard.place.guild_id:
            return None
        is_here = link.channel_id == heard.place.channel_id
        is_open = is_here if heard.place.is_dm else await self._is_open_to(heard.author_id, link)
        return await self._message(link) if is_open else None

    async def _message(self, link: MessageLink) -> Quote:
        channel = self.client.get_partial_messageable(link.channel_id, guild_id=link.guild_id)
        return quote_of(await channel.fetch_message(link.message_id), self.client.user)

    async def _is_open_to(self, user_id: int, link: MessageLink) -> bool:
        """Whether a member can read a channel of this server; what is not known about that means no."""
        guild = self.client.get_guild(link.guild_id or 0)
        if guild is None or guild.unavailable:
            return False
        channel = guild.get_channel_or_thread(link.channel_id) or await guild.fetch_channel(link.channel_id)
        if not isinstance(channel, Spoken):
            return False
        member = await guild.fetch_member(user_id)  # as it stands now: nothing keeps the cache's members up to date
        return _may_read(channel, member) and await _is_let_in(channel, member)


def _target_of(heard: Heard) -> MessageLink | None:
    """The message that this one points at: what it replies to, else its first link, else one in a box below it."""
    if heard.replied_to_id is not None:
        return MessageLink(heard.place.guild_id, heard.place.channel_id, heard.replied_to_id)
    if heard.quote is not None:
        return None
    texts = (heard.content, *(embed.description for embed in heard.embeds))
    return next((link for text in texts if (link := first_link(text))), None)


def _may_read(channel: Spoken, member: discord.Member) -> bool:
    granted = permissions_in(channel, member)
    is_let_in = granted.connect or not isinstance(channel, discord.VoiceChannel | discord.StageChannel)
    return granted.view_channel and granted.read_message_history and is_let_in


async def _is_let_in(channel: Spoken, member: discord.Member) -> bool:
    """A private thread shows itself to those who were added to it, and to moderators."""
    if not isinstance(channel, discord.Thread) or not channel.is_private():
        return True
    return channel.permissions_for(member).manage_threads or await channel.fetch_member(member.id) is not None


async def _in_time(reading: Awaitable[Quote | None], ends_at: float, message_id: int) -> Quote | None:
    """What was read: None where there is nothing to read for the author, not readable where nobody could tell."""
    try:
        async with asyncio.timeout_at(ends_at):
            return await reading
    except REFUSED:
        return None
    except UNREACHED as error:
        log.warning("Message %d is not quoted: %s", message_id, type(error).__name__)
        return Quote(message_id=message_id, is_readable=False)
