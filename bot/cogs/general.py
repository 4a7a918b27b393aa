"""Commands about the bot itself: help, ping, status."""

import math
from typing import Any

from discord.ext import commands

from bot.cogs.context import Context, bare, hybrid_command, plain, reply, services_of
from bot.errors import NotFoundError
from bot.model import ReplicationState
from bot.services.status_report import Report

AnyCommand = commands.Command[Any, ..., Any]
SHOWN = ("personalities", "personality_aliases", "channel_activations", "conversations", "message_mappings")


class GeneralCog(commands.Cog):
    """What the bot can do, and how it is."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @hybrid_command(usage="[COMMAND]", description="Show what I can do")
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
        """Rows, uptime and the copy in the bucket."""
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
        if command.aliases:
            lines.append("Also: " + ", ".join(f"`{alias}`" for alias in command.aliases))
        if isinstance(command, commands.Group):
            below = sorted(command.commands, key=lambda child: child.name)
            lines += [f"• `{_usage(child)}` {child.description}" for child in below]
        return "\n".join(lines)


def _usage(command: AnyCommand) -> str:
    return f"{command.qualified_name} {command.usage or ''}".strip()


def _described(report: Report) -> str:
    minutes = int(report.uptime.total_seconds() // 60)
    rows = ", ".join(f"{report.rows[table]} {table.replace('_', ' ')}" for table in SHOWN if table in report.rows)
    return "\n".join(
        (
            f"Awake for {minutes // 1440} d {minutes // 60 % 24} h {minutes % 60} min.",
            f"I keep {rows} (schema `{report.schema}`).",
            _replication(report.replication),
        )
    )


def _replication(state: ReplicationState) -> str:
    if not state.is_configured:
        return "⚠️ There is **no copy** outside of this machine: no bucket is configured."
    if state.confirmed_at is None:
        return "⚠️ No upload to the bucket has been confirmed since I started."
    when = f"<t:{int(state.confirmed_at.timestamp())}:R>"
    text = f"The last upload to the bucket was confirmed {when}, {state.lag_ms or 0:.0f} ms after it was written."
    return f"{text}\n⚠️ Uploads fail at the moment." if state.failure else text


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(GeneralCog(bot))
