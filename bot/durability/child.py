"""Child processes that can't outlive the supervisor: they share its lock and die when it dies."""

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Program:
    """What to start: its arguments, its environment, and the open files that it inherits."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    inherits: tuple[int, ...] = ()


class Child:
    """One running child process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, program: Program, *, captures: bool = False) -> Self:
        """Start it in a process group of its own, so that a Ctrl-C reaches the supervisor alone."""
        pipe = asyncio.subprocess.PIPE if captures else None
        return cls(
            await asyncio.create_subprocess_exec(
                *program.arguments,
                env=dict(program.environment),
                pass_fds=program.inherits,
                process_group=0,
                preexec_fn=partial(_die_with, os.getpid()),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipe,
                stderr=pipe,
            )
        )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.returncode is None

    async def wait(self) -> int:
        """Its exit code, once it has ended; negative for a signal."""
        return await self._process.wait()

    async def output(self) -> tuple[int, bytes, bytes]:
        """The exit code and both streams of a child that was started to capture them."""
        out, err = await self._process.communicate()
        return await self.wait(), out, err

    async def stop(self, timeout_seconds: float) -> int:
        """Ask it once to end, wait, and kill it when it takes too long."""
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self.wait()
        except TimeoutError:
            return await self.kill()

    async def kill(self) -> int:
        """End it at once."""
        self._signal(signal.SIGKILL)
        return await self.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


def _die_with(parent: int) -> None:
    # SIGKILL for both: a supervisor that died by force can't order a clean stop any more, what is not in the bucket
    # is on the volume, and only a kill surely ends both writers before the next start gets the lock.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
