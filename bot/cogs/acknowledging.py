"""The answer to a command that changed something: nothing is called done that could still be lost."""

import asyncio
import logging

import discord

from bot.cogs.context import MESSAGE_LIMIT, UNDELIVERED, Context, reply, services_of, shorten
from bot.services.ports import Confirmer
from bot.settings import Settings

log = logging.getLogger(__name__)

LATE_LIMIT = 100
COPYING = "-# Saved here, and being copied to a safe place; this message changes when that is done."
COPYING_UNSEEN = "-# Saved here, and being copied to a safe place."
UNCOPIED = "-# Saved here, but not yet copied to a safe place: that fails at the moment, and goes on being tried."


class Acknowledgements:
    """Answers as soon as a change is confirmed off-site, or says after a while that this is still to come."""

    def __init__(self, confirmer: Confirmer, settings: Settings) -> None:
        self._confirmer = confirmer
        self._settings = settings
        self._late: set[asyncio.Task[None]] = set()

    async def give(self, ctx: Context, sentence: str, *, is_private: bool = False) -> None:
        """Answer with the sentence; `is_private` shows a slash command's answer to its author only."""
        if await self._is_confirmed(ctx, is_private=is_private):
            await reply(ctx, sentence, is_private=is_private)
            return
        is_followed = len(self._late) < LATE_LIMIT
        text = _with_note(sentence, COPYING if is_followed else COPYING_UNSEEN)
        message = await reply(ctx, text, is_private=is_private)
        if is_followed:
            task = asyncio.create_task(self._follow(message, sentence, self._seconds_left(ctx)))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def close(self) -> None:
        """Follow no message any more."""
        tasks = list(self._late)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _is_confirmed(self, ctx: Context, *, is_private: bool) -> bool:
        waiting = asyncio.create_task(self._confirmer.confirm(self._settings.acknowledgement_timeout_seconds))
        try:
            # Discord waits 3 s for a first sign; most answers are there before it is worth one.
            await asyncio.wait({waiting}, timeout=self._settings.deferral_delay_seconds)
            if not waiting.done() and ctx.interaction is not None and not ctx.interaction.response.is_done():
                await ctx.defer(ephemeral=is_private)
            return await waiting
        finally:
            waiting.cancel()

    def _seconds_left(self, ctx: Context) -> float:
        """How long the answer can be changed: Discord counts from the command, which may have had a question first."""
        lifetime = self._settings.acknowledgement_lifetime_seconds
        if ctx.interaction is None:
            return lifetime
        age = discord.utils.utcnow() - ctx.interaction.created_at
        return min(lifetime, lifetime - age.total_seconds())

    async def _follow(self, message: discord.Message, sentence: str, timeout_seconds: float) -> None:
        """Change the message once its change is confirmed, or before Discord lets nobody change it any more."""
        is_confirmed = await self._confirmer.confirm(timeout_seconds)
        text = shorten(sentence) if is_confirmed else _with_note(sentence, UNCOPIED)
        try:
            await message.edit(content=text, allowed_mentions=discord.AllowedMentions.none())
        except UNDELIVERED as error:
            log.warning("Message %d could not be changed: %s", message.id, type(error).__name__)


async def acknowledge(ctx: Context, sentence: str, *, is_private: bool = False) -> None:
    """Answer a command that changed something."""
    await services_of(ctx.bot).acknowledgements.give(ctx, sentence, is_private=is_private)


def _with_note(sentence: str, note: str) -> str:
    return f"{shorten(sentence, MESSAGE_LIMIT - len(note) - 1)}\n{note}"
