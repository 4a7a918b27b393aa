"""One contract suite for every storage mode."""

import base64
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore

from .modes import MODES, NOW, ModeBackend, settings_of

__all__ = ["NOW"]


def make_key(byte: int) -> SecretStr:
    return SecretStr(base64.b64encode(bytes([byte]) * 32).decode())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(_env_file=None, database_path=tmp_path / "tzurot.db", busy_timeout_seconds=0.2)


@pytest.fixture(params=MODES)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> ModeBackend:
    made = ModeBackend(settings_of(tmp_path, request.param))
    made.create()
    return made


@pytest.fixture
async def store(backend: ModeBackend) -> AsyncIterator[SQLiteStore]:
    opened = await backend.open()
    yield opened.store
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
