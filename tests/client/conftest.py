"""The whole bot against a Discord and an AI service on loopback, in this process or as one of its own."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.app import Inherited, run_bot
from bot.durability.health import listen
from bot.model import Clock, utc_now
from bot.sandbox.ai import AISandbox
from bot.sandbox.discord import Channel, DiscordOptions, DiscordSandbox, Guild, Message, Permission, User
from bot.sandbox.discord.model import Exchange
from bot.settings import Settings, load_settings
from bot.store.migrate import create_database

KEY = base64.b64encode(b"k" * 32).decode()
PATIENCE_SECONDS = 8.0
SHORT = {
    "gateway_retry_seconds": 0.05,
    "gateway_retry_limit_seconds": 0.2,
    "restart_delay_seconds": 0.05,
    "lock_timeout_seconds": 0.2,
    "profile_interval_seconds": 0.01,
    "service_timeout_seconds": 3,
    "send_retry_seconds": 0.02,
    "mark_interval_seconds": 0.05,
    "user_rate_limit": 10_000,
    "channel_rate_limit": 10_000,
}


@dataclass
class World:
    """A server with an NSFW channel, in which Mira is a member, and everything the bot needs to run in it."""

    discord: DiscordSandbox
    ai: AISandbox
    database: Path
    guild: Guild
    channel: Channel
    mira: User
    overrides: dict[str, Any] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        settings = {**SHORT, **self.overrides, "database_path": self.database, "encryption_keys": KEY}
        outside = {**self.discord.environment(), **self.ai.environment(), "ALLOW_INIT": "local", "PORT": "0"}
        merged = {**outside, **{name.upper(): value for name, value in settings.items()}}
        return {name: str(value) for name, value in merged.items() if value is not None}

    def settings(self) -> Settings:
        return load_settings(_fields(self.environment()), env_file=None)

    @asynccontextmanager
    async def bot(self, *, clock: Clock = utc_now) -> AsyncIterator["RunningBot"]:
        """The bot in this process, connected; stopped and checked at the end."""
        running = RunningBot(self, clock)
        running.start()
        try:
            await running.ready()
            yield running
        finally:
            await running.stop()

    async def say(self, content: str, **more: Any) -> Message:
        return await self.discord.post(
            more.pop("channel", self.channel), more.pop("author", self.mira), content, **more
        )

    async def hears(self, content: str, **more: Any) -> Message:
        """What the bot or a personality says next, after someone said this."""
        channel = more.get("channel", self.channel)
        said = await self.say(content, **more)
        return await self.next(channel, said)

    async def next(self, channel: Channel, after: Message) -> Message:
        return await self.discord.wait_for_message(
            channel, after, timeout_seconds=PATIENCE_SECONDS, where=lambda m: bool(m.author.is_bot or m.webhook_id)
        )

    def spoken(self, channel: Channel, after: Message) -> list[str]:
        """What the bot and its personalities have said there since."""
        found = (m for m in self.discord.messages(channel) if m.id > after.id)
        return [m.content for m in found if m.webhook_id or m.author == self.discord.bot_user]

    async def log_in(self, user: User | None = None) -> None:
        user = user or self.mira
        code = self.ai.issue_code(user.id)
        answer = await self.hears(f"!tz auth code {code}", channel=self.discord.dm_channel(user), author=user)
        assert "logged in" in answer.content

    async def add(self, name: str = "lilith", alias: str = "lil") -> None:
        assert "is here" in (await self.hears(f"!tz add {name} {alias}")).content

    async def settle(self) -> None:
        """Mira logs in, adds Lilith, called lil, and verifies her age."""
        await self.log_in()
        await self.add()
        await self.hears("!tz verify")


class RunningBot:
    """`run_bot` as a task, with its probes' port."""

    def __init__(self, world: World, clock: Clock = utc_now) -> None:
        self._world = world
        self._clock = clock
        self._stop = asyncio.Event()
        self._listener = listen("127.0.0.1", 0)
        self.port = self._listener.getsockname()[1]
        self.task: asyncio.Task[int] | None = None

    def start(self) -> None:
        listener = os.dup(self._listener.fileno())
        running = run_bot(self._world.settings(), Inherited(listen_fd=listener), self._stop, clock=self._clock)
        self.task = asyncio.create_task(running)

    async def ready(self) -> None:
        """Wait until the probe says so."""
        await self.until([])

    async def until(self, problems: list[str]) -> None:
        """Wait until the probe says exactly this."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.problems() != problems:
                if self.task is not None and self.task.done():
                    self.task.result()
                await asyncio.sleep(0.01)

    async def problems(self) -> list[str]:
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}/readyz") as response:
            body = await response.json()
            assert (response.status == 200) == body["ready"] == (not body["problems"])
            problems: list[str] = body["problems"]
            return problems

    async def stop(self) -> int:
        self._stop.set()
        self._listener.close()
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.task

    async def outcome(self) -> BaseException | None:
        """How it ended by itself."""
        assert self.task is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({self.task})
        self._listener.close()
        return self.task.exception()


@asynccontextmanager
async def process(world: World, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The bot as a process of its own, killed at the end whatever happened."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "bot",
        env={**inherited, **world.environment(), **environment},
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.communicate()


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[None]:
    """The bot as a process that listens; it ends by SIGKILL."""
    before = world.discord.session_count
    async with process(world):
        await world.discord.wait_for_session(before, timeout_seconds=PATIENCE_SECONDS)
        yield


def _fields(environment: Mapping[str, str]) -> dict[str, Any]:
    """Environment variables as fields of Settings, the way it would read them."""
    return {name.lower(): value for name, value in environment.items() if name.lower() in Settings.model_fields}


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "data" / "tzurot.db"
    database.parent.mkdir()
    create_database(database)
    async with DiscordSandbox(DiscordOptions(rate_scale=0.02)) as discord, AISandbox() as ai:
        guild = discord.add_guild("Garden")
        channel = discord.add_channel(guild, "talk", nsfw=True)
        mira = discord.add_user("Mira")
        discord.join(guild, mira, permissions=Permission.MANAGE_MESSAGES)
        careless: list[str] = []
        discord.observe(lambda exchange: careless.extend(_may_ping(exchange)))
        yield World(discord, ai, database, guild, channel, mira)
        assert careless == []


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    """Mira is logged in and has added Lilith, called lil, who says what she was asked; tests may have another one."""
    world.ai.answers = lambda question: f"echo {question}"
    async with world.bot():
        await world.log_in()
        await world.add()
        yield world


def _may_ping(exchange: Exchange) -> list[str]:
    """The route, where something was sent or edited without saying that it pings nobody."""
    body = exchange.body if isinstance(exchange.body, dict) else {}
    shown = body.get("data") or {} if exchange.route.endswith("/callback") else body
    is_safe = "content" not in shown or shown.get("allowed_mentions", {}).get("parse") == []
    return [] if is_safe else [f"{exchange.method} {exchange.route}"]
