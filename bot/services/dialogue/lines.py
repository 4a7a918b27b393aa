"""One line of people waiting for each channel: whoever came first is served first."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Lines:
    """A place in line is taken before anything is awaited, so that answers keep the order of the questions."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[asyncio.Event]] = {}

    def count(self, channel_id: int) -> int:
        """How many stand in line, whoever is served included."""
        return len(self._waiting.get(channel_id, ()))

    @property
    def channel_ids(self) -> list[int]:
        """The channels in whose line somebody stands."""
        return list(self._waiting)

    @contextmanager
    def join(self, channel_id: int) -> Iterator[asyncio.Event]:
        """Stand in line; the event is set when nobody stands in front any more. Leaving frees the place."""
        is_first = asyncio.Event()
        line = self._waiting.setdefault(channel_id, [])
        line.append(is_first)
        line[0].set()
        try:
            yield is_first
        finally:
            line.remove(is_first)
            if line:
                line[0].set()
            else:
                del self._waiting[channel_id]
