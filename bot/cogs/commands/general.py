"""Commands about the bot itself: ping, status."""

import math

from discord.ext import commands

from bot.cogs.context import Context, hybrid_command, reply, services_of
from bot.cogs.replies.storage_lines import describe_storage
from bot.model import ReplicationState
from bot.rules.duration import describe_duration
from bot.rules.operation.drill import Latest, Outcome
from bot.rules.operation.receipt_text import describe
from bot.services.operation.status_report import Report

SHOWN = {
    "personalities": ("personality", "personalities"),
    "personality_aliases": ("alias", "aliases"),
    "channel_activations": ("active channel", "active channels"),
    "conversations": ("conversation", "conversations"),
    "message_mappings": ("message", "messages"),
}
"""Tables, and what users call a row and rows of them."""


class GeneralCog(commands.Cog):
    """How the bot is."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @hybrid_command(description="See whether I am awake")
    async def ping(self, ctx: Context) -> None:
        """With the gateway's latency, once a heartbeat has measured it."""
        latency = self._bot.latency
        measured = f" Discord is {latency * 1000:.0f} ms away." if math.isfinite(latency) else ""
        await reply(ctx, f"I am here.{measured}", is_private=True)

    @hybrid_command(description="See what I know, and how safe it is")
    async def status(self, ctx: Context) -> None:
        """Rows, uptime and the copy in the bucket; counting many rows takes a moment."""
        await ctx.defer(ephemeral=True)
        await reply(ctx, _described(await services_of(self._bot).status.read()), is_private=True)


def _described(report: Report) -> str:
    counted = [(report.rows[table], *words) for table, words in SHOWN.items() if table in report.rows]
    kept = ", ".join(f"{number:,} {one if number == 1 else many}" for number, one, many in counted)
    return "\n".join(
        (
            f"Awake for {describe_duration(report.uptime.total_seconds())}.",
            f"I remember {kept}.",
            *describe_storage(report.standing),
            _replication(report.replication),
            *([_drilled(report.drill)] if report.drill else []),
            *([f"Last start: {describe(report.receipt)}"] if report.receipt else []),
        )
    )


def _replication(state: ReplicationState) -> str:
    if not state.is_configured:
        return "⚠️ There is **no copy** of it outside of this machine."
    if state.is_outage:
        return _outage(state)
    if state.confirmed_at is None:
        return "⚠️ No copy outside of this machine has been confirmed since I started."
    when = f"<t:{int(state.confirmed_at.timestamp())}:R>"
    text = f"The copy outside of this machine was last confirmed {when}, {state.lag_ms or 0:.0f} ms behind me."
    return f"{text}\n⚠️ Copying fails at the moment." if state.failure else text


def _drilled(drill: Latest) -> str:
    verified = f"<t:{int(drill.verified_at.timestamp())}:R>" if drill.verified_at else "never"
    text = f"It was last restored on trial and found right {verified}."
    return f"{text}\n⚠️ The last trial FAILED." if drill.outcome is Outcome.FAILED else text


def _outage(state: ReplicationState) -> str:
    since = f"<t:{int(state.silent_since.timestamp())}:R>" if state.silent_since else "since I started"
    # What comes after the colon names files and addresses, which only the operator should see.
    reason = f" {state.failure.partition(':')[0].rstrip('.')}." if state.failure else ""
    policy = (
        "I accept nothing that would have to be saved" if state.is_read_only else "What you change is saved here only"
    )
    return f"🔴 The last copy outside of this machine was confirmed {since}.{reason} {policy} until that works again."


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(GeneralCog(bot))
