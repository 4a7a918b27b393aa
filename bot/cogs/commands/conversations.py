"""Commands about the author's own conversations: autorespond, reset."""

from discord import app_commands
from discord.ext import commands

from bot.cogs.context import (
    Context,
    bare,
    code,
    hybrid_command,
    hybrid_group,
    member_of,
    place_of,
    reply,
    services_of,
)
from bot.cogs.replies.acknowledging import acknowledge
from bot.cogs.replies.choosing import offer_personalities
from bot.rules.duration import describe_duration
from bot.services.people.conversations import Conversations


class ConversationCog(commands.Cog):
    """Whether conversations go on by themselves, and that one is over."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _conversations(self) -> Conversations:
        return services_of(self._bot).conversations

    @hybrid_group(
        aliases=["auto", "ar"],
        usage="on | off | status",
        description="Choose whether I keep answering you after one mention",
    )
    async def autorespond(self, ctx: Context) -> None:
        """Without a known subcommand: whether it is on."""
        await self._tell(ctx)

    @autorespond.command(description="After one mention, keep answering you in that channel")
    async def on(self, ctx: Context) -> None:
        """For the author alone, in every channel."""
        is_new = await self._conversations.turn_on(member_of(ctx))
        word = "From now on" if is_new else "As before"
        await acknowledge(ctx, f"{word}, {self._effect()}", is_private=True)

    @autorespond.command(description="Answer you only when you mention or reply")
    async def off(self, ctx: Context) -> None:
        """What stays: replies, mentions, activated channels and direct messages."""
        is_new = await self._conversations.turn_off(member_of(ctx))
        word = "From now on" if is_new else "As before"
        text = f"{word}, in servers a personality answers you only when you mention it or reply to it."
        await acknowledge(ctx, text, is_private=True)

    @autorespond.command(description="See whether I keep answering you")
    async def status(self, ctx: Context) -> None:
        """Also says how to change it."""
        await self._tell(ctx)

    @hybrid_command(usage="[NAME]", description="End your conversation with a personality in this channel")
    @app_commands.describe(name="Whom you talked to, by full name or alias; whoever it is if you leave it out")
    @app_commands.autocomplete(name=offer_personalities)
    async def reset(self, ctx: Context, *, name: str | None = None) -> None:
        """The next word begins anew; what the AI service remembers is not the bot's to forget."""
        wanted = bare(name) if name else None
        ended = await self._conversations.reset(member_of(ctx), place_of(ctx), wanted, ctx.message.id)
        if ended is None:
            text = "You have no conversation running here that I could end."
        else:
            text = (
                f"Your conversation with {code(ended)} here is over: mention it or reply to it to begin a new one.\n"
                "-# What it has learned about you lies with the AI service, and stays there."
            )
        await acknowledge(ctx, text, is_private=True)

    async def _tell(self, ctx: Context) -> None:
        policy = services_of(self._bot).policy
        if await self._conversations.goes_on(member_of(ctx)):
            text = f"It is on: {self._effect()} {policy.command('autorespond off')} ends that."
        else:
            text = f"It is off. With {policy.command('autorespond on')}, {self._effect()}"
        await reply(ctx, text, is_private=True)

    def _effect(self) -> str:
        lasts = describe_duration(services_of(self._bot).policy.auto_response_lifetime.total_seconds())
        return (
            "whoever has answered you in a server's channel goes on answering what you write there,"
            f" until you are silent for {lasts}."
        )


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(ConversationCog(bot))
