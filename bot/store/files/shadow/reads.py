"""Which reads the store served lately: noted for shadow mode, in memory only, for parameters hold what users wrote."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.store.statement import Query, Value

NEWEST = 32
"""How many reads of each statement are kept, so that a frequent one leaves room for the others."""

STATEMENTS = 256
"""How many different statements are kept; more are only there if SQL is made up as it goes."""


@dataclass(frozen=True, slots=True, repr=False)
class Read:
    """A statement as it was read, with its parameters."""

    sql: str
    parameters: Mapping[str, Value]


class Reads:
    """Notes on the event loop, which costs a look-up and an append; taken away by another thread."""

    def __init__(self) -> None:
        self._by_sql: _Noted = {}

    def note(self, query: Query[Any]) -> None:
        """Remember this read."""
        noted = self._by_sql.get(query.sql)
        if noted is None:
            if len(self._by_sql) >= STATEMENTS:
                return
            noted = self._by_sql[query.sql] = deque(maxlen=NEWEST)
        noted.append(query.parameters)

    def take(self) -> list[Read]:
        """What was noted since the last time, each read once."""
        taken, self._by_sql = self._by_sql, {}
        # list() before anything else: the event loop may still append to one that it has just looked up.
        return [Read(sql, parameters) for sql, noted in list(taken.items()) for parameters in _distinct(list(noted))]


_Parameters: TypeAlias = Mapping[str, Value]
_Noted: TypeAlias = dict[str, deque[_Parameters]]


def _distinct(noted: list[_Parameters]) -> list[_Parameters]:
    return list({tuple(parameters.items()): parameters for parameters in noted}.values())
