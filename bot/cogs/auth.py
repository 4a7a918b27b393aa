"""Commands about the author: logging in at the AI service, and age verification."""

import secrets

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.acknowledging import acknowledge
from bot.cogs.context import Context, bare, hybrid_command, hybrid_group, member_of, place_of, reply, services_of
from bot.errors import NotAllowedError
from bot.services.logins import Logins, LoginStatus


class AuthCog(commands.Cog):
    """Logins and verification; slash answers about them are seen by their author only."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _logins(self) -> Logins:
        return services_of(self._bot).logins

    @hybrid_group(
        usage="start | code CODE | status | revoke",
        description="Log in, so that personalities answer you",
    )
    async def auth(self, ctx: Context) -> None:
        """Without a known subcommand: how it goes."""
        say = services_of(self._bot).policy.command
        steps = (
            f"{say('auth start')} sends you a link by direct message",
            f"{say('auth code CODE')}, by direct message to me, logs you in with the code from there",
            f"{say('auth status')} says whether you are logged in",
            f"{say('auth revoke')} makes me forget your login",
        )
        await reply(ctx, "\n".join(f"• {step}" for step in steps), is_private=True)

    @auth.command(description="Get the link on which you authorize me")
    async def start(self, ctx: Context) -> None:
        """The link goes by direct message, so that nobody else uses it."""
        await ctx.defer(ephemeral=True)
        link = self._logins.start(member_of(ctx))
        code = services_of(self._bot).policy.command("auth code CODE")
        await _send_privately(ctx, f"Authorize me here: {link}\nThen send me {code} with the code that you get, here.")
        if ctx.guild is not None or ctx.interaction is not None:
            await reply(ctx, "I sent you a direct message with the link.", is_private=True)

    @auth.command(usage="CODE", description="Log in with the code from the link; only by direct message")
    @app_commands.describe(code="What the page behind the link showed you")
    async def code(self, ctx: Context, *, code: str) -> None:
        """In a server the message that shows the code is gone before this runs."""
        await ctx.defer(ephemeral=True)
        status = await self._logins.code(member_of(ctx), place_of(ctx), bare(code).strip("|` "))
        await acknowledge(ctx, f"You are logged in{_until(status)}. Have fun.", is_private=True)

    @auth.command(description="See whether you are logged in")
    async def status(self, ctx: Context) -> None:
        """Also says how to log in, if needed."""
        status = await self._logins.status(member_of(ctx))
        await reply(ctx, self._describe(status), is_private=True)

    @auth.command(description="Make me forget your login")
    async def revoke(self, ctx: Context) -> None:
        """The user's personalities stay."""
        await self._logins.revoke(member_of(ctx))
        await acknowledge(ctx, "I have forgotten your login.", is_private=True)

    @hybrid_command(aliases=["nsfw"], description="Confirm that you are of age, in an NSFW channel")
    async def verify(self, ctx: Context) -> None:
        """Discord shows NSFW channels to adults only, so being in one is the proof."""
        await services_of(self._bot).verifications.verify(member_of(ctx, look_for_nsfw=True), place_of(ctx))
        await acknowledge(
            ctx, "You are verified. Personalities now answer you in direct messages too.", is_private=True
        )

    def _describe(self, status: LoginStatus) -> str:
        start = services_of(self._bot).policy.command("auth start")
        if not status.is_needed:
            return "Nobody needs a login here: the operator's key serves everyone."
        if status.is_expired:
            return f"Your login has run out. {start} renews it."
        if not status.is_logged_in:
            return f"You are not logged in. {start} begins it."
        return f"You are logged in{_until(status)}."


def _until(status: LoginStatus) -> str:
    return f" until <t:{int(status.expires_at.timestamp())}:f>" if status.expires_at else ""


async def _send_privately(ctx: Context, text: str) -> None:
    try:
        await ctx.author.send(text, nonce=secrets.token_hex(12), allowed_mentions=discord.AllowedMentions.none())
    except discord.Forbidden:
        raise NotAllowedError(
            "Discord does not let me send you a direct message.",
            remedy="Allow direct messages from members of this server, then try again.",
        ) from None


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(AuthCog(bot))
