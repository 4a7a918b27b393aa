"""Deleting what the bot has said in a direct message channel."""

import asyncio
from dataclasses import dataclass, field

import pytest

from bot.errors import ConflictError, InvalidInputError, UnavailableError
from bot.services.people.purge import Found, Purge, Purged
from tests.services.conftest import DM


@dataclass
class FakeMessages:
    """Messages of the bot, the newest last; `fail_at` ends it there, `kept` can't be deleted."""

    ids: list[int] = field(default_factory=lambda: list(range(1, 31)))
    kept: frozenset[int] = frozenset()
    fail_at: int = 0
    deleted: list[int] = field(default_factory=list)
    hold: asyncio.Event | None = None

    async def find(self, _channel_id: int, before_message_id: int, limit: int) -> list[int]:
        return [one for one in reversed(self.ids) if one < before_message_id][:limit]

    async def delete(self, _channel_id: int, message_id: int) -> bool:
        if self.hold:
            await self.hold.wait()
        if message_id == self.fail_at:
            raise UnavailableError("Not now.")
        if message_id in self.kept:
            return False
        self.ids.remove(message_id)
        self.deleted.append(message_id)
        return True


async def purged(messages: FakeMessages, found: Found, told: list[int]) -> Purged:
    async def progress(deleted: int) -> None:
        told.append(deleted)

    return await Purge(messages=messages, message_limit=100).delete(DM, found.message_ids, progress)


async def test_all_of_them_go_the_newest_first_and_it_is_told_how_far_that_is() -> None:
    messages, told = FakeMessages(), list[int]()
    found = await Purge(messages=messages, message_limit=100).find(DM, 26)
    assert found == Found(tuple(range(25, 0, -1)), is_all=True)
    assert await purged(messages, found, told) == Purged(25)
    assert messages.deleted == list(range(25, 0, -1))
    assert messages.ids == list(range(26, 31))
    assert told == [10, 20]


async def test_only_so_many_of_the_newest_go_as_were_asked_for() -> None:
    purge = Purge(messages=FakeMessages(), message_limit=100)
    assert await purge.find(DM, 99, 2) == Found((30, 29), is_all=True)
    for count in (0, -3):
        with pytest.raises(InvalidInputError):
            await purge.find(DM, 99, count)


async def test_one_look_has_an_end_and_says_so() -> None:
    assert not (await Purge(messages=FakeMessages(), message_limit=30).find(DM, 99)).is_all
    assert (await Purge(messages=FakeMessages(), message_limit=31).find(DM, 99)).is_all


async def test_what_is_cut_short_leaves_the_rest_to_the_next_time() -> None:
    messages = FakeMessages(fail_at=20)
    found = await Purge(messages=messages, message_limit=100).find(DM, 99)
    assert await purged(messages, found, []) == Purged(10, is_cut_short=True)
    messages.fail_at = 0
    again = await Purge(messages=messages, message_limit=100).find(DM, 99)
    assert await purged(messages, again, []) == Purged(20)
    assert sorted(messages.deleted) == list(range(1, 31))


async def test_what_discord_keeps_holds_nothing_up() -> None:
    messages = FakeMessages(kept=frozenset({7}))
    found = await Purge(messages=messages, message_limit=100).find(DM, 99)
    assert await purged(messages, found, []) == Purged(29, 1)


async def test_two_at_once_are_one() -> None:
    messages = FakeMessages(hold=asyncio.Event())
    purge = Purge(messages=messages, message_limit=100)

    async def quiet(_: int) -> None: ...

    first = asyncio.create_task(purge.delete(DM, (3, 2), quiet))
    await asyncio.sleep(0)
    with pytest.raises(ConflictError):
        await purge.delete(DM, (3, 2), quiet)
    assert messages.hold is not None
    messages.hold.set()
    assert await first == Purged(2)
    assert await purge.delete(DM, (1,), quiet) == Purged(1)
