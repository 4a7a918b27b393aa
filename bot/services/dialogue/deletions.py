"""Which messages were deleted while their answer was under way."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from bot.services.recent import Recent

REMEMBERED_DELETIONS = 10_000


@dataclass(slots=True, eq=False)
class Deletions:
    """Remembers the last deletions of all channels, which is more than happen while an answer is thought of."""

    _ids: Recent[int, None] = field(default_factory=lambda: Recent(REMEMBERED_DELETIONS), init=False, repr=False)
    _news: asyncio.Event = field(default_factory=asyncio.Event, init=False, repr=False)

    def note(self, message_ids: Iterable[int]) -> None:
        """These messages are gone."""
        for message_id in message_ids:
            self._ids[message_id] = None
        self._news.set()
        self._news = asyncio.Event()

    async def wait(self, message_ids: Collection[int], count: int, timeout_seconds: float) -> bool:
        """Wait until that many of the messages are gone; False if they are not by then."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while sum(message_id in self._ids for message_id in message_ids) < count:
                    await self._news.wait()
        except TimeoutError:
            return False
        return True

    def __contains__(self, message_id: int) -> bool:
        """Whether the message was deleted a short while ago."""
        return message_id in self._ids
