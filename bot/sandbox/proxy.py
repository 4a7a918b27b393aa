"""A TCP proxy that does to a connection what networks do."""

import asyncio
from enum import Enum
from types import TracebackType
from typing import Self

from bot.sandbox.bell import end
from bot.sandbox.port import HOST, ReservedPort, cut, until_cut

CHUNK_BYTES, LINE_CHUNKS = 65_536, 16
Line = asyncio.Queue[tuple[float, bytes]]


class Mode(Enum):
    """What the proxy does: pass everything on, refuse connections, take them and never answer, or answer badly."""

    PASS = "pass"  # noqa: S105 - no password
    REFUSE = "refuse"
    BLACK_HOLE = "black-hole"
    GARBAGE = "garbage"
    BUSY = "busy"


ANSWERS = {
    Mode.GARBAGE: b"\x00\xffthis is no HTTP\r\n\r\n",
    Mode.BUSY: b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
}


class FaultProxy:
    """Stands before a port; `await set(Mode.…)` changes what it does, also to connections that are open.

    REFUSE cuts open connections; BLACK_HOLE keeps them and passes nothing any more; GARBAGE answers what is no
    HTTP; BUSY answers every new connection with status 503 and cuts open ones. `delay_ms` holds back everything in each
    direction, as a long line does.
    """

    def __init__(self, target_port: int) -> None:
        self.delay_ms = 0.0
        self.connection_count = 0
        self._target = target_port
        self._stalled_until = 0
        self._port = ReservedPort()
        self._mode = Mode.PASS
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    @property
    def port(self) -> int:
        """The port to connect to."""
        return self._port.number

    @property
    def endpoint(self) -> str:
        """The address to connect to."""
        return f"http://{HOST}:{self.port}"

    @property
    def mode(self) -> Mode:
        """What it does at present."""
        return self._mode

    async def set(self, mode: Mode) -> None:
        """Change what it does. Leaving BLACK_HOLE cuts what hung in it."""
        was, self._mode = self._mode, mode
        if mode in (Mode.REFUSE, Mode.BUSY) or was is Mode.BLACK_HOLE:
            self._cut_all()
        if mode is Mode.REFUSE:
            self._stop_listening()
        elif self._server is None:
            self._server = await asyncio.start_server(self._accept, sock=self._port.listener())

    def stall(self) -> None:
        """Pass nothing more on the connections that are open, for ever, and go on with new ones."""
        self._stalled_until = self.connection_count

    async def close(self) -> None:
        """End everything and give the port back."""
        self._stop_listening()
        for task, writer in list(self._connections.items()):
            cut(writer)
            await end(task)
            await until_cut(writer)
        self._port.close()

    async def __aenter__(self) -> Self:
        """Start passing."""
        await self.set(Mode.PASS)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        await self.close()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    def _cut_all(self) -> None:
        for task, writer in self._connections.items():
            cut(writer)
            task.cancel()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections[task] = writer
        task.add_done_callback(lambda done: self._connections.pop(done, None))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if answer := ANSWERS.get(self._mode):
                await reader.read(CHUNK_BYTES)
                writer.write(answer)
                await writer.drain()
            else:
                await self._pass_on(reader, writer)
        except OSError:
            pass  # either side went away, which is what this proxy is for
        finally:
            cut(writer)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._mode is Mode.BLACK_HOLE:
            await asyncio.Event().wait()
        number = self.connection_count
        far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        up, down = Line(LINE_CHUNKS), Line(LINE_CHUNKS)
        work = (
            _take_in(reader, up), self._hand_on(up, far_writer, number),
            _take_in(far_reader, down), self._hand_on(down, writer, number),
        )  # fmt: skip
        tasks = [asyncio.create_task(part) for part in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            cut(far_writer)  # before anything is awaited, which a second cancellation may end
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await until_cut(far_writer)

    async def _hand_on(self, line: Line, writer: asyncio.StreamWriter, number: int) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            came_at, chunk = await line.get()
            await asyncio.sleep(max(0.0, came_at + self.delay_ms / 1000 - clock()))
            if self._mode is Mode.BLACK_HOLE or number <= self._stalled_until:
                await asyncio.Event().wait()
            if not chunk:
                break
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()


async def _take_in(reader: asyncio.StreamReader, line: Line) -> None:
    """Note when each chunk came, and the empty one at the end: a long line delays all of them, and narrows nothing."""
    clock = asyncio.get_running_loop().time
    while chunk := await reader.read(CHUNK_BYTES):
        await line.put((clock(), chunk))
    await line.put((clock(), b""))
