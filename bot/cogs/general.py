"""Commands about the bot itself: help, ping, status."""

import math
from typing import Any

from discord import app_commands
from discord.ext import commands

from bot.cogs.context import Context, bare, hybrid_command, plain, reply, services_of
from bot.cogs.paging import PageButton
from bot.cogs.storage_lines import describe_storage
from bot.errors import NotFoundError
from bot.model import ReplicationState
from bot.rules.drill import Latest, Outcome
from bot.rules.duration import describe_duration
from bot.rules.receipt_text import describe
from bot.services.status_report import Report

AnyCommand = commands.Command[Any, ..., Any]
SHOWN = {
    "personalities": ("personality", "personalities"),
    "personality_aliases": ("alias", "aliases"),
    "channel_activations": ("active channel", "active channels"),
    "conversations": ("conversation", "conversations"),
    "message_mappings": ("message", "messages"),
}
"""Tables, and what users call a row and rows of them."""


class GeneralCog(commands.Cog):
    """What the bot can do, and how it is."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @hybrid_command(usage="[COMMAND]", description="Show what I can do")
    @app_commands.describe(command="The command to explain; all of them if you leave it out")
    async def help(self, ctx: Context, *, command: str | None = None) -> None:
        """All commands, or one with its other names."""
        await reply(ctx, self._explain(command) if command else self._overview(), is_private=True)

    @hybrid_command(description="See whether I am awake")
    async def ping(self, ctx: Context) -> None:
        """With the gateway's latency, once a heartbeat has measured it."""
        latency = self._bot.latency
        measured = f" Discord is {latency * 1000:.0f} ms away." if math.isfinite(latency) else ""
        await reply(ctx, f"I am here.{measured}")

    @hybrid_command(description="See what I know, and how safe it is")
    async def status(self, ctx: Context) -> None:
        """Rows, uptime and the copy in the bucket; counting many rows takes a moment."""
        await ctx.defer()
        await reply(ctx, _described(await services_of(self._bot).status.read()))

    def _overview(self) -> str:
        policy = services_of(self._bot).policy
        shown = sorted(self._bot.commands, key=lambda command: command.name)
        lines = [f"• `{_usage(command)}` {command.description}" for command in shown]
        talk = (
            f"Talk to a personality with `{policy.mention_char}name` and your words, or reply to one of its messages."
        )
        head = f"{talk}\nEvery command begins with `{policy.command_prefix} ` or a slash:"
        return "\n".join([head, *lines])

    def _explain(self, name: str) -> str:
        command = self._bot.get_command(bare(name).lower())
        if command is None:
            known = services_of(self._bot).policy.command("help")
            raise NotFoundError(f"There is no command “{plain(name[:50])}”.", remedy=f"{known} lists them all.")
        lines = [f"{services_of(self._bot).policy.command(_usage(command))}: {command.description}."]
        if command.brief:
            lines.append(f"{command.brief}.")
        if command.aliases:
            lines.append("Also: " + ", ".join(f"`{alias}`" for alias in command.aliases))
        if isinstance(command, commands.Group):
            below = sorted(command.commands, key=lambda child: child.name)
            lines += [f"• `{_usage(child)}` {child.description}" for child in below]
        return "\n".join(lines)


def _usage(command: AnyCommand) -> str:
    return f"{command.qualified_name} {command.usage or ''}".strip()


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
    """Called by discord.py; from here on, buttons under lists of every age are listened to."""
    bot.add_dynamic_items(PageButton)
    await bot.add_cog(GeneralCog(bot))
