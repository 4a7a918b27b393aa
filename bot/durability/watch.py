"""Notices that the volume was taken away under the running bot, which SQLite and Litestream do not say."""

import asyncio
import os
from pathlib import Path

from bot.durability.lock import VolumeLock
from bot.durability.presence import LOCK_NAME
from bot.errors import StorageError
from bot.settings import Settings


async def watch_volume(settings: Settings, lock: VolumeLock) -> None:
    """Raise StorageError once the database or the lock is not the file any more that it was; until cancelled.

    A deleted file goes on taking writes as long as somebody has it open, and every one of them is lost; a second
    start would find its lock free.
    """
    database = settings.database_path.absolute()
    held = {database: database.stat(), database.parent / LOCK_NAME: os.fstat(lock.fd)}
    while True:
        await asyncio.sleep(settings.volume_check_interval_seconds)
        for path, known in held.items():
            if not _is_same(path, known):
                raise StorageError(
                    f"{path} was removed or replaced while the bot was running.",
                    remedy="The next start looks at what is there, and restores a lost database from the bucket.",
                )


def _is_same(path: Path, known: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), known)
    except OSError:
        return False
