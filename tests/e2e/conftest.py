"""One installation in a whole sandbox: the real `tzurot run` as a process, on a volume that a test may take away."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from bot.sandbox.bucket import FaultProxy
from bot.sandbox.discord import DiscordOptions, Message, Permission
from bot.sandbox.world import Sandbox
from bot.store.columns import to_text

ROOT = Path(__file__).parents[2]
PREFIX = "tzurot/e2e"
PATIENCE_SECONDS = 20.0
SHORT = {
    "LOCK_TIMEOUT_SECONDS": "2",
    "REPLICA_TIMEOUT_SECONDS": "1",
    "BUCKET_REQUEST_TIMEOUT_SECONDS": "1",
    "SYNC_TIMEOUT_SECONDS": "1",
    "SHUTDOWN_SYNC_TIMEOUT_SECONDS": "1",
    "LITESTREAM_STOP_TIMEOUT_SECONDS": "1",
    "CANARY_INTERVAL_SECONDS": "0.2",
    "VOLUME_CHECK_INTERVAL_SECONDS": "0.1",
}


class Installation:
    """A volume, its settings, a channel with Mira in it, and the process that runs at present."""

    def __init__(self, sandbox: Sandbox, proxy: FaultProxy, folder: Path) -> None:
        self.sandbox = sandbox
        self.discord = sandbox.discord
        self.proxy = proxy
        self.folder = folder
        self.volume = folder / "volume"
        self.environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **sandbox.environment(self.volume / "tzurot.db", PREFIX),
            **SHORT,
            "REPLICA_ENDPOINT": proxy.endpoint,
            "PYTHONPATH": str(ROOT),
        }
        guild = self.discord.add_guild("Garden")
        self.channel = self.discord.add_channel(guild, "talk", nsfw=True)
        self.mira = self.discord.add_user("Mira")
        self.discord.join(guild, self.mira, permissions=Permission.MANAGE_MESSAGES)
        self.process: asyncio.subprocess.Process | None = None
        self._log = folder / "log.txt"
        self._said = 0

    async def start(self, *options: str, **changes: str) -> None:
        """Begin a run; `log` is what this one says."""
        self._said = self._log.stat().st_size if self._log.exists() else 0
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bot", "run", *options),
                env=self.environment | changes,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )

    async def start_and_connect(self, *options: str, **changes: str) -> None:
        """Begin a run and wait until it is on Discord."""
        sessions = self.discord.session_count
        await self.start(*options, **changes)
        await self.discord.wait_for_session(after=sessions, timeout_seconds=PATIENCE_SECONDS)

    async def end(self) -> int:
        """Wait for a run that ends by itself; its exit code."""
        assert self.process is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()

    async def stop(self) -> int:
        """SIGTERM, and how the run ended."""
        assert self.process is not None
        self.process.terminate()
        return await self.end()

    @property
    def log(self) -> str:
        return self._log.read_bytes()[self._said :].decode()

    @property
    def last_line(self) -> str:
        return self.log.splitlines()[-1]

    async def until_said(self, text: str) -> None:
        """Wait until this stands in the log."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while text not in self.log:  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.02)

    def lose_volume(self) -> None:
        shutil.rmtree(self.volume)

    async def hears(self, content: str) -> Message:
        """What is answered to this."""
        said = await self.discord.post(self.channel, self.mira, content)
        return await self.discord.wait_for_message(self.channel, after=said.id, timeout_seconds=PATIENCE_SECONDS)

    async def prepare(self) -> None:
        """Log Mira in and give her a personality to talk to."""
        code = self.sandbox.ai.issue_code(self.mira.id)
        home = self.discord.dm_channel(self.mira)
        said = await self.discord.post(home, self.mira, f"!tz auth code {code}")
        await self.discord.wait_for_message(home, after=said.id, timeout_seconds=PATIENCE_SECONDS)
        assert "is here" in (await self.hears("!tz add lilith lil")).content

    async def until_confirmed(self) -> None:
        """Wait until everything that was done so far is in the bucket, as `tzurot status` has it."""
        since = datetime.now(UTC)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (at := (await self.status())["replication"]["confirmed_at"]) is None or at <= to_text(since):
                pass

    async def status(self) -> Any:
        """What `tzurot status --json` says."""
        arguments = (sys.executable, "-m", "bot", "status", "--json")
        process = await asyncio.create_subprocess_exec(
            *arguments, env=self.environment, cwd=self.folder, stdout=asyncio.subprocess.PIPE
        )
        return orjson.loads((await process.communicate())[0])

    async def receipt(self) -> Any:
        """The receipt of the last start, once the bot was seen on Discord."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (receipt := (await self.status())["receipt"]) is None or receipt["back_at"] is None:
                pass
        return receipt

    async def is_talking(self) -> bool:
        """Whether the personality answers, which needs the login, the personality, its alias and the webhook."""
        return (await self.hears("@lil are you there?")).webhook_id is not None

    async def close(self) -> None:
        if self.process is not None:
            with suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    async with Sandbox(tmp_path, DiscordOptions(rate_scale=0.02)) as sandbox, FaultProxy(sandbox.bucket.port) as proxy:
        made = Installation(sandbox, proxy, tmp_path)
        try:
            yield made
        finally:
            await made.close()
