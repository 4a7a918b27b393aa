"""JSON files in pieces: an entry a line, so that a person and a diff can read them, and few entries a piece.

So making one piece holds the interpreter for well under a millisecond.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

PIECE_BYTES = 4 * 1024
SEPARATOR = b",\n"


def dump(value: Any) -> bytes:
    """A value in one line."""
    return orjson.dumps(value)


def member(key: str, value: Any) -> bytes:
    """An object's member in one line."""
    return orjson.dumps(key) + b": " + orjson.dumps(value)


def file_of(members: Iterable[bytes]) -> Iterator[bytes]:
    """A file that holds an object of these members; each may be several, joined by `SEPARATOR`."""
    yield from object_of(members)
    yield b"\n"


def list_file_of(values: Iterable[Any]) -> Iterator[bytes]:
    """A file that holds a list."""
    yield from _enclosed(b"[", map(dump, values), b"]")
    yield b"\n"


def object_of(members: Iterable[bytes]) -> Iterator[bytes]:
    """An object inside of a file."""
    return _enclosed(b"{", members, b"}")


def _enclosed(opening: bytes, entries: Iterable[bytes], closing: bytes) -> Iterator[bytes]:
    piece, lead = bytearray(opening), b"\n"
    for entry in entries:
        piece += lead + entry
        lead = SEPARATOR
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece) + (closing if lead == b"\n" else b"\n" + closing)
