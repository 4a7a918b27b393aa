"""How much one person may ask, and how much is answered in one channel: so many in any stretch of time.

What is counted has an id of Discord's, which says when it was written. So messages count by that time, in whatever
order they are heard, and one that is heard twice counts once.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from bot.errors import NotAllowedError
from bot.model import snowflake_of, snowflake_time


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` in any stretch of `interval`; the ids of what counted are given in their order."""

    limit: int
    interval: timedelta

    def admits(self, counted: Sequence[int], new: int) -> bool:
        """Whether one more keeps the limit: in no stretch with it there are more. What counted already is no more."""
        near = self.near(counted, new)
        if new in near:
            return True
        near.insert(bisect_left(near, new), new)
        pairs = zip(near, near[self.limit :], strict=False)
        return all(snowflake_time(last) - snowflake_time(first) >= self.interval for first, last in pairs)

    def add(self, counted: Sequence[int], new: int) -> list[int]:
        """What is to be remembered with the new one: nothing that is too long ago to matter to it."""
        start = bisect_right(counted, snowflake_of(snowflake_time(new) - self.interval))
        kept = [*counted[start:]]
        if new not in kept:
            kept.insert(bisect_left(kept, new), new)
        return kept

    def near(self, counted: Sequence[int], new: int) -> list[int]:
        """What is less than the interval before or after it."""
        moment = snowflake_time(new)
        end = bisect_left(counted, snowflake_of(moment + self.interval))
        start = bisect_left(counted, snowflake_of(moment - self.interval + timedelta(milliseconds=1)))
        return [*counted[start:end]]

    def free_at(self, counted: Sequence[int], new: int) -> datetime:
        """When the next one will be admitted, if nothing else counts until then."""
        return snowflake_time(self.near(counted, new)[-self.limit]) + self.interval


def too_much_of_user(free_at: datetime) -> NotAllowedError:
    """What somebody is told who asks for more than one person can read."""
    return NotAllowedError(
        "That was a lot at once, and I lost track.", remedy=f"I am all yours again {_when(free_at)}."
    )


def too_much_in_channel(free_at: datetime) -> NotAllowedError:
    """What is said where more is asked than a channel can hold."""
    sentence = "So much is asked in this channel that I can't answer all of it."
    return NotAllowedError(sentence, remedy=f"I go on {_when(free_at)}.")


def _when(moment: datetime) -> str:
    """As Discord shows it to each reader, counting down; never a second too early."""
    return f"<t:{ceil(moment.timestamp())}:R>"
