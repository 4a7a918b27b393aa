"""The commands about release notes."""

from discord import app_commands
from discord.ext import commands

from bot.cogs.context import Context, hybrid_group, member_of, reply, services_of
from bot.cogs.replies.acknowledging import acknowledge
from bot.rules.releases import Level
from bot.services.people.notifications import Notifications

HEARD = {
    Level.MAJOR: "of each release with large changes",
    Level.MINOR: "of each release with something new",
    Level.PATCH: "of every release",
    Level.NONE: "of no release",
}
CHOICES = [app_commands.Choice(name=f"{level}: {HEARD[level]}", value=level.value) for level in Level]


class NotificationCog(commands.Cog):
    """Who is told what is new."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _notifications(self) -> Notifications:
        return services_of(self._bot).notifications

    @hybrid_group(
        aliases=["notif"],
        usage="on | off | status | level LEVEL",
        description="Choose whether I tell you what is new, by direct message",
    )
    async def notifications(self, ctx: Context) -> None:
        """Without a known subcommand: how it stands."""
        await self._tell(ctx)

    @notifications.command(description="Hear of new releases by direct message")
    async def on(self, ctx: Context) -> None:
        """At the level that was chosen before, else the usual one."""
        level = await self._notifications.turn_on(member_of(ctx))
        await acknowledge(ctx, f"From now on {_promise(level)}.", is_private=True)

    @notifications.command(description="Hear of no release")
    async def off(self, ctx: Context) -> None:
        """Whoever never turned it on hears of none either."""
        await self._notifications.turn_off(member_of(ctx))
        await acknowledge(ctx, f"From now on {_promise(Level.NONE)}.", is_private=True)

    @notifications.command(description="See of which releases you hear")
    async def status(self, ctx: Context) -> None:
        """Also says how to change it."""
        await self._tell(ctx)

    @notifications.command(usage="major | minor | patch | none", description="Choose of which releases you hear")
    @app_commands.describe(level="How large a step must be for you to hear of it")
    @app_commands.choices(level=CHOICES)
    async def level(self, ctx: Context, level: str) -> None:
        """Choosing one also turns it on, but for `none`."""
        chosen = await self._notifications.choose(member_of(ctx), level)
        await acknowledge(ctx, f"From now on {_promise(chosen)}.", is_private=True)

    async def _tell(self, ctx: Context) -> None:
        policy = services_of(self._bot).policy
        level = await self._notifications.level(member_of(ctx))
        text = f"I am version {self._notifications.version}, and {_promise(level)}.\n"
        if level is Level.NONE:
            text += f"{policy.command('notifications on')} changes that."
        else:
            levels = policy.command("notifications level LEVEL")
            text += f"{levels} chooses other releases, {policy.command('notifications off')} ends it."
        await reply(ctx, text, is_private=True)


def _promise(level: Level) -> str:
    return f"I tell you {HEARD[level]} by direct message"


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(NotificationCog(bot))
