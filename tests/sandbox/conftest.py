"""The real discord.py client on the sandbox's wire."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import discord
import pytest
import yarl
from discord.ext import commands

from bot.sandbox.bell import Bell
from bot.sandbox.discord import Channel, DiscordOptions, DiscordSandbox, Guild, Permission, User

SPECIFICATION = Path(__file__).parents[3] / "shared" / "discord-openapi.json"
collect_ignore = [] if SPECIFICATION.exists() else ["test_shapes.py"]


class TinyBot(commands.Bot):
    """A bot that answers hybrid commands and remembers what it heard."""

    def __init__(self, intents: discord.Intents) -> None:
        super().__init__("!", intents=intents, guild_ready_timeout=0.1, max_messages=None)
        self.heard: list[discord.Message] = []
        self._bell = Bell()

    async def setup_hook(self) -> None:
        await self.add_cog(Talk())

    async def on_message(self, message: discord.Message, /) -> None:
        self.heard.append(message)
        self._bell.ring()
        await self.process_commands(message)

    async def until_heard(self, message_id: int) -> discord.Message:
        """The message with this id, once it was heard."""

        def look() -> discord.Message | None:
            return next((message for message in self.heard if message.id == message_id), None)

        return await self._bell.wait_until(look, timeout_seconds=5, what="the message")


class Talk(commands.Cog):
    """Hybrid commands."""

    @commands.hybrid_command(name="ping")  # type: ignore[arg-type]  # its types know no cogs
    async def ping(self, ctx: commands.Context[Any], word: str = "pong") -> None:
        """Say it back."""
        await ctx.send(word, ephemeral=True, allowed_mentions=discord.AllowedMentions.none())

    @commands.hybrid_command(name="think")  # type: ignore[arg-type]  # its types know no cogs
    async def think(self, ctx: commands.Context[Any]) -> None:
        """Answer late."""
        await ctx.defer()
        await ctx.send("thought")
        await ctx.send("and thought again")

    @commands.hybrid_command(name="choose")  # type: ignore[arg-type]  # its types know no cogs
    async def choose(self, ctx: commands.Context[Any]) -> None:
        """Ask with buttons."""
        await ctx.send("well?", view=Choice(), ephemeral=True)


class Choice(discord.ui.View):
    """Three ways to answer a press."""

    @discord.ui.button(label="change")
    async def change(self, interaction: discord.Interaction, _: discord.ui.Button[discord.ui.View]) -> None:
        await interaction.response.edit_message(content="changed")

    @discord.ui.button(label="defer")
    async def defer(self, interaction: discord.Interaction, _: discord.ui.Button[discord.ui.View]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="done", view=None)

    @discord.ui.button(label="say")
    async def say(self, interaction: discord.Interaction, _: discord.ui.Button[discord.ui.View]) -> None:
        await interaction.response.send_message("said", ephemeral=True)


@asynccontextmanager
async def connected(sandbox: DiscordSandbox, intents: discord.Intents | None = None) -> AsyncIterator[TinyBot]:
    """A bot that is connected to the sandbox and ready."""
    async with TinyBot(intents or discord.Intents.all()) as bot:
        task = asyncio.create_task(bot.start(sandbox.token))
        ready = asyncio.ensure_future(_until_ready(bot))
        try:
            await asyncio.wait({task, ready}, timeout=5, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
            assert ready.done()
            yield bot
        finally:
            task.cancel()
            ready.cancel()
            await asyncio.gather(task, ready, return_exceptions=True)


async def _until_ready(bot: TinyBot) -> None:
    await bot._async_setup_hook()
    await bot.wait_until_ready()


class Home:
    """A guild with a channel for adults, in which Mira may moderate."""

    def __init__(self, sandbox: DiscordSandbox) -> None:
        self.sandbox = sandbox
        self.guild: Guild = sandbox.add_guild("Garden")
        self.channel: Channel = sandbox.add_channel(self.guild, "talk", nsfw=True)
        self.mira: User = sandbox.add_user("Mira")
        sandbox.join(self.guild, self.mira, Permission.MANAGE_MESSAGES)


Lead = Callable[[DiscordSandbox], None]


@pytest.fixture
def lead(monkeypatch: pytest.MonkeyPatch) -> Lead:
    """Point discord.py at a sandbox."""

    def point(sandbox: DiscordSandbox) -> None:
        monkeypatch.setattr(discord.http.Route, "BASE", sandbox.api_base)
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(sandbox.gateway))

    return point


@pytest.fixture
async def home(lead: Lead) -> AsyncIterator[Home]:
    async with DiscordSandbox(DiscordOptions(interaction_deadline_seconds=0.5)) as sandbox:
        lead(sandbox)
        yield Home(sandbox)
