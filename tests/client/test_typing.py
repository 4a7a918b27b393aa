"""The typing indicator: from the moment at which someone's turn has come until the answer is there, or will not be."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.discord import Channel
from tests.client.conftest import World

TYPING = "/channels/{channel_id}/typing"


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    """Mira is logged in and verified, and has added Lilith, called lil."""
    world.ai.answers = lambda question: f"echo {question}"
    world.overrides["typing_interval_seconds"] = 0.02
    async with world.bot():
        await world.settle()
        yield world


@pytest.fixture(params=["channel", "thread", "dm"])
def place(home: World, request: pytest.FixtureRequest) -> Channel:
    if request.param == "dm":
        return home.discord.dm_channel(home.mira)
    return home.channel if request.param == "channel" else home.discord.add_thread(home.channel, "corner")


def shown(world: World, channel: Channel) -> list[int]:
    return [typing.id for typing in world.discord.typing if typing.channel_id == channel.id]


async def is_over(world: World, channel: Channel) -> bool:
    """Whether it shows no more while messages elsewhere are answered, which takes longer than its interval."""
    other = world.discord.add_channel(world.guild, "elsewhere", nsfw=True)
    counts: list[int] = []
    world.ai.faults.delay(0.1, times=2)
    for _ in range(2):
        await world.hears("@lil hello", channel=other)
        counts.append(len(shown(world, channel)))
    return counts[0] == counts[1]


async def test_it_shows_again_and_again_until_the_answer_is_there_and_then_no_more(home: World, place: Channel) -> None:
    release = home.ai.faults.hold()
    said = await home.say("@lil hello", channel=place)
    await home.discord.wait_until(lambda: len(shown(home, place)) > 3)
    assert not home.spoken(place, said)
    release.set()
    await home.next(place, said)
    assert await is_over(home, place)


async def test_it_ends_when_the_ai_service_fails(home: World) -> None:
    release = home.ai.faults.hold()
    home.ai.faults.fail(503)
    first = await home.say("@lil hello")
    await home.discord.wait_until(lambda: shown(home, home.channel))
    release.set()
    answer = await home.next(home.channel, first)
    assert answer.webhook_id
    assert not (await home.hears("@lil hello again")).webhook_id
    assert await is_over(home, home.channel)


async def test_one_that_discord_does_not_take_is_followed_by_others(home: World) -> None:
    home.discord.faults.fail("POST", TYPING, 400)
    release = home.ai.faults.hold()
    said = await home.say("@lil hello")
    await home.discord.wait_until(lambda: len(shown(home, home.channel)) > 1)
    release.set()
    assert (await home.next(home.channel, said)).content == "echo @lil hello"


async def test_a_message_that_is_for_nobody_or_may_not_be_answered_shows_none(home: World) -> None:
    stranger = home.discord.add_user("Stranger")
    home.discord.join(home.guild, stranger)
    await home.say("nobody in particular")
    await home.hears("@lil hello", author=stranger)
    assert shown(home, home.channel) == []
