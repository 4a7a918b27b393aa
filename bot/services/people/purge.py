"""Taking away what the bot has said in a direct message channel."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bot.errors import ConflictError, InvalidInputError, UnavailableError
from bot.model import Place
from bot.services.ports import OwnMessages

Progress = Callable[[int], Awaitable[None]]
PROGRESS_STEP = 10


@dataclass(frozen=True, slots=True)
class Found:
    """The messages to delete, the newest first; `is_all` unless there may be older ones."""

    message_ids: tuple[int, ...]
    is_all: bool


@dataclass(frozen=True, slots=True)
class Purged:
    """How many are gone, how many Discord kept, and whether it stopped answering before the end."""

    deleted: int
    kept: int = 0
    is_cut_short: bool = False


@dataclass(slots=True, kw_only=True)
class Purge:
    """Deletes one message after the other, and keeps no record of it: whoever is cut short just begins again.

    Who spoke a message stays known, as does whom a question was answered for: nothing is answered a second time.
    """

    messages: OwnMessages
    message_limit: int
    _running: set[int] = field(default_factory=set, init=False)

    async def find(self, place: Place, before_message_id: int, count: int | None = None) -> Found:
        """The bot's messages there before that one, at most `count`. Raises InvalidInputError or UnavailableError."""
        if count is not None and count < 1:
            raise InvalidInputError("Give the number of messages that shall go, or none for all of them.")
        found = await self.messages.find(place.channel_id, before_message_id, self.message_limit)
        wanted = found if count is None else found[:count]
        return Found(tuple(wanted), is_all=count is not None or len(found) < self.message_limit)

    async def delete(self, place: Place, message_ids: Sequence[int], progress: Progress) -> Purged:
        """Delete them; `progress` is told now and then how many are gone. Raises ConflictError where one is at it."""
        if place.channel_id in self._running:
            raise ConflictError("I am already deleting my messages here.", remedy="Wait until that is done.")
        self._running.add(place.channel_id)
        try:
            return await self._delete(place, message_ids, progress)
        finally:
            self._running.discard(place.channel_id)

    async def _delete(self, place: Place, message_ids: Sequence[int], progress: Progress) -> Purged:
        deleted = kept = 0
        for message_id in message_ids:
            try:
                is_gone = await self.messages.delete(place.channel_id, message_id)
            except UnavailableError:
                return Purged(deleted, kept, is_cut_short=True)
            deleted, kept = deleted + is_gone, kept + (not is_gone)
            if is_gone and deleted % PROGRESS_STEP == 0 and deleted < len(message_ids):
                await progress(deleted)
        return Purged(deleted, kept)
