"""What was said a moment ago is not said again."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.model import Clock

REMEMBERED = 1000


@dataclass(slots=True, eq=False)
class OnceInAWhile:
    """Lets the same be said to the same person only once per interval; what it knows ends with the process."""

    clock: Clock
    _said: dict[tuple[object, ...], datetime] = field(default_factory=dict, init=False, repr=False)

    def may_say(self, interval: timedelta, *what: object) -> bool:
        """Whether it was not said within the interval; then it counts as said now."""
        now = self.clock()
        said_at = self._said.pop(what, None)
        if said_at is not None and now - said_at < interval:
            self._said[what] = said_at
            return False
        self._said[what] = now
        if len(self._said) > REMEMBERED:
            del self._said[next(iter(self._said))]
        return True
