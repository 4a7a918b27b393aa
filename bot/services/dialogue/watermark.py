"""Up to which message everything was seen, so that what comes after a gap is known."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.errors import StorageError
from bot.model import Clock, snowflake_of, utc_now
from bot.store import marks
from bot.store.statement import Store

log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Watermark:
    """Knows the newest message before which none is undecided, and keeps it in the store."""

    store: Store
    interval_seconds: float
    clock: Clock = utc_now
    _newest: int | None = field(default=None, init=False)
    _undecided: list[int] = field(default_factory=list, init=False, repr=False)
    _written: int | None = field(default=None, init=False)

    @property
    def message_id(self) -> int | None:
        """Every message up to this id has its turn, if it must be answered; None before the first message ever."""
        return min(self._undecided) - 1 if self._undecided else self._newest

    async def load(self) -> None:
        """Begin where the process before this one stopped; the first one notes when it began, lest it die unnoted."""
        self._newest = self._written = await self.store.first(marks.get())
        if self._newest is None:
            await self.store.write(marks.put(snowflake_of(self.clock()), self.clock()))

    def begin_at(self, message_id: int) -> None:
        """Where nothing was ever noted, begin here."""
        if self._newest is None:
            self._newest = message_id

    def pass_over(self, message_id: int) -> None:
        """Nothing has to be decided about this message, as about a command.

        What was decided before it is not looked at again after a gap, when the command may have changed who answers.
        """
        self._newest = max(message_id, self._newest or 0)

    @contextmanager
    def deciding(self, message_id: int) -> Iterator[None]:
        """Hold the mark before this message until its turn is committed or it is clear that there will be none.

        If the process ends in between, the mark stays there for good, and the message is read again after the start.
        """
        self._undecided.append(message_id)
        try:
            yield
        except asyncio.CancelledError:
            raise
        except BaseException:
            self._decided(message_id)
            raise
        self._decided(message_id)

    def _decided(self, message_id: int) -> None:
        self._undecided.remove(message_id)
        self.pass_over(message_id)

    async def run(self) -> None:
        """Write the mark from time to time, until cancelled."""
        while True:
            await asyncio.sleep(self.interval_seconds)
            await self.write()

    async def write(self) -> None:
        """Write the mark, if it has moved; what the database refuses is tried again next time."""
        mark = self.message_id
        if mark is None or mark == self._written:
            return
        try:
            await self.store.write(marks.put(mark, self.clock()))
        except StorageError as error:
            log.warning("It could not be noted up to which message everything was seen: %s", error.message)
        else:
            self._written = mark
