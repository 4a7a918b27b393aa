"""One contract suite for every backend: a further one is one more entry of `BACKENDS`."""

import base64
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.driver import Reader, SQLiteStore, open_reader, open_store
from bot.store.migrate import create_database

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)


@dataclass(frozen=True)
class SQLiteBackend:
    """The backend in use: a file in the test's folder."""

    path: Path
    settings: Settings

    def create(self) -> None:
        create_database(self.path)

    async def open(self) -> SQLiteStore:
        return await open_store(self.path, settings=self.settings)

    async def open_reader(self) -> Reader:
        return await open_reader(self.path, self.settings)


BACKENDS = [SQLiteBackend]


def make_key(byte: int) -> SecretStr:
    return SecretStr(base64.b64encode(bytes([byte]) * 32).decode())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, database_path=tmp_path / "tzurot.db", busy_timeout_seconds=0.2)


@pytest.fixture(params=BACKENDS, ids=lambda backend: str(backend.__name__))
def backend(request: pytest.FixtureRequest, settings: Settings) -> SQLiteBackend:
    made: SQLiteBackend = request.param(settings.database_path, settings)
    made.create()
    return made


@pytest.fixture
async def store(backend: SQLiteBackend) -> AsyncIterator[SQLiteStore]:
    opened = await backend.open()
    yield opened
    await opened.close()


@pytest.fixture
def cipher() -> Cipher:
    return Cipher([make_key(1)])


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Every write beyond that size fails with EFBIG, which SQLite reports as an I/O error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    # Python would cut the compiled form of what it imports short, too.
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes_bytecode
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
