"""Commands about a channel: activate, deactivate."""

from discord import app_commands
from discord.ext import commands

from bot.cogs.commands.diagnosis import lacking
from bot.cogs.context import Context, bare, code, hybrid_command, member_of, place_of, plain, services_of
from bot.cogs.replies.acknowledging import acknowledge
from bot.cogs.replies.choosing import offer_personalities

TO_SPEAK = frozenset({"Manage Webhooks", "Send Messages", "Send Messages in Threads"})


class ChannelCog(commands.Cog):
    """Who answers every message of a channel."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @hybrid_command(
        aliases=["act"],
        usage="NAME",
        description="Let a personality answer everything here",
        extras={"example": "activate lilith"},
    )
    @app_commands.describe(name="The personality's full name or one of its aliases")
    @app_commands.autocomplete(name=offer_personalities)
    async def activate(self, ctx: Context, *, name: str) -> None:
        """By full name or alias; needs Manage Messages and an NSFW channel."""
        done = await services_of(self._bot).activations.activate(member_of(ctx), place_of(ctx), bare(name))
        text = f"**{plain(done.personality.display_name)}** now answers every message here"
        if done.replaced and done.replaced != done.personality.full_name:
            text += f", in place of {code(done.replaced)}"
        await acknowledge(ctx, f"{text}.{_obstacle(ctx)}")

    @hybrid_command(aliases=["deact"], usage="[NAME]", description="Stop the personality that answers here")
    @app_commands.describe(name="Which one, if it must be this one; whoever it is if you leave it out")
    @app_commands.autocomplete(name=offer_personalities)
    async def deactivate(self, ctx: Context, *, name: str | None = None) -> None:
        """With a name only that personality; needs Manage Messages."""
        ended = await services_of(self._bot).activations.deactivate(
            member_of(ctx), place_of(ctx), bare(name) if name else None
        )
        await acknowledge(ctx, f"{code(ended)} no longer answers every message here.")


def _obstacle(ctx: Context) -> str:
    """What has to be granted before anybody can speak there."""
    names = ", ".join(f"**{name}**" for name in lacking(ctx) if name in TO_SPEAK)
    return f"\n⚠️ Before it can, somebody has to grant me {names} here." if names else ""


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(ChannelCog(bot))
