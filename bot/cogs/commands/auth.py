"""Commands about the author: logging in at the AI service, and age verification."""

import secrets
from typing import Any

import discord
from discord.ext import commands

from bot.cogs.admission import failures_told, is_admitted, presser_of
from bot.cogs.context import (
    Context,
    bare,
    hybrid_command,
    hybrid_group,
    member_of,
    place_of,
    reply,
    services_of,
    typed_in,
)
from bot.cogs.replies.acknowledging import acknowledge, acknowledge_form
from bot.errors import InvalidInputError, NotAllowedError
from bot.rules.commands.terms import may_show_a_code
from bot.rules.wording import counted
from bot.services.people.logins import CODE_LIMIT, Logins, LoginStatus
from bot.services.policy import Policy

FORM = "auth code"
FIELD = "code"
PROOF = "Discord shows age-restricted channels to adults only: use it in one, or in a server where you can see one"


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
        """Without a known subcommand: how it goes; what was typed in a server may have been a code, and is gone."""
        say = services_of(self._bot).policy.command
        steps = (
            f"{say('auth start')} sends you a link by direct message",
            f"{say('auth code CODE')}, by direct message to me, logs you in with the code from there",
            "`/auth code` does the same anywhere: it asks for the code in a form that only you see",
            f"{say('auth status')} says whether you are logged in",
            f"{say('auth revoke')} makes me forget your login",
        )
        is_hidden = ctx.guild is not None and may_show_a_code(typed_in(ctx))
        head = "I deleted that message, in case it showed a login code. It goes like this:\n" if is_hidden else ""
        await reply(ctx, head + "\n".join(f"• {step}" for step in steps), is_private=True)

    @auth.command(description="Get the link on which you authorize me")
    async def start(self, ctx: Context) -> None:
        """The link goes by direct message, or to the author of a slash command alone, so that nobody else uses it."""
        await ctx.defer(ephemeral=True)
        link = self._logins.start(member_of(ctx))
        code = services_of(self._bot).policy.command("auth code CODE")
        then = f"Then send me {code} with the code that you get, by direct message, or use `/auth code` anywhere."
        text = f"Authorize me here: {link}\n{then}"
        if ctx.guild is None and ctx.interaction is not None:
            await reply(ctx, text, is_private=True)
            return
        try:
            await ctx.author.send(text, nonce=secrets.token_hex(12), allowed_mentions=discord.AllowedMentions.none())
        except discord.Forbidden:
            if ctx.interaction is None:
                raise _closed() from None
            await reply(ctx, text, is_private=True)
            return
        if ctx.guild is not None:
            await reply(ctx, "I sent you a direct message with the link.", is_private=True)

    @auth.command(
        usage="CODE",
        description="Log in with the code from the link",
        brief="Typed, it works in a direct message only; with a slash a form asks for the code, and only you see it",
    )
    async def code(self, ctx: Context) -> None:
        """A slash opens a form, so that the code is nowhere to be seen; typed in a server, it is gone before this runs.

        The code is no argument, because as one it would be an option of the slash command that everybody sees.
        """
        if ctx.interaction is not None:
            await ctx.interaction.response.send_modal(_code_form())
            return
        typed = bare(ctx.view.read_rest()).strip("|` ")
        if not typed and ctx.guild is None:
            raise InvalidInputError(
                "The code is missing.",
                remedy=f"Send me {services_of(self._bot).policy.command('auth code CODE')}, with the code that the"
                f" page behind the link of {services_of(self._bot).policy.command('auth start')} shows you.",
            )
        status = await self._logins.code(member_of(ctx), place_of(ctx), typed)
        await acknowledge(ctx, _welcome(status, services_of(self._bot).policy), is_private=True)

    @commands.Cog.listener()
    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Take the form's code, also of a form that was opened before a restart: nothing of it is kept here."""
        data: dict[str, Any] = {**(interaction.data or {})}
        if interaction.type is not discord.InteractionType.modal_submit or data.get("custom_id") != FORM:
            return
        async with failures_told(interaction):
            if await is_admitted(interaction, "auth code"):
                await interaction.response.defer(ephemeral=True, thinking=True)
                status = await self._logins.code(presser_of(interaction), None, _filled_in(data))
                await acknowledge_form(interaction, _welcome(status, services_of(self._bot).policy))

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

    @auth.command(description="Forget the logins in this server that have run out")
    async def cleanup(self, ctx: Context) -> None:
        """For administrators those of their server's members, for the bot's owner everybody's."""
        await ctx.defer(ephemeral=True)
        count = await services_of(self._bot).login_cleanup.run(member_of(ctx), place_of(ctx))
        text = f"I have forgotten {counted(count, 'login')} that had run out." if count else "No login has run out."
        await acknowledge(ctx, text, is_private=True)

    @hybrid_command(aliases=["nsfw"], description="Confirm that you are of age, for direct messages", brief=PROOF)
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
            return f"You are not logged in. {start} gets you a link for that."
        return f"You are logged in{_until(status)}."


def _code_form() -> discord.ui.Modal:
    """A form with one field. It is stopped at once, because discord.py would keep it until it is filled in."""
    form = discord.ui.Modal(title="Log in", custom_id=FORM)
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(custom_id=FIELD, max_length=CODE_LIMIT)
    form.add_item(discord.ui.Label(text="Your code", description="The page behind my link shows it.", component=field))
    form.stop()
    return form


def _filled_in(data: dict[str, Any]) -> str:
    """What stands in the form's one field."""
    for row in data.get("components") or []:
        for field in (row.get("component") or {}, *(row.get("components") or [])):
            if field.get("custom_id") == FIELD:
                return str(field.get("value") or "")
    return ""


def _welcome(status: LoginStatus, policy: Policy) -> str:
    talk = f"write `{policy.mention_char}` and a personality's name"
    return f"You are logged in{_until(status)}. Have fun: {talk}, or bring one along with {policy.command('add NAME')}."


def _until(status: LoginStatus) -> str:
    return f" until <t:{int(status.expires_at.timestamp())}:f>" if status.expires_at else ""


def _closed() -> NotAllowedError:
    return NotAllowedError(
        "Discord does not let me send you a direct message.",
        remedy="Use `/auth start`, which shows the link to you alone, or allow direct messages from this server.",
    )


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(AuthCog(bot))
