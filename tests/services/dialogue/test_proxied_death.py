"""A process that dies between any two steps of a turn whose question a proxy bot has posted again."""

# ruff: noqa: ARG002 - doubles are given more than they look at

from dataclasses import dataclass, replace

import pytest

from bot.model import NOBODY, Authorship, Heard, snowflake_of
from bot.rules.dialogue.proxying import PLURALKIT, original_of
from bot.store.cipher import Cipher
from tests.services.conftest import NSFW, USER, heard, rows
from tests.services.mortal import (
    ANSWERED,
    PARTS,
    DeathError,
    House,
    Steps,
    house,
    live_on,
    process,
)

__all__ = ["house"]

STEPS = 22
"""Two more than a turn has otherwise: that the person writes through a proxy is committed first."""
KNOWN = ANSWERED + 1
"""The number of the first copy of the database that has the answer; 1 knows of the proxy, 2 has a pending turn."""


@dataclass
class PluralKit:
    """Knows that the original was the user's."""

    original_id: int

    async def author(self, message_id: int) -> Authorship:
        return Authorship(USER, self.original_id)


@pytest.fixture
def proxied(house: House) -> House:
    """The question is a copy; its original was heard, and is gone from the channel."""
    copy = replace(house.question, author_id=NOBODY, proxy_id=PLURALKIT)
    house.question, house.channel = copy, [copy]
    house.registry = PluralKit(original_of_question(house).message_id)
    return house


def original_of_question(house: House) -> Heard:
    return heard(snowflake_of(house.clock()) - (2_000 << 22), f"[{house.question.content}]")


async def live(house: House, cipher: Cipher, steps: Steps, *, is_seen: bool) -> bool:
    """Hear the copy, with its original or without; whether it was outlived."""
    async with process(house, cipher, steps) as channels:
        if is_seen:
            original = original_of_question(house)
            channels.dialogue.authors.proxies.note(original_of(original))
            channels.dialogue.forget([original.message_id])
        try:
            await channels.dialogue.hear(house.question)
        except DeathError:
            return False
    return True


@pytest.mark.parametrize("is_seen", [True, False])
@pytest.mark.parametrize("step", range(STEPS + 1))
async def test_after_a_death_at_any_step_the_copy_is_answered_once_and_as_its_authors(
    proxied: House, cipher: Cipher, step: int, is_seen: bool
) -> None:
    has_survived = await live(proxied, cipher, Steps(last=step), is_seen=is_seen)
    is_stored = proxied.copies > KNOWN
    asked = proxied.asked
    recovered = await live_on(proxied, cipher)
    assert has_survived == (step == STEPS)
    assert proxied.said == PARTS
    assert proxied.asked == (asked if is_stored else asked + 1)
    assert (recovered.adopted, recovered.skipped) == (0, {})
    assert (await live_on(proxied, cipher)).missed == 0
    assert proxied.said == PARTS
    await is_the_users(proxied, cipher)


@pytest.mark.parametrize("step", range(STEPS + 1))
async def test_after_a_restore_that_lacks_some_commits_nothing_stands_there_twice(
    proxied: House, cipher: Cipher, step: int
) -> None:
    await live(proxied, cipher, Steps(last=step), is_seen=True)
    channel, newest = list(proxied.channel), proxied.copies - 1
    for number in range(newest):
        proxied.channel = list(channel)
        proxied.restore(number)
        said = len(proxied.said)
        await live_on(proxied, cipher)
        assert proxied.said == (PARTS if number >= KNOWN or not said else PARTS[:said])
        assert (await live_on(proxied, cipher)).missed == 0
        await is_the_users(proxied, cipher)


async def test_an_answer_to_the_original_stands_whoever_dies(house: House, cipher: Cipher) -> None:
    """The original was answered, then replaced while nobody listened."""
    assert await live(house, cipher, Steps(), is_seen=False)
    copy = replace(house.question, message_id=house.channel[-1].message_id + 1, author_id=NOBODY, proxy_id=PLURALKIT)
    house.registry = PluralKit(house.question.message_id)
    house.channel = [entry for entry in house.channel if entry != house.question] + [copy]
    house.question = copy
    assert (await live_on(house, cipher)).missed == 0
    assert house.said == PARTS
    assert house.asked == 1


async def is_the_users(house: House, cipher: Cipher) -> None:
    async with process(house, cipher, Steps()) as channels:
        store = channels.dialogue.store
        assert {row["user_id"] for row in await rows(store, "SELECT user_id FROM message_mappings")} == {USER}
        assert await rows(store, "SELECT user_id, channel_id FROM conversations") == [
            {"user_id": USER, "channel_id": NSFW.channel_id}
        ]
