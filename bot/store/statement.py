"""What repositories return and the driver runs: SQL with named parameters, nothing executed yet."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

Value = str | int | float | bytes | None
"""What SQLite stores in a STRICT table."""

T = TypeVar("T")


class Row(Protocol):
    """One row of a result, by column name."""

    def __getitem__(self, column: str, /) -> Any:
        """The column's value; IndexError if the result has no such column."""

    def __iter__(self) -> Iterator[Any]:
        """The values, in the columns' order."""

    def keys(self) -> list[str]:
        """The result's column names, in order."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement that writes, with its parameters bound by name."""

    sql: str
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """One SQL statement that reads, and how a row of it becomes a value."""

    sql: str
    read: Callable[[Row], T]
    parameters: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a written statement did: rows of its RETURNING clause, and how many rows it changed."""

    rows: list[Row]
    count: int


class Store(Protocol):
    """The state, as everything above the driver sees it.

    Every method raises `StorageError` for what the engine reports, `BusyError` for a lock held too long,
    `ConflictError` for a violated key or constraint, `InvalidInputError` for NUL or lone surrogates in text.
    """

    async def write(self, *statements: Statement) -> list[Outcome]:
        """Run the statements as one transaction; return after COMMIT, or raise with none of them done."""

    async def fetch(self, query: Query[T]) -> list[T]:
        """All values of a query, from a connection that cannot write."""

    async def first(self, query: Query[T]) -> T | None:
        """The first value of a query, or None."""

    async def look_up(self, query: Query[T]) -> list[T]:
        """Like `fetch`, for the message hot path: key look-ups of microseconds, run on the event loop itself."""
