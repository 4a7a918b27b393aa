"""Every storage mode opened as the bot opens it, and what its files hold compared with what its database holds."""

import asyncio
import base64
import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.driver import Reader, SQLiteStore, open_reader
from bot.store.engine import RawConnection, connect, connect_reader, opened, transaction
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.loader import Loader
from bot.store.files.modes.backend import Backend, open_backend
from bot.store.files.modes.scratch import scratch_path
from bot.store.migrate import create_database
from bot.store.storage import OWN_TABLES

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
MODES = ("database", "dual", "shadow", "json")
KEY = base64.b64encode(bytes([1]) * 32).decode()
TABLES = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite_%' ORDER BY name"

Rows = dict[str, list[tuple[Any, ...]]]


def settings_of(folder: Path, mode: str) -> Settings:
    """A new installation in this folder, whose files follow as fast as they can."""
    return Settings(
        _env_file=None, database_path=folder / "tzurot.db", json_dir=folder / "files", storage_mode=mode,
        allow_init="local", busy_timeout_seconds=0.2, json_interval_seconds=0.001, encryption_keys=KEY,
    )  # fmt: skip


@dataclass(frozen=True)
class ModeBackend:
    """One mode, in the test's folder."""

    settings: Settings

    @property
    def path(self) -> Path:
        """The database that is queried."""
        is_json = self.settings.mode == "json"
        return scratch_path(self.settings.json_folder) if is_json else self.settings.database_path

    def create(self) -> None:
        """What a first start makes."""
        if self.settings.mode != "json":
            self.settings.database_path.write_bytes(empty_database())

    async def open(self) -> "OpenBackend":
        """Start to serve, or go on."""
        return OpenBackend(await open_backend(self.settings, cipher(), clock=lambda: NOW), self)

    async def open_reader(self) -> Reader:
        return await open_reader(self.path, self.settings)


class OpenBackend:
    """A backend whose files follow in the background, as they do in the bot."""

    def __init__(self, backend: Backend, made_by: ModeBackend) -> None:
        self.store: SQLiteStore = backend.store
        self._backend = backend
        self._made_by = made_by
        behind = backend.behind
        self._following = asyncio.create_task(behind.run()) if behind else None

    async def close(self) -> None:
        """As at a stop; the files then hold what the database held."""
        if self._following:
            self._following.cancel()
            await asyncio.wait([self._following])
        if self._backend.mode == "database":
            await self._backend.close()
            return
        await self.store.write()
        kept = rows_of(self._made_by.path)
        await self._backend.close()
        assert rows_of_files(self._made_by.settings) == kept


@functools.cache
def empty_database() -> bytes:
    """Made once; each test has its copy."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "empty.db"
        create_database(path)
        return path.read_bytes()


def cipher() -> Cipher:
    return Cipher([SecretStr(KEY)])


def rows_of(path: Path) -> Rows:
    """Every row that the files have to hold, too."""
    with opened(connect_reader(path, 1)) as connection:
        return _read_rows(connection)


def rows_of_files(settings: Settings) -> Rows:
    """The same, loaded from the files as a start in json mode does; they are as the mode file says."""
    folder = JsonFolder(settings.json_folder)
    folder.recover()
    state = folder.read()
    if state is not None:
        assert folder.changed(state) == ()
    with loaded(settings) as connection:
        return _read_rows(connection)


@contextmanager
def loaded(settings: Settings) -> Iterator[RawConnection]:
    """A database of the files."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "loaded.db"
        path.write_bytes(empty_database())
        with opened(connect(path, "rw", 1)) as connection:
            connection.execute("PRAGMA synchronous=OFF").fetchall()
            if settings.json_folder.exists():
                with transaction(connection):
                    Loader(settings, cipher(), clock=lambda: NOW).fill(connection, JsonFolder(settings.json_folder))
            yield connection


def _read_rows(connection: RawConnection) -> Rows:
    names = [row["name"] for row in connection.execute(TABLES) if row["name"] not in OWN_TABLES]
    return {name: [tuple(row) for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2")] for name in names}  # noqa: S608
