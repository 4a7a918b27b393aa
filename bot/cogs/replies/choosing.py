"""What Discord shows to choose from while an option is being typed."""

from typing import Any

import discord
from discord import app_commands

from bot.cogs.admission import place_of_press, presser_of
from bot.cogs.context import services_of
from bot.errors import TzurotError


async def offer_personalities(interaction: discord.Interaction[Any], current: str) -> list[app_commands.Choice[str]]:
    """Personalities that the command can be used for, of which a name holds what was typed so far."""
    if interaction.command is None:
        return []
    try:
        place = place_of_press(interaction)
    except TzurotError:
        return []
    found = await services_of(interaction.client).choices.find(
        presser_of(interaction), place, interaction.command.qualified_name, current
    )
    return [app_commands.Choice(name=choice.label, value=choice.value) for choice in found]
