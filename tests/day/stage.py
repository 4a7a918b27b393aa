"""Where the day takes place: Discord, the AI service and the bot in this process, under one clock that is moved."""

import asyncio
import base64
import inspect
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pysqlite3

from bot.app import run_bot
from bot.client import Client
from bot.sandbox.ai import AISandbox
from bot.sandbox.discord import Channel, DiscordOptions, DiscordSandbox, Permission, User
from bot.settings import Settings, load_settings
from bot.store.legacy.importer import ImportOptions, import_into_new
from tests.day.cast import CROWD, SPOTS, PlaceKind, WorldIds, folder_files, personalities
from tests.day.plan import MODERATORS

SHORT = {
    "gateway_retry_seconds": 0.05,
    "gateway_retry_limit_seconds": 0.2,
    "restart_delay_seconds": 0.05,
    "lock_timeout_seconds": 2,
    "profile_interval_seconds": 0.001,
    "service_timeout_seconds": 20,
    "send_retry_seconds": 0.02,
    "mark_interval_seconds": 0.02,
    "turn_grace_seconds": 0.2,
    "guild_ready_timeout_seconds": 0.02,
    "identify_interval_seconds": 0.001,
    "proxy_wait_seconds": 0.2,
}
"""What waits does so in real time, so it waits less."""
PATIENCE_SECONDS = 30.0
POLL_SECONDS = 0.0005
CALM_ROUNDS = 10
"""For so many rounds of the event loop nothing must be under way: what ends wakes up who goes on."""
RESIDENT = frozenset({"run_bot", "Background._keep_running", "Client._serve", "Stage._run"})
"""The program's coroutines that run as long as the bot does."""
BOT = str(Path(inspect.getfile(Client)).parent)


class DayClock:
    """Stands still until it is moved; `seconds` are since the start of the day."""

    def __init__(self) -> None:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        self.start = tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)


class Stage:
    """The world with the bot in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = DayClock()
        self.discord = DiscordSandbox(DiscordOptions(rate_scale=0.001, clock=self.clock))
        self.ai = AISandbox()
        self.users: list[User] = []
        self.spots: list[Channel] = []
        self.clients: list[Client] = []
        """The bot's client of each start."""
        self._stop = asyncio.Event()
        self._task: asyncio.Task[int] | None = None

    @property
    def database(self) -> Path:
        """The bot's database."""
        return self.folder / "data" / "tzurot.db"

    def build(self) -> None:
        """Make the server, its people and its places."""
        guild = self.discord.add_guild("The Harbour")
        for number, kind in enumerate(CROWD):
            user = self.discord.add_user(f"{kind.value} {number}")
            allowed = Permission.MANAGE_MESSAGES if number in MODERATORS else Permission.NONE
            self.discord.join(guild, user, allowed)
            self.users.append(user)
        forum = self.discord.add_forum(guild, "gallery", nsfw=True)
        for number, spot in enumerate(SPOTS):
            if spot.user is not None:
                place = self.discord.dm_channel(self.users[spot.user])
            elif spot.parent is not None:
                place = self.discord.add_thread(self.spots[spot.parent], f"thread {number}")
            elif spot.kind is PlaceKind.FORUM_POST:
                place = self.discord.add_post(forum, self.users[0], f"post {number}", "Look at this.")
            else:
                place = self.discord.add_channel(guild, f"place {number}", nsfw=spot.kind is not PlaceKind.TAME)
            self.spots.append(place)

    async def fill(self) -> None:
        """Bring the personalities and people into the database, as an import of the original's files."""
        ids = WorldIds(
            self.discord.owner.id,
            tuple(user.id for user in self.users),
            tuple(spot.id for spot in self.spots),
            f"{self.ai.url}/avatars",
        )
        legacy = self.folder / "legacy"
        legacy.mkdir()
        for name, content in folder_files(ids, int(self.clock().timestamp() * 1000)).items():
            (legacy / name).write_text(json.dumps(content))
        self.ai.profiles = {one.full_name: {"name": one.display_name} for one in personalities()}
        self.database.parent.mkdir()
        await import_into_new(legacy, self.database, ImportOptions(self._settings, clock=self.clock))

    async def start_bot(self) -> None:
        """Start the bot; returns when it listens."""
        sessions = self.discord.session_count
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self._run())
        listening = asyncio.ensure_future(self.discord.wait_for_session(sessions, timeout_seconds=PATIENCE_SECONDS))
        await asyncio.wait({self._task, listening}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            self._task.result()
        await listening
        await self.rest()

    async def stop_bot(self) -> None:
        """Ask it to end."""
        self._stop.set()
        await self._ended()

    async def kill_bot(self) -> None:
        """End it as SIGKILL does: nothing that it does from now on reaches Discord, the AI service or the database."""
        copy = self.folder / "at-death.db"
        with pysqlite3.connect(self.database) as source, pysqlite3.connect(copy) as target:
            source.backup(target)
        for connection in (source, target):
            connection.close()
        await self.discord.go_offline()
        await self.ai.go_offline()
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for suffix in ("-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        copy.replace(self.database)
        await self.discord.go_online()
        await self.ai.go_online()

    async def rest(self) -> None:
        """Until the bot has taken every event and nothing that it does about one is under way. Raises TimeoutError."""
        try:
            await self._rest()
        except TimeoutError:
            raise TimeoutError(f"the bot does not come to rest: {[task.get_name() for task in _busy()]}") from None

    async def _rest(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            calm = 0
            while calm < CALM_ROUNDS:
                busy = [*_busy()]
                if not self._has_heard():
                    calm = 0
                    await asyncio.sleep(POLL_SECONDS)
                    continue
                calm = 0 if busy else calm + 1
                await (asyncio.wait(busy) if busy else asyncio.sleep(0))

    async def heard(self) -> None:
        """Until the bot has taken every event and looked at those that are no messages; answers may be under way."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._is_reading():  # noqa: ASYNC110 - discord.py tells nobody how far it has read
                await asyncio.sleep(POLL_SECONDS)

    def _is_reading(self) -> bool:
        return not self._has_heard() or any("delete" in task.get_name() for task in _busy())

    def _has_heard(self) -> bool:
        websocket = self.clients[-1].ws
        return websocket is not None and websocket.sequence == self.discord.last_event

    async def _run(self) -> int:
        return await run_bot(self._settings, stop=self._stop, clock=self.clock)

    async def _ended(self) -> None:
        assert self._task is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self._task

    @property
    def _settings(self) -> Settings:
        outside = {**self.discord.environment(), **self.ai.environment()}
        own = {"database_path": self.database, "encryption_keys": base64.b64encode(b"d" * 32).decode(), "port": 0}
        fields = {**{name.lower(): value for name, value in outside.items()}, **own, **SHORT}
        return load_settings({**fields, "allow_init": "local", "listen_address": "127.0.0.1"}, env_file=None)


def _busy() -> Iterator[asyncio.Task[object]]:
    """The tasks in which the bot does something that ends."""
    for task in asyncio.all_tasks():
        coroutine = task.get_coro()
        code = getattr(coroutine, "cr_code", None)
        name = getattr(coroutine, "__qualname__", "")
        is_own = code is not None and code.co_filename.startswith(BOT) and "/sandbox/" not in code.co_filename
        is_event = task.get_name().startswith("discord.py: ") or name == "ConnectionState._delay_ready"
        if (is_own and name not in RESIDENT) or is_event:
            yield task


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Stage]:
    """A stage with the bot on it, which leaves at the end."""
    stage = Stage(folder)

    class Known(Client):
        """The bot's client, of which the stage knows; discord.py's waits 5 s before each new session."""

        def __init__(self, settings: Settings) -> None:
            super().__init__(settings)
            stage.clients.append(self)

        async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
            pass

    with patch("bot.app.parts.Client", Known):
        async with stage.discord, stage.ai:
            stage.build()
            await stage.fill()
            await stage.start_bot()
            yield stage
            await stage.stop_bot()
