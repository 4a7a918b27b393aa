"""Before and after every command: who may use it, and what is said when it fails."""

import logging
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.admission import BROKEN, failures_told, is_admitted, whisper
from bot.cogs.context import UNDELIVERED, Context, member_of, place_of, plain, reply, sentence_of, services_of, typed_in
from bot.errors import NotAllowedError, TzurotError, trace
from bot.model import Member
from bot.rules.commands.terms import may_show_a_code, may_use, near_miss, terms_of

log = logging.getLogger(__name__)

SLASH = 1
"""Discord's number for the type of a slash command, where a context menu has another."""
OUTDATED = "My commands have just changed. Please try again in a minute."
UNDELIVERABLE = "Discord did not take my answer; what you asked for may well be done."
QUOTING = 'A name of several words, or with quotation marks in it, goes between straight ones: `"like this"`.'


class IgnoredError(commands.CheckFailure):
    """The user gets no word."""


class RefusedError(commands.CheckFailure):
    """The user may not use the command; its cause has the sentence."""


class FailureCog(commands.Cog):
    """The gate before the commands, and one handler for all of their errors."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    async def cog_load(self) -> None:
        """Take the errors that slash commands have before they become a command, and stand before context menus."""
        self._bot.tree.error(self._on_tree_error)
        self._bot.tree.interaction_check = self._check_context_menu  # type: ignore[method-assign]

    async def bot_check(self, ctx: commands.Context[Any]) -> bool:
        """Let the services decide who may use a command at all; asked with a subcommand's full name, typed or not."""
        name = ctx.command.qualified_name if ctx.command else "help"
        try:
            if may_show_a_code(typed_in(ctx)):
                await _hide(ctx)
            if await self._is_admitted(ctx, name):
                return True
        except TzurotError as error:
            raise RefusedError from error
        raise IgnoredError

    async def _is_admitted(self, ctx: Context, name: str) -> bool:
        """By the gate, and by the pace, which a refusal counts for too: it would be answered each time."""
        services, refusal = services_of(self._bot), None
        try:
            if not await services.gate.admit(member_of(ctx), name, place_of(ctx)):
                return False
        except TzurotError as error:
            refusal = error
        command_id = ctx.interaction.id if ctx.interaction else ctx.message.id
        if not services.pace.admits_command(ctx.author.id, command_id, is_seen_by_all=ctx.interaction is None):
            return False
        if refusal is not None:
            raise refusal
        return True

    async def _check_context_menu(self, interaction: discord.Interaction[Any], /) -> bool:
        """The same for context menus; what comes of a slash is asked as a command, and choices are asked by name."""
        data: dict[str, Any] = {**(interaction.data or {})}
        if data.get("type", SLASH) == SLASH:
            return True
        async with failures_told(interaction):
            if await is_admitted(interaction, str(data["name"])):
                pace = services_of(self._bot).pace
                return pace.admits_command(interaction.user.id, interaction.id, is_seen_by_all=False)
        return False

    @commands.Cog.listener()
    async def on_command_error(self, ctx: Context, error: commands.CommandError) -> None:
        """Say what went wrong, to whoever gave the command."""
        try:
            if (sentence := await self._sentence(ctx, error)) is not None:
                await reply(ctx, sentence, is_private=True)
        except UNDELIVERED as failure:
            log.warning("A failed command's author could not be told: %s", type(failure).__name__)

    async def _sentence(self, ctx: Context, error: commands.CommandError) -> str | None:
        if isinstance(error, IgnoredError):
            return None
        if isinstance(error, commands.CommandNotFound):
            return await self._unknown(ctx)
        cause = _root(error)
        if isinstance(error, commands.UserInputError) or isinstance(cause, app_commands.TransformerError):
            return self._usage(ctx, error)
        return sentence_of(cause) if isinstance(cause, TzurotError) else _unexpected(ctx, cause)

    async def _unknown(self, ctx: Context) -> str | None:
        try:
            if not await self._is_admitted(ctx, "help"):
                return None
        except TzurotError as error:
            return sentence_of(error)
        policy, typed = services_of(self._bot).policy, (ctx.invoked_with or "")[:50]
        near = near_miss(typed, self._usable(member_of(ctx)))
        meant = f" Did you mean {policy.command(near)}?" if near else ""
        return f"I don't know the command “{plain(typed)}”.{meant} {policy.command('help')} lists what I can do."

    def _usable(self, member: Member) -> dict[str, str]:
        """Names and aliases of the commands that the member may use, with the commands' own names."""
        owner_id = services_of(self._bot).policy.owner_id
        known = self._bot.all_commands.items()
        return {alias: one.name for alias, one in known if may_use(terms_of(one.name).right, member, owner_id)}

    def _usage(self, ctx: Context, error: Exception) -> str:
        policy = services_of(self._bot).policy
        if ctx.command is None:
            return f"See {policy.command('help')}."
        typed = f"{ctx.command.qualified_name} {ctx.command.usage or ''}".strip()
        sentence = f"It goes like this: {policy.command(typed)}"
        if isinstance(error, commands.UserNotFound):
            return f"I can't find that user. Mention them, or give their id. {sentence}"
        is_misquoted = isinstance(error, commands.ArgumentParsingError)
        return f"I stumbled over a quotation mark. {sentence}\n{QUOTING}" if is_misquoted else sentence

    async def _on_tree_error(self, interaction: discord.Interaction[Any], error: app_commands.AppCommandError) -> None:
        async with failures_told(interaction):
            if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
                log.error("A slash command could not be run: %s", trace(error))
                await whisper(interaction, OUTDATED)
            else:
                raise _root(error)


async def _hide(ctx: Context) -> None:
    """Delete what was typed in a server, before anything else."""
    if ctx.guild is None:
        return
    try:
        await ctx.message.delete()
    except discord.NotFound:
        return
    except discord.HTTPException:
        raise NotAllowedError(
            "Codes belong in a direct message, and I may not delete messages here.",
            remedy="Please delete yours, get a new code, and send it to me directly.",
        ) from None


def _unexpected(ctx: Context, cause: BaseException) -> str:
    if isinstance(cause, UNDELIVERED):
        log.warning("Command %s: Discord did not take the answer: %s", ctx.command, type(cause).__name__)
        return UNDELIVERABLE
    log.error("Command %s failed: %s", ctx.command, trace(cause))
    return BROKEN


def _root(error: BaseException) -> BaseException:
    """The error inside of discord.py's wrappers."""
    wrappers = (commands.CommandError, app_commands.AppCommandError)
    while isinstance(error, wrappers) and error.__cause__ is not None:
        error = error.__cause__
    return error


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(FailureCog(bot))
