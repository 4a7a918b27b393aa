"""A faster way through large files: a streaming parser in C, where it reads exactly what the scanner would.

It replaces half characters without a word and names no line, so a file with an escaped surrogate in it, or one
that it refuses, is left to the scanner.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from bot.errors import UnreadableError

LARGE_BYTES = 1 << 20
SURROGATE = b"\\ud"
PARSER = "yajl2_c"


class NotPlainError(Exception):
    """The file must be read by the scanner."""


class _Watched:
    """The file as the parser reads it, stopping at an escaped surrogate."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._tail = b""

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        # The start of the escape may stand at the end of the piece before.
        if SURROGATE in (self._tail + data).lower():
            raise NotPlainError
        self._tail = data[-2:]
        return data


def is_large(path: Path) -> bool:
    """Whether the quick way is worth it, and available."""
    return str(ijson.backend) == PARSER and path.stat().st_size >= LARGE_BYTES


def entries(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """Key and value of every entry of the object in a file; raises NotPlainError, mostly at the first entry."""
    try:
        with path.open("rb") as file:
            if not file.read(1) == b"{":
                raise NotPlainError
            file.seek(0)
            yield from ijson.kvitems(_Watched(file), "", use_float=True)
    except ijson.JSONError:
        raise NotPlainError from None
    except OSError as error:
        raise UnreadableError(f"{name} can't be read: {error.strerror}.") from None
