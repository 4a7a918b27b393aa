"""The command that says why nobody answers here."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.context import UNDELIVERED, Context, code, hybrid_command, member_of, place_of, reply, services_of
from bot.model import EVERYWHERE, Ban, Place, ReplicationState, Turn, TurnState
from bot.rules.wording import counted
from bot.services.diagnosis import Account, Findings, Patient

WEBHOOK_LIMIT = 15
NEEDED = {
    "view_channel": "View Channel",
    "manage_webhooks": "Manage Webhooks",
    "read_message_history": "Read Message History",
    "manage_messages": "Manage Messages",
}
STATES = {
    TurnState.PENDING: "is being thought of",
    TurnState.ANSWERED: "is being said",
    TurnState.DONE: "was given",
}
Hosts = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The channel's webhooks; `ids` is None where the bot may not look."""

    ids: tuple[int, ...] | None
    known_id: int | None


class DiagnosisCog(commands.Cog):
    """Help for those who run a server."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @hybrid_command(usage="[USER]", ignore_extra=False, description="See what may keep me from answering here")
    @app_commands.describe(user="Somebody who gets no answer")
    async def debug(self, ctx: Context, user: discord.User | None = None) -> None:
        """Permissions, webhook, who is active, what waits, the last answer; of a user what keeps them from talking."""
        await ctx.defer(ephemeral=True)
        place = place_of(ctx)
        findings = await services_of(self._bot).diagnosis.look(member_of(ctx), place, user.id if user else None)
        lines = [] if place.is_dm else [*_channel(ctx, place, findings), await self._webhooks(ctx, findings)]
        lines += [*_answers(findings), _copy(findings.replication), self._latency()]
        if findings.patient is not None:
            lines += _patient(findings.patient)
        await reply(ctx, "\n".join(lines), is_private=True)

    async def _webhooks(self, ctx: Context, findings: Findings) -> str:
        channel = ctx.channel.parent if isinstance(ctx.channel, discord.Thread) else ctx.channel
        ids: tuple[int, ...] | None = None
        if isinstance(channel, Hosts) and ctx.guild and channel.permissions_for(ctx.guild.me).manage_webhooks:
            try:
                ids = tuple(webhook.id for webhook in await channel.webhooks())
            except UNDELIVERED:
                ids = None
        return _describe_webhooks(Webhooks(ids, findings.webhook_id))

    def _latency(self) -> str:
        latency = self._bot.latency
        return f"• Discord is {latency * 1000:.0f} ms away." if math.isfinite(latency) else "• Discord is connected."


def _channel(ctx: Context, place: Place, findings: Findings) -> Iterator[str]:
    yield f"**What I see in <#{place.channel_id}>**"
    yield (
        "✅ The channel is marked as age-restricted."
        if place.is_nsfw
        else "❌ The channel is not marked as age-restricted, so personalities don't speak here."
    )
    names = lacking(ctx)
    yield f"❌ I lack {', '.join(f'**{name}**' for name in names)}." if names else "✅ I have all permissions."
    active = findings.activation
    if active is None:
        yield "• No personality answers everything here; they answer who mentions them or replies to them."
        return
    where = "" if active.channel_id == place.channel_id else " in the channel above"
    who = f" by <@{active.activated_by}>" if active.activated_by else ""
    since = discord.utils.format_dt(active.activated_at, "R")
    yield f"• {code(active.personality_name)} answers everything{where}, activated {since}{who}."


def lacking(ctx: Context) -> list[str]:
    """What the bot needs in this channel and does not have, by the names that Discord shows."""
    if ctx.guild is None or not isinstance(ctx.channel, Hosts | discord.Thread):
        return []
    try:
        granted = ctx.channel.permissions_for(ctx.guild.me)
    except discord.ClientException:  # a thread whose parent is not in the cache
        return []
    is_thread = isinstance(ctx.channel, discord.Thread)
    sending = (
        {"send_messages_in_threads": "Send Messages in Threads"} if is_thread else {"send_messages": "Send Messages"}
    )
    return [name for flag, name in {**NEEDED, **sending}.items() if not getattr(granted, flag)]


def _describe_webhooks(webhooks: Webhooks) -> str:
    if webhooks.ids is None:
        return "❌ I may not see the channel's webhooks, through which personalities speak."
    number = f"{counted(len(webhooks.ids), 'webhook')} of {WEBHOOK_LIMIT}"
    if webhooks.known_id in webhooks.ids:
        return f"✅ My webhook is there; the channel has {number}."
    if len(webhooks.ids) >= WEBHOOK_LIMIT:
        return f"❌ The channel has {number}, so that there is no room for mine."
    state = "is gone, and comes back" if webhooks.known_id else "comes"
    return f"✅ My webhook {state} with the next answer; the channel has {number}."


def _answers(findings: Findings) -> Iterator[str]:
    yield f"• {counted(findings.waiting, 'message')} waiting for an answer here."
    turn = findings.last_turn
    if turn is None:
        yield "• Nobody was to be answered here in the last 24 hours."
        return
    when = discord.utils.format_dt(turn.updated_at, "R")
    yield f"• The last answer here {_state(turn)} ({when})."


def _state(turn: Turn) -> str:
    if turn.state is TurnState.FAILED:
        return f"was given up: {code(turn.failure or 'unknown')}"
    return STATES[turn.state]


def _copy(state: ReplicationState) -> str:
    if not state.is_configured:
        return "⚠️ There is no copy outside of my machine."
    if state.is_read_only:
        return "❌ Nothing can be copied, so I accept nothing that would have to be saved."
    return "⚠️ Copying fails at the moment." if state.is_outage else "✅ What I save is copied."


def _patient(patient: Patient) -> Iterator[str]:
    yield f"**What I know of <@{patient.user_id}>**"
    yield from map(_ban, patient.bans)
    if not patient.bans:
        yield "✅ I don't ignore them here."
    if patient.account is not None:
        yield _login(patient.account)
        yield "✅ They are verified." if patient.account.is_verified else "• They are not verified."


def _ban(ban: Ban) -> str:
    whom = "them" if ban.user_id else "everybody of this server"
    where = "everywhere" if ban.guild_id == EVERYWHERE else "here"
    until = f" until {discord.utils.format_dt(ban.expires_at)}" if ban.expires_at else ""
    return f"❌ I ignore {whom} {where}{until}."


def _login(account: Account) -> str:
    if not account.has_login:
        return "• They are not logged in."
    if account.is_expired:
        return "❌ Their login has run out."
    until = f" until {discord.utils.format_dt(account.expires_at)}" if account.expires_at else ""
    return f"✅ They are logged in{until}."


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(DiagnosisCog(bot))
