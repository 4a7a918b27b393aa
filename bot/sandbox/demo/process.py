"""The real entry point as a subprocess, and the `tzurot` command as an operator would call it."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

from bot.errors import TzurotError

ROOT = Path(__file__).parents[3]
LOG_TAIL_LINES = 15


class BotProcess:
    """One run of the entry point; start it again after `kill`.

    It runs beside its log, because a file named .env where the person is must not reach it either.
    """

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = {**clean_environment(), **environment}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, command: Sequence[str] = ()) -> None:
        """Start it, or another command in its place; its log goes to a file."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(command or _entry_point()),
                env=self._environment,
                cwd=self._log.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """SIGKILL to the supervisor, Litestream and the bot; returns when none of them is left."""
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        handles = _handles_of([process.pid, *_children_of(process.pid)])
        for handle in handles:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        await asyncio.gather(*(_until_ended(handle) for handle in handles))
        await process.wait()

    def strike(self, victim: str = "") -> None:
        """SIGKILL at this very moment, to all of them, or to the children in whose command line the word stands."""
        if self._process is None or self._process.returncode is not None:
            return
        children = _children_of(self._process.pid)
        doomed = [child for child in children if victim in _command_of(child)] if victim else children
        for pid in doomed if victim else [self._process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Its exit code, once it and the children that it has now are gone; negative for a signal."""
        if self._process is None:
            raise TzurotError("The bot was not started.")
        handles = _handles_of(_children_of(self._process.pid))
        code, *_ = await asyncio.gather(self._process.wait(), *(_until_ended(handle) for handle in handles))
        return code or 0

    def terminate(self) -> None:
        """Ask it to end as a deploy does, and do not wait for it."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    async def stop(self, timeout_seconds: float) -> int:
        """Ask it to end, and wait; its exit code. Raises TimeoutError."""
        self.terminate()
        async with asyncio.timeout(timeout_seconds):
            return await self.ended()

    async def watch(self) -> None:
        """Return never; raises TzurotError when the process ends by itself."""
        if self._process is None:
            raise TzurotError("The bot was not started.")
        code = await self._process.wait()
        raise TzurotError(f"The bot ended by itself with exit code {code}. The end of its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    async def is_confirmed(self, since: float) -> bool:
        """Whether an upload was confirmed after this moment (seconds since 1970), as `tzurot status` has it."""
        status = await self.ask("status")
        confirmed_at = status["replication"]["confirmed_at"]
        return confirmed_at is not None and datetime.fromisoformat(confirmed_at).timestamp() > since

    async def ask(self, *arguments: str) -> Any:
        """What `tzurot ARGUMENTS --json` prints, in the bot's environment; raises TzurotError where it fails."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            *arguments,
            "--json",
            env=self._environment,
            cwd=self._log.parent,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if process.returncode != 0:
            raise TzurotError(f"tzurot {arguments[0]} failed: {errors.decode(errors='replace').strip()}")
        return orjson.loads(output)


def _children_of(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:  # it has ended already
        return []


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):  # it has ended already
        return ""


def _handles_of(pids: Sequence[int]) -> list[int]:
    return [handle for pid in pids if (handle := _handle_of(pid)) is not None]


def _handle_of(pid: int) -> int | None:
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:  # it has ended meanwhile
        return None


async def _until_ended(handle: int) -> None:
    """Wait for the process behind a pidfd, which becomes readable when it ends; closes it."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(handle, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(handle)
        os.close(handle)


def _entry_point() -> list[str]:
    script = ROOT / "entrypoint.sh"
    return ["sh", str(script)] if script.exists() else [sys.executable, "-m", "bot", "run"]


def clean_environment() -> dict[str, str]:
    """Where programs are found, and nothing else: no setting of the person's own bot may reach the sandbox's."""
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "TMPDIR", "HOME") if name in os.environ}
    programs = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    return {**kept, "PATH": os.pathsep.join(programs), "PYTHONPATH": str(ROOT)}
