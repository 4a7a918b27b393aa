"""One lock for each thing that only one may touch at a time."""

import asyncio
from weakref import WeakValueDictionary


class Locks:
    """All who want the same at the same time get the same lock; it goes when the last of them has."""

    def __init__(self) -> None:
        self._held: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: int) -> asyncio.Lock:
        """The lock of this id."""
        lock = self._held.get(key)
        if lock is None:
            self._held[key] = lock = asyncio.Lock()
        return lock
