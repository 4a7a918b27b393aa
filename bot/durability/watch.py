"""Notices that the volume was taken away under the running bot, which SQLite and Litestream do not say."""

import asyncio
import os
from pathlib import Path

from bot.durability.lock import VolumeLock
from bot.durability.presence import LOCK_NAME
from bot.errors import StorageError
from bot.settings import Settings


async def watch_volume(settings: Settings, lock: VolumeLock, files_lock: VolumeLock | None = None) -> None:
    """Raise StorageError once what is served or a lock is not the file any more that it was; until cancelled.

    A deleted file goes on taking writes as long as somebody has it open, and every one of them is lost; a second
    start would find its lock free.
    """
    database, folder = settings.database_path.absolute(), settings.json_folder.absolute()
    served = folder if settings.mode == "json" else database
    held = {served: served.stat(), database.parent / LOCK_NAME: os.fstat(lock.fd)}
    if files_lock is not None:
        held[folder / LOCK_NAME] = os.fstat(files_lock.fd)
    while True:
        await asyncio.sleep(settings.volume_check_interval_seconds)
        for path, known in held.items():
            if not _is_same(path, known):
                then = "" if settings.mode == "json" else ", and restores a lost database from the bucket"
                raise StorageError(
                    f"{path} was removed or replaced while the bot was running.",
                    remedy=f"The next start looks at what is there{then}.",
                )


def _is_same(path: Path, known: os.stat_result) -> bool:
    try:
        return os.path.samestat(path.stat(), known)
    except OSError:
        return False
