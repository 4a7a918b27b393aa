"""What was said a moment ago is not said again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Clock
from bot.services.recent import Recent

REMEMBERED = 1000


@dataclass(slots=True, eq=False)
class OnceInAWhile:
    """Lets the same be said to the same person only once per interval; what it knows ends with the process."""

    clock: Clock
    _said: Recent[tuple[object, ...], datetime] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Nothing was said yet."""
        self._said = Recent(REMEMBERED)

    def may_say(self, interval: timedelta, *what: object) -> bool:
        """Whether it was not said within the interval; then it counts as said now."""
        now = self.clock()
        said_at = self._said.get(what)
        if said_at is not None and now - said_at < interval:
            return False
        self._said[what] = now
        return True
