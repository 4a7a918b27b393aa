"""The answer to a command that changed something: nothing is called done that could still be lost."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Protocol

import discord
from discord.ext import commands

from bot.cogs.context import MESSAGE_LIMIT, UNDELIVERED, Context, reply, services_of, shorten
from bot.services.ports import Confirmer
from bot.settings import Settings

log = logging.getLogger(__name__)

LATE_LIMIT = 100
COPYING = "-# Saved here, and being copied to a safe place; this message changes when that is done."
COPYING_UNSEEN = "-# Saved here, and being copied to a safe place."
UNCOPIED = "-# Saved here, but not yet copied to a safe place: that fails at the moment, and goes on being tried."


class Asked(Protocol):
    """Somebody waits for an answer, to a command or a form."""

    @property
    def interaction(self) -> discord.Interaction[Any] | None:
        """What Discord wants a first sign for within 3 s."""

    async def think(self) -> None:
        """Give that sign."""

    async def answer(self, text: str) -> discord.Message:
        """Say it."""


@dataclass(frozen=True, slots=True)
class AskedByCommand:
    """A command; `is_private` shows a slash command's answer to its author only."""

    ctx: Context
    is_private: bool

    @property
    def interaction(self) -> discord.Interaction[Any] | None:
        """None where the command was typed."""
        return self.ctx.interaction

    async def think(self) -> None:
        """Show that the answer is to come."""
        await self.ctx.defer(ephemeral=self.is_private)

    async def answer(self, text: str) -> discord.Message:
        """Say it."""
        return await reply(self.ctx, text, is_private=self.is_private)


@dataclass(frozen=True, slots=True)
class AskedByForm:
    """A form that was filled in, whose answer its author alone sees."""

    interaction: discord.Interaction[commands.Bot]

    async def think(self) -> None:
        """Show that the answer is to come."""
        await self.interaction.response.defer(ephemeral=True, thinking=True)

    async def answer(self, text: str) -> discord.Message:
        """Say it; a follow-up takes the place of the sign before it."""
        if not self.interaction.response.is_done():
            await self.think()
        return await self.interaction.followup.send(
            text, ephemeral=True, wait=True, allowed_mentions=discord.AllowedMentions.none()
        )


class Acknowledgements:
    """Answers as soon as a change is confirmed off-site, or says after a while that this is still to come."""

    def __init__(self, confirmer: Confirmer, settings: Settings) -> None:
        self._confirmer = confirmer
        self._settings = settings
        self._late: set[asyncio.Task[None]] = set()

    async def give(self, asked: Asked, sentence: str) -> None:
        """Answer with the sentence."""
        if await self._is_confirmed(asked):
            await asked.answer(sentence)
            return
        is_followed = len(self._late) < LATE_LIMIT
        text = _with_note(sentence, COPYING if is_followed else COPYING_UNSEEN)
        message = await asked.answer(text)
        if is_followed:
            task = asyncio.create_task(self._follow(message, sentence, self._seconds_left(asked)))
            self._late.add(task)
            task.add_done_callback(self._late.discard)

    async def close(self) -> None:
        """Follow no message any more."""
        tasks = list(self._late)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _is_confirmed(self, asked: Asked) -> bool:
        waiting = asyncio.create_task(self._confirmer.confirm(self._settings.acknowledgement_timeout_seconds))
        try:
            # Discord waits 3 s for a first sign; most answers are there before it is worth one.
            await asyncio.wait({waiting}, timeout=self._settings.deferral_delay_seconds)
            if not waiting.done() and asked.interaction is not None and not asked.interaction.response.is_done():
                await asked.think()
            return await waiting
        finally:
            waiting.cancel()

    def _seconds_left(self, asked: Asked) -> float:
        """How long the answer can be changed: Discord counts from the command, which may have had a question first."""
        lifetime = self._settings.acknowledgement_lifetime_seconds
        if asked.interaction is None:
            return lifetime
        age = discord.utils.utcnow() - asked.interaction.created_at
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
    """Answer a command that changed something; `is_private` shows a slash command's answer to its author only."""
    await services_of(ctx.bot).acknowledgements.give(AskedByCommand(ctx, is_private), sentence)


async def acknowledge_form(interaction: discord.Interaction[commands.Bot], sentence: str) -> None:
    """Answer a form that changed something, for its author only."""
    await services_of(interaction.client).acknowledgements.give(AskedByForm(interaction), sentence)


def _with_note(sentence: str, note: str) -> str:
    return f"{shorten(sentence, MESSAGE_LIMIT - len(note) - 1)}\n{note}"
