"""One installation of the bot in a world of its own: its volumes, its processes, and the way to the bucket."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import ExitCode
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.sandbox.certificate.examination import Environment
from bot.sandbox.certificate.plan import Network
from bot.sandbox.demo.process import BotProcess
from bot.sandbox.discord import DiscordOptions
from bot.sandbox.port import ReservedPort
from bot.sandbox.world import Sandbox

SHORTER_TIMES = {
    "VOLUME_CHECK_INTERVAL_SECONDS": "0.5",
    "RESTART_DELAY_LIMIT_SECONDS": "1",
    "START_TIMEOUT_SECONDS": "10",
    "REPLICA_TIMEOUT_SECONDS": "10",
    "BUCKET_REQUEST_TIMEOUT_SECONDS": "2",
}
"""Beside the sandbox's own: what a run would otherwise spend waiting."""

SLOW_MS = 40.0
STOP_TIMEOUT_SECONDS = 15.0
PAUSE_BEFORE_NEXT_START_SECONDS = 0.2
MODES = {
    Network.GOOD: Mode.PASS,
    Network.SLOW: Mode.PASS,
    Network.REFUSES: Mode.REFUSE,
    Network.BLACK_HOLE: Mode.BLACK_HOLE,
    Network.GARBAGE: Mode.GARBAGE,
}


class Instance:
    """One of the installation's machines: a volume, and processes that a platform starts again when they end."""

    def __init__(self, environment: Environment, folder: Path) -> None:
        folder.mkdir()
        self.volume = folder / "volume"
        self.database = self.volume / "tzurot.db"
        self.environment = {**environment, "DATABASE_PATH": str(self.database)}
        self.process = BotProcess(self.environment, folder / "bot.log")
        self.codes: list[int] = []
        self._folder = folder
        self._platform: asyncio.Task[None] | None = None
        self._starting: asyncio.Task[None] | None = None

    def lose_volume(self) -> Path:
        """Put the volume away as a machine with a dead disk does; where its database lies now."""
        lost = self._folder / f"lost-{len(list(self._folder.glob('lost-*'))) + 1}"
        self.volume.rename(lost)
        return lost / self.database.name

    def keep_up(self, command: Sequence[str] = ()) -> None:
        """Start it, and start it again whenever it ends by itself; `codes` tells with what."""
        self._platform = asyncio.create_task(self._keep_up(command))

    async def _keep_up(self, command: Sequence[str]) -> None:
        while True:
            self._starting = asyncio.create_task(self.process.start(command))
            await asyncio.shield(self._starting)  # cut short, it would leave a process that nobody knows of
            code = await self.process.ended()
            self.codes.append(code)
            if code in (ExitCode.DONE, -9):
                return
            await asyncio.sleep(PAUSE_BEFORE_NEXT_START_SECONDS)

    async def until_dead(self) -> None:
        """Until it has ended and is not started again."""
        if self._platform is not None:
            await asyncio.wait({self._platform})  # not awaited itself: who gives up waiting must not end it

    async def stop(self) -> int:
        """End it as a deploy does; its exit code."""
        await self._leave_platform()
        return await self.process.stop(STOP_TIMEOUT_SECONDS) if self.process.is_running else self.codes[-1]

    async def kill(self) -> None:
        """End it by force, and for good."""
        await self._leave_platform()
        await self.process.kill()

    async def _leave_platform(self) -> None:
        platform, self._platform = self._platform, None
        if platform is not None:
            platform.cancel()
            await asyncio.gather(platform, return_exceptions=True)
        if self._starting is not None:
            await self._starting


class Installation:
    """Discord, AI service, a prefix of the bucket, and one or two instances."""

    def __init__(self, sandbox: Sandbox, proxy: FaultProxy, folder: Path, prefix: str) -> None:
        self.sandbox = sandbox
        self._proxy = proxy
        self._folder = folder
        self._prefix = prefix
        self._second_port = ReservedPort()
        (folder / "tmp").mkdir(parents=True)
        self.first = Instance(self._environment(sandbox.port), folder / "first")
        self.second = Instance(self._environment(self._second_port.number), folder / "second")
        self.instances = (self.first, self.second)

    @property
    def armed(self) -> Path:
        """The file whose presence begins the count of a process that is to die by itself."""
        return self._folder / "armed"

    def direct(self) -> Environment:
        """The first instance's settings without the proxy before the bucket."""
        return {**self.first.environment, "REPLICA_ENDPOINT": self.sandbox.bucket.endpoint}

    def scratch(self, name: str) -> Path:
        """A path in the installation's folder."""
        return self._folder / name

    async def set_network(self, network: Network) -> None:
        """Change what the way to the bucket does."""
        self._proxy.delay_ms = SLOW_MS if network is Network.SLOW else 0.0
        await self._proxy.set(MODES[network])

    async def close(self) -> None:
        """Leave no process."""
        for instance in self.instances:
            await instance.kill()
        self._second_port.close()

    def _environment(self, port: int) -> dict[str, str]:
        return {
            **self.sandbox.environment(self._folder, self._prefix),
            **SHORTER_TIMES,
            "REPLICA_ENDPOINT": self._proxy.endpoint,
            "TMPDIR": str(self._folder / "tmp"),
            "PORT": str(port),
        }


@asynccontextmanager
async def installed(bucket: BucketSandbox, folder: Path, prefix: str) -> AsyncIterator[Installation]:
    """An installation on a bucket that runs; nothing of it runs afterwards."""
    async with Sandbox(folder, DiscordOptions(rate_scale=0.001), bucket) as sandbox, FaultProxy(bucket.port) as proxy:
        installation = Installation(sandbox, proxy, folder, prefix)
        try:
            yield installation
        finally:
            await installation.close()


def mortal_command(module: str, event: Sequence[str], armed: Path) -> list[str]:
    """What starts the supervisor that dies by itself."""
    return [sys.executable, "-m", module, *event, str(armed), "run"]
