"""Which answers are taken away, and whose turn it is to touch an answer's messages."""

import asyncio
from dataclasses import dataclass, field

from bot.services.locks import Locks
from bot.services.recent import Recent

REMEMBERED = 10_000


@dataclass(slots=True, eq=False)
class Withdrawals:
    """Answers by their turn's id.

    Whoever says an answer, changes it or takes it away holds its lock. One that is taken away is noted before the lock
    is asked for, so that whoever has it stops after the message at hand.
    """

    _noted: Recent[int, None] = field(default_factory=lambda: Recent(REMEMBERED), init=False, repr=False)
    _locks: Locks = field(default_factory=Locks, init=False, repr=False)

    def note(self, turn_id: int) -> None:
        """This answer is not wanted any more."""
        self._noted[turn_id] = None

    def take_back(self, turn_id: int) -> None:
        """It stays, because it could not be taken away."""
        self._noted.pop(turn_id, None)

    def __contains__(self, turn_id: int) -> bool:
        """Whether the answer was taken away a short while ago."""
        return turn_id in self._noted

    def lock_of(self, turn_id: int) -> asyncio.Lock:
        """The lock of whoever touches the answer."""
        return self._locks.of(turn_id)
