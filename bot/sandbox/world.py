"""The whole outside world of the bot on loopback: Discord, the AI service and a bucket, or without the latter."""

import base64
import os
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.sandbox.ai import AISandbox
from bot.sandbox.bucket import BucketSandbox
from bot.sandbox.discord import DiscordOptions, DiscordSandbox
from bot.sandbox.port import HOST, ReservedPort

SHORT_TIMES = {
    "CANARY_INTERVAL_SECONDS": "0.5",
    "PROFILE_INTERVAL_SECONDS": "0.05",
    "GATEWAY_RETRY_SECONDS": "0.1",
    "GATEWAY_RETRY_LIMIT_SECONDS": "1",
    "RESTART_DELAY_SECONDS": "0.1",
    "LEASE_INTERVAL_SECONDS": "0.5",
    "LEASE_REQUEST_TIMEOUT_SECONDS": "1",
    "LEASE_LOSS_SECONDS": "2",
    "LEASE_TAKEOVER_SECONDS": "2.5",
    "LEASE_TIMEOUT_SECONDS": "10",
    "LEASE_RELEASE_TIMEOUT_SECONDS": "1",
}
"""Intervals that are made for services far away."""

TIRELESS = {"USER_RATE_LIMIT": "100000", "CHANNEL_RATE_LIMIT": "100000"}
"""Who talks in here says more in a second than a person does in a minute."""


class Outside:
    """Discord and the AI service: what a bot without a bucket needs of the world."""

    def __init__(self, options: DiscordOptions | None = None) -> None:
        self.discord = DiscordSandbox(options)
        self.ai = AISandbox()
        self._parts: list[AbstractAsyncContextManager[object]] = [self.discord, self.ai]
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start everything that is its own, or nothing."""
        async with AsyncExitStack() as opening:
            for part in self._parts:
                await opening.enter_async_context(part)
            self._opened = opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what was started."""
        await self._opened.aclose()


class Sandbox(Outside):
    """The same with a bucket, whose objects `directory` holds; it is the caller's to remove.

    A `bucket` that is given is running already and goes on when the rest ends.
    """

    def __init__(
        self, directory: Path, options: DiscordOptions | None = None, bucket: BucketSandbox | None = None
    ) -> None:
        super().__init__(options)
        self.bucket = bucket or BucketSandbox(directory / "bucket")
        self._port = ReservedPort()
        self._parts += [] if bucket else [self.bucket]
        self._encryption_key = base64.b64encode(os.urandom(32)).decode()

    @property
    def port(self) -> int:
        """Where the bot's probes answer; reserved, so that no other program takes it between two starts."""
        return self._port.number

    def environment(self, database_path: Path, prefix: str) -> dict[str, str]:
        """Every setting that the bot needs to run in here, the same for each of its starts."""
        return {
            **self.discord.environment(),
            **self.ai.environment(),
            **self.bucket.environment(prefix),
            **SHORT_TIMES,
            **TIRELESS,
            "DATABASE_PATH": str(database_path),
            "ENCRYPTION_KEYS": self._encryption_key,
            "ALLOW_INIT": prefix,
            "PORT": str(self.port),
            "LISTEN_ADDRESS": HOST,
        }

    async def __aenter__(self) -> Self:
        """Start everything that is its own, or nothing."""
        await super().__aenter__()
        self._opened.callback(self._port.close)
        return self
