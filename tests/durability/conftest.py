import asyncio
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from bot.durability.lineage import Marker, read_marker
from bot.sandbox.bucket import BucketSandbox, FaultProxy
from bot.settings import Settings, load_settings
from bot.store.inspection import inspect_file

STAND_IN = Path(__file__).with_name("stand_in.py")
SMALL = {
    "LISTEN_ADDRESS": "127.0.0.1",
    "PORT": "0",
    "LOCK_TIMEOUT_SECONDS": "0.5",
    "REPLICA_TIMEOUT_SECONDS": "1",
    "BUCKET_REQUEST_TIMEOUT_SECONDS": "1",
    "RESTORE_TIMEOUT_SECONDS": "5",
    "RESTORE_ATTEMPTS": "2",
    "START_TIMEOUT_SECONDS": "5",
    "STOP_TIMEOUT_SECONDS": "2",
    "SYNC_TIMEOUT_SECONDS": "2",
    "SHUTDOWN_SYNC_TIMEOUT_SECONDS": "2",
    "LITESTREAM_STOP_TIMEOUT_SECONDS": "1",
    "RESTART_DELAY_SECONDS": "0.1",
    "REPLICA_INTERVAL_SECONDS": "0.1",
    "LITESTREAM_LOG_LEVEL": "INFO",
    "LEASE_INTERVAL_SECONDS": "0.3",
    "LEASE_REQUEST_TIMEOUT_SECONDS": "1",
    "LEASE_LOSS_SECONDS": "2.2",
    "LEASE_TAKEOVER_SECONDS": "2.5",
    "LEASE_TIMEOUT_SECONDS": "4",
    "LEASE_RELEASE_TIMEOUT_SECONDS": "0.5",
}
PATIENCE_SECONDS = 20.0


def until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait for a condition that a real process brings about."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return value


def children(pid: int) -> list[int]:
    """The child processes of a process."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def is_alive(pid: int) -> bool:
    """Whether a process still runs; one that nobody has reaped yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Container:
    """A volume and an environment; `start` runs the real supervisor on it with a stand-in for the bot."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.volume = folder / "volume"
        self.volume.mkdir(parents=True)
        self.database = self.volume / "tzurot.db"
        self.log_path = folder / "log.txt"
        self.report_path = folder / "report.jsonl"
        self.scratch = Path(tempfile.mkdtemp(prefix="d-"))  # short: it holds unix sockets
        self.environment = environment
        self.wrapper: tuple[str, ...] = ()
        self.processes: list[subprocess.Popen[bytes]] = []

    def settings(self, **changes: str) -> Settings:
        names = {name.lower(): value for name, value in (self.variables() | changes).items()}
        return load_settings(names, env_file=None)

    def start(self, *options: str, **changes: str) -> subprocess.Popen[bytes]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        variables = kept | self.variables() | changes
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [*self.wrapper, sys.executable, str(STAND_IN), "run", *options],
                env=variables,
                cwd=self.volume.parent,
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        return process

    def run(self, **changes: str) -> tuple[int, str]:
        """Start, wait for it to end by itself; its exit code and what it said."""
        before = len(self.log)
        process = self.start(**changes)
        return process.wait(PATIENCE_SECONDS), self.log[before:]

    def live(self, **changes: str) -> dict[str, Any]:
        """Start, let the bot write its rows, stop; what the bot reported."""
        process = self.start(**changes)
        event = self.event()
        assert self.stop(process) == 0, self.log
        return event

    def stop(self, process: subprocess.Popen[bytes]) -> int:
        process.send_signal(signal.SIGTERM)
        return process.wait(PATIENCE_SECONDS)

    def event(self, **expected: object) -> dict[str, Any]:
        """The next event of the bot that has these values; earlier ones are left behind."""

        def find() -> dict[str, Any] | None:
            for number, event in enumerate(events := self.events):
                if expected.items() <= event.items():
                    self._seen += number + 1
                    return event
            del events
            self._fail_if_over()
            if time.monotonic() > deadline:  # whoever waits for it wants to know what came instead
                pytest.fail(f"no event {expected} within {PATIENCE_SECONDS} s:\n{self.log}")
            return None

        deadline = time.monotonic() + PATIENCE_SECONDS

        found: dict[str, Any] = until(find, f"event {expected}", PATIENCE_SECONDS + 1)
        return found

    _seen = 0

    def _fail_if_over(self) -> None:
        if self.processes and self.processes[-1].poll() is not None:
            pytest.fail(f"ended with code {self.processes[-1].returncode}:\n{self.log}")

    @property
    def events(self) -> list[dict[str, Any]]:
        if not self.report_path.exists():
            return []
        return [json.loads(line) for line in self.report_path.read_text().splitlines()[self._seen :]]

    @property
    def log(self) -> str:
        return self.log_path.read_text() if self.log_path.exists() else ""

    @property
    def rows(self) -> int:
        report = inspect_file(self.database, full=True)
        assert report.problems == ()
        return report.rows["blacklist"]

    @property
    def marker(self) -> Marker | None:
        return read_marker(self.database)

    def lose_volume(self) -> None:
        shutil.rmtree(self.volume)
        self.volume.mkdir()

    def copy_volume(self, target: Path) -> None:
        shutil.copytree(self.volume, target)

    def bring_back(self, copy: Path) -> None:
        shutil.rmtree(self.volume)
        shutil.copytree(copy, self.volume)

    async def probe(self, path: str) -> tuple[int, dict[str, Any]]:
        ports = until(lambda: re.findall(r"answered on port (\d+)", self.log), "a port in the log")
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(5)) as session,
            session.get(f"http://127.0.0.1:{ports[-1]}{path}") as response,
        ):
            return response.status, await response.json()

    def close(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def variables(self) -> dict[str, str]:
        return (
            SMALL
            | {
                "DISCORD_TOKEN": "invented",
                "ENCRYPTION_KEYS": base64.b64encode(bytes(32)).decode(),
                "DATABASE_PATH": str(self.database),
                "TMPDIR": str(self.scratch),
                "STAND_IN_REPORT": str(self.report_path),
            }
            | self.environment
        )


@pytest.fixture
def containers(tmp_path: Path) -> Iterator[Callable[[dict[str, str]], Container]]:
    made: list[Container] = []

    def make(environment: dict[str, str]) -> Container:
        made.append(Container(tmp_path / f"container{len(made)}", environment))
        return made[-1]

    yield make
    for container in made:
        container.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BucketSandbox]:
    async with BucketSandbox(tmp_path_factory.mktemp("bucket")) as sandbox:
        yield sandbox


@pytest.fixture
def prefix() -> str:
    return f"tests/of-{uuid.uuid4().hex[:8]}"  # never e and digits, which would be an epoch of an installation `tests`


@pytest.fixture
def replica(server: BucketSandbox, prefix: str) -> dict[str, str]:
    """A prefix of its own in the bucket that all tests share, with leave to begin there."""
    return server.environment(prefix) | {"ALLOW_INIT": prefix}


@pytest_asyncio.fixture
async def proxy(server: BucketSandbox) -> AsyncIterator[FaultProxy]:
    async with FaultProxy(server.port) as between:
        yield between


@pytest.fixture
def container(containers: Callable[[dict[str, str]], Container], replica: dict[str, str]) -> Container:
    return containers(replica)


@pytest.fixture
def alone(containers: Callable[[dict[str, str]], Container]) -> Container:
    return containers({"ALLOW_INIT": "local"})


async def aside(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run what blocks beside the test's own event loop, which serves the proxy."""
    return await asyncio.to_thread(function, *arguments)
