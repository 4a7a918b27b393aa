"""The gate for what is no command of a message: buttons, forms and context menus; and how their user is told."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import discord
from discord.ext import commands

from bot.cogs.context import UNDELIVERED, sentence_of, services_of, shorten
from bot.cogs.hearing import place_in
from bot.errors import TzurotError, trace
from bot.model import Member, Place

log = logging.getLogger(__name__)

BROKEN = "Something went wrong on my side, and the operator can see it in the log."


def presser_of(interaction: discord.Interaction[commands.Bot]) -> Member:
    """Who presses, fills in or chooses, with what they may do there at this moment."""
    return Member(
        user_id=interaction.user.id,
        may_manage_messages=interaction.permissions.manage_messages,
        is_administrator=interaction.permissions.administrator,
    )


def place_of_press(interaction: discord.Interaction[commands.Bot]) -> Place:
    """Where that happens."""
    return place_in(interaction.channel, interaction.guild_id)


async def is_admitted(interaction: discord.Interaction[commands.Bot], command: str) -> bool:
    """Whether the gate lets the user have the command now; who is refused is told why, the blacklisted get no word."""
    try:
        admits = services_of(interaction.client).gate.admit
        if await admits(presser_of(interaction), command, place_of_press(interaction)):
            return True
    except TzurotError as error:
        await whisper(interaction, sentence_of(error))
        return False
    if interaction.type is discord.InteractionType.component:
        await interaction.response.defer()
    return False


async def whisper(interaction: discord.Interaction[commands.Bot], text: str) -> None:
    """Say something that only the user sees."""
    say = interaction.followup.send if interaction.response.is_done() else interaction.response.send_message
    await say(shorten(text), ephemeral=True, allowed_mentions=discord.AllowedMentions.none())


@asynccontextmanager
async def failures_told(interaction: discord.Interaction[commands.Bot]) -> AsyncIterator[None]:
    """The border of what a button, a form or a context menu does: what goes wrong ends here, and its user is told."""
    sentence = BROKEN
    try:
        yield
    except TzurotError as error:
        sentence = sentence_of(error)
    except UNDELIVERED as error:
        log.warning("Discord did not take the answer to an interaction: %s", type(error).__name__)
        return
    except Exception:  # noqa: BLE001 - the gateway's border, and discord.py would log the error's text
        log.error("An interaction failed: %s", trace())  # noqa: TRY400 - no text in logs
    else:
        return
    try:
        await whisper(interaction, sentence)
    except UNDELIVERED as error:
        log.warning("Who made an interaction could not be told: %s", type(error).__name__)
