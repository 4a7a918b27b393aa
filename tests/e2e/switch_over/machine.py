"""The operator's machine: a volume with the data folder on it, the bot as a process, and the command `tzurot`."""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import orjson

from bot.errors import TzurotError
from bot.sandbox.demo.process import ROOT, BotProcess, clean_environment
from bot.sandbox.world import Sandbox

PREFIX = "tzurot/moving"
START_TIMEOUT_SECONDS = STOP_TIMEOUT_SECONDS = 30.0
SHORT_TIMES = {
    "SHADOW_INTERVAL_SECONDS": "0.5",
    "RESTART_DELAY_LIMIT_SECONDS": "1",
    "MARK_INTERVAL_SECONDS": "0.5",
}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


class Machine:
    """Where the bot runs; its mode changes from start to start, all else stays."""

    def __init__(self, sandbox: Sandbox, folder: Path, scratch: Path) -> None:
        self.volume = folder / "volume"
        self.database = self.volume / "tzurot.db"
        self._discord = sandbox.discord
        self._log = folder / "bot.log"
        self._environment = {
            **sandbox.environment(self.database, PREFIX),
            **SHORT_TIMES,
            "TMPDIR": str(scratch),
        }
        self._process: BotProcess | None = None

    async def start(self, mode: str, **changes: str) -> float:
        """Start the bot, and wait until it is on Discord; how many seconds that took."""
        sessions, began = self._discord.session_count, monotonic()
        self._process = await self._begin(mode, changes)
        watch = asyncio.create_task(self._process.watch())
        connected = asyncio.create_task(
            self._discord.wait_for_session(after=sessions, timeout_seconds=START_TIMEOUT_SECONDS)
        )
        try:
            done, _ = await asyncio.wait({watch, connected}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except TimeoutError as error:
            raise TzurotError(f"{error}. The end of the log:\n{self._process.log_tail()}") from None
        finally:
            for task in (watch, connected):
                task.cancel()
            await asyncio.gather(watch, connected, return_exceptions=True)
        return monotonic() - began

    async def start_and_kill(self, mode: str, after_seconds: float, **changes: str) -> None:
        """Start the bot, and end everything by force, however far it got."""
        self._process = await self._begin(mode, changes)
        await asyncio.sleep(after_seconds)
        await self.kill()

    async def _begin(self, mode: str, changes: Mapping[str, str]) -> BotProcess:
        process = BotProcess({**self._environment, **changes, "STORAGE_MODE": mode}, self._log)
        await process.start()
        return process

    async def stop(self) -> int:
        """End the bot as an operator does; its exit code."""
        assert self._process is not None
        return await self._process.stop(STOP_TIMEOUT_SECONDS)

    async def kill(self) -> None:
        """End everything by force."""
        if self._process is not None:
            await self._process.kill()

    async def tzurot(self, *arguments: str | Path, **changes: str) -> Ended:
        """A command in the bot's environment, with some of it changed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", *map(str, arguments)),
            env={**clean_environment(), **self._environment, **changes},
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    @property
    def log(self) -> str:
        """Everything that the bot has logged so far."""
        return self._log.read_text(errors="replace")
