"""Whatever Discord answers, or does not, to what a personality says: it stands there once."""

from collections.abc import AsyncIterator, Callable

import pytest

from bot.sandbox.discord import Channel
from tests.client.conftest import World

EXECUTE = "/webhooks/{webhook_id}/{webhook_token}"
WRITE = "/channels/{channel_id}/messages"
PARTS = ["a" * 1500, "b" * 1500, "c" * 1500]


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    """Mira is logged in, verified and has added Lilith, called lil, who has spoken before and gives long answers."""
    async with world.bot():
        await world.settle()
        await world.hears("@lil hello")
        world.ai.answers = lambda _: "\n\n".join(PARTS)
        yield world


async def said(world: World, channel: Channel, ask: str = "@lil tell me") -> list[str]:
    """Everything said to it, once a command after it was answered too."""
    asked = await world.say(ask, channel=channel)
    await world.discord.wait_for_message(channel, asked, where=lambda m: m.content.endswith(PARTS[-1]))
    pong = await world.hears("!tz ping", channel=channel)
    return [text for text in world.spoken(channel, asked) if text != pong.content]


@pytest.mark.parametrize("status", [500, 502, 503, 504, None])
@pytest.mark.parametrize("part", [0, 1, 2])
async def test_what_discord_took_without_saying_so_is_not_sent_again(
    home: World, status: int | None, part: int
) -> None:
    for _ in range(part):
        home.discord.faults.delay("POST", EXECUTE, 0)
    home.discord.faults.lose_answer("POST", EXECUTE, status)
    assert await said(home, home.channel) == PARTS


@pytest.mark.parametrize("part", [0, 2])
async def test_what_discord_did_not_take_is_sent_again(home: World, part: int) -> None:
    for _ in range(part):
        home.discord.faults.delay("POST", EXECUTE, 0)
    home.discord.faults.fail("POST", EXECUTE, 502)
    assert await said(home, home.channel) == PARTS


async def test_one_failure_after_the_other_adds_and_loses_nothing(home: World) -> None:
    home.discord.faults.fail("POST", EXECUTE, 500)
    home.discord.faults.lose_answer("POST", EXECUTE, 502)
    home.discord.faults.fail("POST", EXECUTE, 503)
    home.discord.faults.lose_answer("POST", EXECUTE)
    home.discord.faults.lose_answer("POST", EXECUTE, 504)
    assert await said(home, home.channel) == PARTS


async def test_what_discord_took_and_did_not_confirm_in_time_is_not_sent_again(world: World) -> None:
    world.overrides["discord_timeout_seconds"] = 0.5
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("@lil hello")
        world.ai.answers = lambda _: "\n\n".join(PARTS)
        world.discord.faults.delay("POST", EXECUTE, 3)
        assert await said(world, world.channel) == PARTS


async def test_a_thread_is_looked_through_by_itself(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    home.discord.faults.lose_answer("POST", EXECUTE, 502)
    assert await said(home, thread) == PARTS


async def test_the_same_words_said_before_are_not_taken_for_it(home: World) -> None:
    assert await said(home, home.channel) == PARTS
    home.discord.faults.fail("POST", EXECUTE, 502)
    assert await said(home, home.channel) == PARTS


@pytest.mark.parametrize("lose", [lambda f: f.lose_answer("POST", WRITE, 502), lambda f: f.lose_answer("POST", WRITE)])
async def test_in_a_direct_message_it_stands_once_too(home: World, lose: Callable[[object], object]) -> None:
    channel = home.discord.dm_channel(home.mira)
    lose(home.discord.faults)
    assert await said(home, channel) == [f"**Lilith:** {part}" for part in PARTS]


async def test_a_rate_limit_is_waited_out(home: World) -> None:
    for _ in range(2):
        home.discord.faults.limit("POST", EXECUTE, 0.05)
    asked = len(home.discord.requests)
    assert await said(home, home.channel) == PARTS
    sent = [request.status for request in home.discord.requests[asked:] if request.route == EXECUTE]
    assert sent == [429, 429, 200, 200, 200]


async def test_while_the_channel_cannot_be_looked_through_nothing_is_sent_on_suspicion(home: World) -> None:
    home.discord.faults.lose_answer("POST", EXECUTE, 502)
    home.discord.faults.fail("GET", WRITE, 400).repeat(2)
    assert await said(home, home.channel) == PARTS


async def test_a_discord_that_takes_nothing_is_given_up_with_a_sentence(home: World) -> None:
    home.overrides["send_attempts"] = 5
    home.discord.faults.fail("POST", EXECUTE, 502).repeat(5)
    asked = len(home.discord.requests)
    assert "Try again later" in (await home.hears("@lil tell me")).content
    assert sum(request.route == EXECUTE for request in home.discord.requests[asked:]) == 5
