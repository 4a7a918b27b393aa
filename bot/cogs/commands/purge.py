"""The command that takes away what the bot has said in a direct message channel."""

import contextlib

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.context import UNDELIVERED, Context, hybrid_command, member_of, place_of, reply, services_of, shorten
from bot.cogs.replies.asking import Answers, ask
from bot.rules.wording import counted
from bot.services.people.purge import Found, Purged

ASKS_ABOVE = 5
YES, NO = "Delete them", "Keep them"


class PurgeCog(commands.Cog):
    """Cleaning up."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @hybrid_command(usage="[COUNT]", ignore_extra=False, description="Delete my messages from our direct messages")
    @app_commands.describe(count="How many of my newest messages; all of them if you leave it out")
    async def purgbot(self, ctx: Context, count: int | None = None) -> None:
        """Answers of personalities too; newest first, and asked about first where there are more than a few."""
        await ctx.defer(ephemeral=True)
        purge = services_of(self._bot).purge
        found = await purge.find(place_of(ctx), ctx.message.id, count)
        if not found.message_ids:
            await reply(ctx, "There is no message of mine here that I could delete.", is_private=True)
            return
        message = await self._begin(ctx, found)
        if message is not None:
            progress = _Progress(message, len(found.message_ids))
            done = await purge.delete(place_of(ctx), found.message_ids, progress)
            await _change(message, _described(done, found, services_of(self._bot).policy.command("purgbot")))

    async def _begin(self, ctx: Context, found: Found) -> discord.Message | None:
        """The message that shows how far it is; None where its author does not want it."""
        number = counted(len(found.message_ids), "message")
        if len(found.message_ids) <= ASKS_ABOVE:
            return await reply(ctx, f"I delete {number} of mine.", is_private=True)
        timeout = services_of(self._bot).policy.undo_question_timeout.total_seconds()
        text = f"Shall I delete {number} of mine here, answers of personalities too? Nobody can bring them back."
        agreement = await ask(ctx, text, Answers(YES, NO, timeout))
        if agreement is None or not await services_of(self._bot).gate.admit(member_of(ctx), "purgbot", place_of(ctx)):
            return None
        return agreement.message


class _Progress:
    """Writes into a message how many are gone."""

    def __init__(self, message: discord.Message, total: int) -> None:
        self._message = message
        self._total = total

    async def __call__(self, deleted: int) -> None:
        await _change(self._message, f"{deleted} of {self._total} messages are gone …")


async def _change(message: discord.Message, text: str) -> None:
    """Discord lets an answer to a slash command be changed for 15 minutes only, which ends nothing."""
    with contextlib.suppress(*UNDELIVERED):
        await message.edit(content=shorten(text), allowed_mentions=discord.AllowedMentions.none())


def _described(done: Purged, found: Found, again: str) -> str:
    text = f"I have deleted {counted(done.deleted, 'message')} of mine."
    if done.is_cut_short:
        return f"{text} Then Discord did not let me go on; {again} deletes the rest."
    if done.kept:
        text += f" {counted(done.kept, 'message')} could not be deleted."
    return text if found.is_all else f"{text} There may be older ones; {again} goes on."


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(PurgeCog(bot))
