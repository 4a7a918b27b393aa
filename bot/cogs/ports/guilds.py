"""What Discord knows of its servers' members, asked when it matters."""

from collections.abc import Collection
from dataclasses import dataclass

import discord
from discord.ext import commands

from bot.errors import UnavailableError


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientGuilds:
    """The `Guilds` of Discord; asking by id needs no privileged intent."""

    client: commands.Bot

    async def members_among(self, guild_id: int, user_ids: Collection[int]) -> set[int]:
        """One request over the gateway, which is answered within moments or not at all."""
        guild = self.client.get_guild(guild_id)
        if guild is None:
            raise UnavailableError("Discord does not tell me about this server at the moment.")
        try:
            found = await guild.query_members(user_ids=[*user_ids], limit=len(user_ids), cache=False)
        except (TimeoutError, RuntimeError, discord.DiscordException):
            raise UnavailableError(
                "Discord does not tell me at the moment who is in this server.", remedy="Try again in a minute."
            ) from None
        return {member.id for member in found}
