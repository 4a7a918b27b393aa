"""Which files a JSON folder has, and what makes each of them due."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection

FileContent: TypeAlias = tuple[str, Iterable[bytes]]
"""A file's name, relative to the folder with `/` between its parts, and its bytes in pieces."""


class Format(StrEnum):
    """A generation of the original whose loader reads the folder."""

    GEN1 = "gen1"
    """The flat files of v1.3.2 and before."""
    GEN2 = "gen2"
    """The nested files of v2.2.10, its last release."""


class Writer(Protocol):
    """Reads a database and gives files."""

    def __call__(self, connection: RawConnection, cipher: Cipher, /) -> Iterator[FileContent]:
        """The files, read lazily inside the open transaction, in pieces that hold the interpreter under 1 ms."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Files that are written together: due as soon as one of the tables (or of the columns told apart) has changed."""

    name: str
    tables: frozenset[str]
    write: Writer
