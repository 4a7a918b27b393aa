"""Commands about whom the bot ignores: blacklist add, remove, list, check, addserver, removeserver."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.context import (
    UNDELIVERED,
    Context,
    Services,
    hybrid_group,
    member_of,
    place_of,
    plain,
    reply,
    services_of,
    shorten,
)
from bot.cogs.replies.acknowledging import acknowledge
from bot.cogs.replies.paging import Asked, Sheet, pages_of, show_page
from bot.errors import InvalidInputError, UnavailableError
from bot.model import EVERYBODY, EVERYWHERE, Ban, Place
from bot.rules.commands.periods import leading_period, parse_period
from bot.rules.moderation import Target
from bot.services.pages import Page
from bot.services.people.moderation import Barred, Moderation, Sentence

Scope = Literal["here", "everywhere"]

SHOWN_REASON = 100
USER = "Whom; their id if they are not here"
WHERE = "In this server, or everywhere, which only the bot's owner decides"
DURATION = "How long, such as 3d, 12h or 2 weeks; for ever if you leave it out"
REASON = "Why, for the list; the user is not told"
SERVER = "The server's id"


class ModerationCog(commands.Cog):
    """Who gets no word from the bot."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _moderation(self) -> Moderation:
        return services_of(self._bot).moderation

    @hybrid_group(
        aliases=["bl"],
        usage="add | remove | list | check",
        description="Let me ignore somebody in this server",
    )
    async def blacklist(self, ctx: Context) -> None:
        """Without a known subcommand: how it goes."""
        say = services_of(self._bot).policy.command
        steps = (
            f"{say('blacklist add USER [DURATION] [REASON]')} lets me ignore somebody here, for `3d` or for ever",
            f"{say('blacklist remove USER')} lets me hear them again",
            f"{say('blacklist list')} shows whom I ignore, and why",
            f"{say('blacklist check USER')} says whether I ignore somebody",
        )
        await reply(ctx, "\n".join(f"• {step}" for step in steps), is_private=True)

    @blacklist.command(usage="USER [everywhere] [DURATION] [REASON]", description="Ignore somebody without a word")
    @app_commands.describe(user=USER, where=WHERE, duration=DURATION, reason=REASON)
    async def add(
        self,
        ctx: Context,
        user: discord.User,
        where: Scope | None = None,
        duration: str | None = None,
        *,
        reason: str | None = None,
    ) -> None:
        """Typed, the duration may have several words; what follows it is the reason."""
        await ctx.defer(ephemeral=True)
        how = _sentence(ctx, duration, reason, everywhere=where == "everywhere")
        is_the_bot = user.id == self._bot.application_id
        target = Target(user.id, is_administrator=await _is_administrator(ctx, user), is_the_bot=is_the_bot)
        done = await self._moderation.bar(member_of(ctx), place_of(ctx), target, how)
        await acknowledge(ctx, _barred(done, place_of(ctx)), is_private=True)

    @blacklist.command(usage="USER [everywhere]", description="Hear somebody again whom I ignore")
    @app_commands.describe(user=USER, where=WHERE)
    async def remove(self, ctx: Context, user: discord.User, where: Scope | None = None) -> None:
        """Only what was said of this place: who is barred everywhere too stays so."""
        ban = await self._moderation.lift(member_of(ctx), place_of(ctx), user.id, everywhere=where == "everywhere")
        await acknowledge(ctx, _lifted(ban, place_of(ctx)), is_private=True)

    @blacklist.command(name="list", usage="[PAGE]", description="Show whom I ignore, why and until when")
    @app_commands.describe(page="Which ten of them; the first if you leave it out")
    async def list_(self, ctx: Context, page: int = 1) -> None:
        """Ten a page, the newest first."""
        await show_page(ctx, "blacklist list", page)

    @blacklist.command(usage="USER", description="See whether I ignore somebody here, and why")
    @app_commands.describe(user=USER)
    async def check(self, ctx: Context, user: discord.User) -> None:
        """Also what bars them everywhere, or everybody of this server."""
        bans = await self._moderation.check(member_of(ctx), place_of(ctx), user.id)
        text = _entries(bans, place_of(ctx)) if bans else f"I don't ignore <@{user.id}> here."
        await reply(ctx, text, is_private=True)

    @blacklist.command(usage="SERVER-ID [DURATION] [REASON]", description="Ignore everybody of a whole server")
    @app_commands.describe(server=SERVER, duration=DURATION, reason=REASON)
    async def addserver(
        self, ctx: Context, server: str, duration: str | None = None, *, reason: str | None = None
    ) -> None:
        """For the bot's owner; in direct messages its members are heard all the same."""
        how = _sentence(ctx, duration, reason)
        done = await self._moderation.bar_server(member_of(ctx), _id_of(server), how)
        await acknowledge(ctx, _barred(done, place_of(ctx)), is_private=True)

    @blacklist.command(usage="SERVER-ID", description="Hear a whole server again")
    @app_commands.describe(server=SERVER)
    async def removeserver(self, ctx: Context, server: str) -> None:
        """Who of it was barred by name stays so."""
        ban = await self._moderation.lift_server(member_of(ctx), _id_of(server))
        await acknowledge(ctx, _lifted(ban, place_of(ctx)), is_private=True)


def _sentence(ctx: Context, duration: str | None, reason: str | None, *, everywhere: bool = False) -> Sentence:
    """What was typed after the name, or the options of a slash command."""
    period: timedelta | None
    if ctx.interaction is None:
        period, reason = leading_period(f"{duration or ''} {reason or ''}")
    else:
        period = parse_period(duration) if duration else None
    return Sentence(period=period, reason=reason or "", everywhere=everywhere)


def _id_of(server: str) -> int:
    """The id of a server, as Discord lets it be copied."""
    digits = server.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20):  # noqa: PLR2004 - a 64-bit number
        raise InvalidInputError(
            f"“{plain(shorten(digits, 50))}” is not a server's id.",
            remedy="With developer mode on, Discord copies it from the server's menu.",
        )
    return int(digits)


async def _is_administrator(ctx: Context, user: discord.User | discord.Member) -> bool:
    """Whether the server's permissions make the user one; Discord is asked where its event did not say."""
    if ctx.guild is None:
        return False
    try:
        member = user if isinstance(user, discord.Member) else await ctx.guild.fetch_member(user.id)
    except discord.NotFound:  # no member of this server
        return False
    except UNDELIVERED:
        raise UnavailableError(
            "Discord does not tell me at the moment what they may do here.", remedy="Try again in a minute."
        ) from None
    return member.guild_permissions.administrator


def _barred(done: Barred, place: Place) -> str:
    ban = done.ban
    text = f"From now on I ignore {_whom(ban)} {_where(ban, place)}, {_until(ban)}."
    if ban.reason:
        text += f"\nReason: {plain(ban.reason)}"
    return f"{text}\n-# This replaces what was on my list before." if done.is_renewed else text


def _lifted(ban: Ban, place: Place) -> str:
    return f"From now on I hear {_whom(ban)} again {_where(ban, place)}."


@pages_of("blacklist list")
async def _list_page(services: Services, asked: Asked) -> Sheet:
    page = await services.moderation.list(asked.member, asked.place, asked.number)
    return Sheet(_listed(page, asked.place), page.number, page.pages)


def _listed(page: Page[Ban], place: Place) -> str:
    if not page.total:
        return "I ignore nobody here."
    head = f"**Whom I ignore** ({page.total}), page {page.number} of {page.pages}"
    return f"{head}\n{_entries(page.entries, place)}"


def _entries(bans: Iterable[Ban], place: Place) -> str:
    return "\n".join(_entry(ban, place) for ban in bans)


def _entry(ban: Ban, place: Place) -> str:
    reason = f": {plain(shorten(' '.join(ban.reason.split()), SHOWN_REASON))}" if ban.reason else ""
    by = f" by <@{ban.blacklisted_by}>" if ban.blacklisted_by else ""
    when = discord.utils.format_dt(ban.blacklisted_at, "d")
    return f"• {_whom(ban)} {_where(ban, place)}, {_until(ban)}{reason}\n-# {when}{by}"


def _whom(ban: Ban) -> str:
    return "everybody" if ban.user_id == EVERYBODY else f"<@{ban.user_id}>"


def _where(ban: Ban, place: Place) -> str:
    if ban.guild_id == EVERYWHERE:
        return "everywhere"
    return "in this server" if ban.guild_id == place.guild_id else f"in the server {ban.guild_id}"


def _until(ban: Ban) -> str:
    if ban.expires_at is None:
        return "for ever"
    moment = ban.expires_at
    return f"until {discord.utils.format_dt(moment, 'f')} ({discord.utils.format_dt(moment, 'R')})"


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(ModerationCog(bot))
