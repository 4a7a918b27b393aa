"""Lists that are shown ten entries at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.rules.commands.pages import turn_to
from bot.store.statement import Query, Store

T = TypeVar("T")

PAGE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Up to ten entries of a list; `number` counts from 1, `pages` is at least 1."""

    entries: tuple[T, ...]
    number: int
    pages: int
    total: int


async def read_page(store: Store, number: int, count: Query[int], entries: Callable[[int, int], Query[T]]) -> Page[T]:
    """A page of a list; `entries` takes a limit and an offset. For a number beyond an end, that end."""
    total = sum(await store.fetch(count))
    number, pages = turn_to(number, total, PAGE_LENGTH)
    found = await store.fetch(entries(PAGE_LENGTH, (number - 1) * PAGE_LENGTH))
    return Page(tuple(found), number, pages, total)
