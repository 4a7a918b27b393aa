"""What every cog needs: the services, Discord's objects as the program's own, and replies that ping nobody."""

import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import aiohttp
import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.hearing import granted_to_the_bot, place_in
from bot.errors import (
    ConfigurationError,
    ProtectedError,
    StorageError,
    TzurotError,
    UnavailableError,
    UnreadableError,
)
from bot.model import Member, Place
from bot.rules.commands.terms import Right, Where, terms_of
from bot.services.answers.answers import Answers
from bot.services.answers.retrying import Retrying
from bot.services.diagnosis import Diagnosis
from bot.services.dialogue.dialogue import Dialogue
from bot.services.dialogue.pace import Pace
from bot.services.gate import Gate
from bot.services.operation.status_report import StatusReport
from bot.services.people.conversations import Conversations
from bot.services.people.login_cleanup import LoginCleanup
from bot.services.people.logins import Logins
from bot.services.people.moderation import Moderation
from bot.services.people.notifications import Notifications
from bot.services.people.purge import Purge
from bot.services.people.verifications import Verifications
from bot.services.personalities.activations import Activations
from bot.services.personalities.choices import Choices
from bot.services.personalities.configuration import Configuration
from bot.services.personalities.personalities import Personalities
from bot.services.policy import Policy
from bot.services.ports import Confirmer, Owner
from bot.services.recovery.recovery import Recovery
from bot.services.undo import Undo

if TYPE_CHECKING:
    from bot.cogs.replies.acknowledging import Acknowledgements

log = logging.getLogger(__name__)

MESSAGE_LIMIT = 2000
UNSAVED = "I can't look anything up or save anything at the moment. The operator can see why in the log."
OPERATORS_MATTER = (StorageError, ProtectedError, UnreadableError, ConfigurationError)
"""Errors whose sentences speak of files and settings, which no user can do anything about."""
PERMISSIONS = {
    Right.MANAGE_MESSAGES: discord.Permissions(manage_messages=True),
    Right.ADMINISTRATOR: discord.Permissions(administrator=True),
}
"""What Discord asks of whoever it offers a command to; a server's administrators may decide otherwise."""
UNDELIVERED = (discord.HTTPException, aiohttp.ClientError, OSError)
"""What sending raises when nobody can be told."""

Context = commands.Context[commands.Bot]


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The use cases that cogs call."""

    policy: Policy
    gate: Gate
    choices: Choices
    dialogue: Dialogue
    recovery: Recovery
    personalities: Personalities
    activations: Activations
    logins: Logins
    login_cleanup: LoginCleanup
    verifications: Verifications
    confirmer: Confirmer
    acknowledgements: "Acknowledgements"
    owner: Owner
    status: StatusReport
    undo: Undo
    pace: Pace
    moderation: Moderation
    conversations: Conversations
    configuration: Configuration
    notifications: Notifications
    answers: Answers
    retrying: Retrying
    purge: Purge
    diagnosis: Diagnosis


class Host(Protocol):
    """What cogs need of the client, beside what discord.py's own has."""

    services: Services

    def prefix_of(self, content: str) -> str | None:
        """The prefix in a message that is addressed to the bot as a command, else None."""


Handler = Callable[..., Coroutine[Any, Any, None]]
Command = commands.HybridCommand[Any, ..., None]


class CommandGroup(Protocol):
    """A command of which only the subcommands do something."""

    def command(self, **attributes: Any) -> Callable[[Handler], Command]:
        """Declare a subcommand."""


def hybrid_command(**attributes: Any) -> Callable[[Handler], Command]:
    """discord.py's decorator, with types that mypy can follow, on the terms that the rules have for its name."""
    decorate: Callable[[Handler], Command] = commands.hybrid_command(**attributes)
    return lambda handler: decorate(_offered(handler, attributes.get("name", handler.__name__)))


def hybrid_group(**attributes: Any) -> Callable[[Handler], CommandGroup]:
    """The same for a group; its own body runs only when it is typed without a known subcommand."""
    decorate: Any = commands.hybrid_group(invoke_without_command=True, case_insensitive=True, **attributes)
    return lambda handler: cast("CommandGroup", decorate(_offered(handler, attributes.get("name", handler.__name__))))


def _offered(handler: Handler, name: str) -> Handler:
    """Let Discord offer the slash command only where and to whom it can be of use; the gate is asked all the same.

    In direct messages it would offer everybody what is for administrators; there the bot's owner types it.
    """
    terms = terms_of(name)
    if terms.where in (Where.SERVER, Where.NSFW) or terms.right is Right.ADMINISTRATOR:
        app_commands.guild_only(handler)
    if terms.where is Where.DIRECT:
        app_commands.dm_only(handler)
    if terms.right in PERMISSIONS:
        app_commands.default_permissions(PERMISSIONS[terms.right])(handler)
    return handler


def host_of(bot: commands.Bot) -> Host:
    """The client as cogs see it."""
    return cast("Host", bot)


def services_of(bot: commands.Bot) -> Services:
    """The use cases behind the client."""
    return host_of(bot).services


def place_of(ctx: Context) -> Place:
    """Where a command was given."""
    return place_in(ctx.channel, ctx.guild.id if ctx.guild else None)


def typed_in(ctx: Context) -> str:
    """What was typed after the prefix; nothing with a slash."""
    return "" if ctx.interaction else ctx.message.content[len(ctx.prefix or "") :]


def member_of(ctx: Context, *, look_for_nsfw: bool = False) -> Member:
    """Who gave a command; looking for an NSFW channel walks through all channels of the server."""
    permissions = _permissions_of(ctx)
    return Member(
        user_id=ctx.author.id,
        may_manage_messages=permissions.manage_messages,
        is_administrator=permissions.administrator,
        can_see_nsfw_channel=look_for_nsfw and _sees_nsfw_channel(ctx.author),
    )


async def reply(
    ctx: Context, text: str, *, is_private: bool = False, view: discord.ui.View | None = None
) -> discord.Message:
    """Answer a command; `is_private` shows a slash command's answer to its author only, `view` has its buttons."""
    buttons: dict[str, Any] = {"view": view} if view else {}
    return await ctx.send(
        shorten(text),
        ephemeral=is_private,
        **({} if ctx.interaction else _sent_once_as_reply_to(ctx.message)),
        allowed_mentions=discord.AllowedMentions.none(),
        suppress_embeds=True,
        **buttons,
    )


async def answer_message(message: discord.Message | discord.PartialMessage, text: str) -> None:
    """Answer a message that was no command."""
    await message.channel.send(
        shorten(text),
        **_sent_once_as_reply_to(message),
        allowed_mentions=discord.AllowedMentions.none(),
    )


async def write_to(person: discord.User | discord.Member, text: str) -> None:
    """Send a direct message."""
    await person.send(
        shorten(text),
        nonce=secrets.token_hex(12),
        allowed_mentions=discord.AllowedMentions.none(),
        suppress_embeds=True,
    )


def sentence_of(error: TzurotError) -> str:
    """What a user is told of a refusal or failure; what the operator should know of goes to the log."""
    if isinstance(error, OPERATORS_MATTER):
        log.error("%s", error)
        return UNSAVED
    if isinstance(error, UnavailableError):
        log.warning("A user was told: %s", error.message)
    return str(error)


def bare(name: str) -> str:
    """A name that was typed as the rest of the line, without the quotes someone may have put around it."""
    name = " ".join(name.split())
    is_quoted = len(name) > 1 and name[0] == name[-1] == '"'
    return name[1:-1].strip() if is_quoted else name


def plain(text: str) -> str:
    """A name inside a sentence, so that none of its characters become formatting."""
    return discord.utils.escape_markdown(text)


def code(text: str) -> str:
    """A name as it is typed, in a box that none of its characters ends."""
    fence = "``" if "`" in text else "`"
    inside = f" {text} " if text.startswith("`") or text.endswith("`") else text
    return f"{fence}{inside}{fence}"


def shorten(text: str, limit: int = MESSAGE_LIMIT) -> str:
    """At most what fits into one message."""
    return text if len(text) <= limit else text[: limit - 2].rstrip() + " …"


def _sent_once_as_reply_to(message: discord.Message | discord.PartialMessage) -> dict[str, Any]:
    """The nonce lets Discord drop the copy when the client repeats the request after a 5xx."""
    sent_once = {"nonce": secrets.token_hex(12)}
    granted = granted_to_the_bot(message)
    if granted is not None and not granted.read_message_history:
        return sent_once  # Discord takes no reply there, only a message
    return {**sent_once, "reference": message.to_reference(fail_if_not_exists=False)}


def _permissions_of(ctx: Context) -> discord.Permissions:
    try:
        return ctx.permissions
    except discord.ClientException:  # a thread whose parent is not in the cache
        return discord.Permissions.none()


def _sees_nsfw_channel(author: discord.abc.User) -> bool:
    if not isinstance(author, discord.Member):
        return False
    hosts = (discord.TextChannel, discord.VoiceChannel, discord.StageChannel, discord.ForumChannel)
    return any(
        isinstance(channel, hosts) and channel.is_nsfw() and channel.permissions_for(author).view_channel
        for channel in author.guild.channels
    )
