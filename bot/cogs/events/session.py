"""What the gateway says beside new messages: that a session begins, and that messages are gone."""

import discord
from discord.ext import commands

from bot.cogs.context import services_of


class SessionCog(commands.Cog):
    """Hands on what a gap in the gateway, or a deletion, means for answers."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @commands.Cog.listener()
    async def on_connect(self) -> None:
        """A session begins that knows nothing of the one before: the first of a process, or after a resume failed."""
        await services_of(self._bot).recovery.begin()

    @commands.Cog.listener()
    async def on_ready(self) -> None:
        """Its servers are known, so that channels can be read."""
        services_of(self._bot).recovery.go_on()

    @commands.Cog.listener()
    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        """Somebody deleted a message."""
        services_of(self._bot).dialogue.forget([payload.message_id])

    @commands.Cog.listener()
    async def on_raw_bulk_message_delete(self, payload: discord.RawBulkMessageDeleteEvent) -> None:
        """Somebody deleted many."""
        services_of(self._bot).dialogue.forget(payload.message_ids)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(SessionCog(bot))
