"""Writes the lease: over the version that is known or an own write whose answer was lost, never over another's."""

import logging
import os
import uuid
from pathlib import Path

from bot.durability.aside import run_aside
from bot.durability.bucket import Bucket
from bot.durability.lease import MEMORY_NAME, Lease, Memory, Sighting, Standing, in_use, read_memory
from bot.durability.lineage import replace_file
from bot.durability.lock import VolumeLock
from bot.errors import StorageError
from bot.settings import Settings

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class LeasePen:
    """One process's writes of the lease, each remembered on its volume before it is sent."""

    def __init__(self, settings: Settings, lock: VolumeLock, bucket: Bucket) -> None:
        self._settings = settings
        self._bucket = bucket
        self._folder = settings.database_path.absolute().parent
        self._e_tag: str | None = None
        self.owner = uuid.uuid4().hex
        self.volume = identify_volume(lock.fd)

    async def recall(self) -> Memory | None:
        """What the volume remembers."""
        return await run_aside(read_memory, self._folder)

    async def take(self, lease: Lease, found: Sighting | None, standing: Standing) -> None:
        """Write a first lease over what was found; ProtectedError where somebody was faster."""
        self._e_tag = found.e_tag if found else None
        await self._write(lease, found.lease if found and standing is Standing.OWN else None)

    async def renew(self, lease: Lease, previous: Lease) -> None:
        """Write the next lease over one's own; ProtectedError where another instance has taken it."""
        await self._write(lease, previous)

    async def _write(self, lease: Lease, previous: Lease | None) -> None:
        await self._remember(*([previous.nonce] if previous else []), lease.nonce)
        while (e_tag := await self._bucket.write_lease(lease, self._e_tag)) is None:
            found = await self._bucket.read_lease()
            if found is not None and found.lease.owner != self.owner:
                raise in_use(self._settings, found.lease)
            self._e_tag = found.e_tag if found else None
            if found is not None and found.lease.nonce == lease.nonce:
                return
        self._e_tag = e_tag

    async def _remember(self, *nonces: str) -> None:
        memory = Memory(volume=self.volume, nonces=nonces)
        try:
            await run_aside(replace_file, self._folder / MEMORY_NAME, memory.model_dump_json().encode())
        except StorageError as error:  # the lease counts all the same; only a start after a crash then takes longer
            log.debug("%s", error.message)


def identify_volume(lock_fd: int) -> str:
    """Which volume this is, since which boot of the machine: all the same, and the volume's lock proves enough.

    On another machine it would prove nothing, and a copy of a volume has another lock file.
    """
    try:
        boot = BOOT_ID.read_text().strip()
    except OSError:
        boot = uuid.uuid4().hex  # then no start ever knows it again
    status = os.fstat(lock_fd)
    return f"{boot}:{status.st_dev}:{status.st_ino}"
