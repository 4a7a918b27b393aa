"""Loopback ports that stay ours while nobody listens on them."""

import asyncio
import contextlib
import socket
from typing import Self

HOST = "127.0.0.1"


class ReservedPort:
    """A port that is bound but not listened on: a connection is refused, and no other program can take it.

    A listener with SO_REUSEADDR (asyncio's and Go's default) may bind the same port for as long as it likes.
    """

    def __init__(self) -> None:
        self._socket, self.number = _bind_free()

    def close(self) -> None:
        """Give the port back."""
        self._socket.close()

    def listener(self) -> socket.socket:
        """A fresh socket bound to the port, ready to listen."""
        return _bind(self.number)

    def __enter__(self) -> Self:
        """Reserved since it was made."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the port back."""
        self.close()


def _bind(number: int) -> socket.socket:
    bound = socket.socket()
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((HOST, number))
    except OSError:
        bound.close()
        raise
    return bound


def _bind_free() -> tuple[socket.socket, int]:
    bound = _bind(0)
    return bound, bound.getsockname()[1]


def cut(writer: asyncio.StreamWriter) -> None:
    """End a connection without a good-bye."""
    writer.transport.abort()


async def until_cut(writer: asyncio.StreamWriter) -> None:
    """Wait until a connection that was cut is gone."""
    with contextlib.suppress(OSError):
        await writer.wait_closed()
