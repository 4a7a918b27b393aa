"""The bot is killed in the middle of a turn and started again: one whole answer, and one paid for."""

import discord
import pytest

from bot.sandbox.discord import Channel, Message
from tests.client.conftest import PATIENCE_SECONDS, World, connected

EXECUTE = "/webhooks/{webhook_id}/{webhook_token}"
WRITE = "/channels/{channel_id}/messages"
PARTS = ["a" * 1500, "b" * 1500, "c" * 1500]
FOREVER_SECONDS = 3600.0


@pytest.fixture
async def home(world: World) -> World:
    """Mira is logged in, verified and has added Lilith, called lil, who gives long answers."""
    async with world.bot():
        await world.settle()
    world.ai.answers = lambda _: "\n\n".join(PARTS)
    world.ai.calls.clear()
    return world


async def spoken(world: World, channel: Channel, after: Message) -> list[str]:
    """Everything said after it, once a further question has been answered: recovery stands before that in line."""
    world.ai.answers = lambda _: "the end"
    asked = await world.say("@lil anything else?", channel=channel)
    await world.discord.wait_for_message(
        channel, asked, timeout_seconds=PATIENCE_SECONDS, where=lambda m: m.content.endswith("the end")
    )
    found = [m for m in world.discord.messages(channel) if m.id > after.id and (m.webhook_id or m.author.is_bot)]
    return [m.content for m in found]


async def test_killed_while_the_ai_thinks_it_asks_again_and_answers(home: World) -> None:
    home.ai.faults.hang()
    async with connected(home):
        said = await home.say("@lil hello")
        await home.ai.wait_for_calls(1, route="chat")
    async with connected(home):
        await home.ai.wait_for_calls(2, route="chat")
        assert await spoken(home, home.channel, said) == [*PARTS, "the end"]
    assert [call.question for call in home.ai.calls if call.route == "chat"][:2] == ["@lil hello"] * 2
    assert len([call for call in home.ai.calls if call.route == "chat"]) == 3


@pytest.mark.parametrize("shown", [1, 2, 3])
async def test_killed_before_a_sent_messages_id_is_committed_it_says_only_the_rest(home: World, shown: int) -> None:
    for _ in range(shown - 1):
        home.discord.faults.delay("POST", EXECUTE, 0)
    home.discord.faults.delay("POST", EXECUTE, FOREVER_SECONDS)
    async with connected(home):
        said = await home.say("@lil hello")
        await _shows(home, home.channel, PARTS[shown - 1])
    async with connected(home):
        assert await spoken(home, home.channel, said) == [*PARTS, "the end"]
    assert len([call for call in home.ai.calls if call.route == "chat"]) == 2


async def test_in_a_direct_message_it_says_only_the_rest_too(home: World) -> None:
    channel = home.discord.dm_channel(home.mira)
    home.discord.faults.delay("POST", WRITE, 0)
    hung = home.discord.faults.delay("POST", WRITE, FOREVER_SECONDS)
    async with connected(home):
        said = await home.say("@lil hello", channel=channel)
        await _shows(home, channel, PARTS[1])
    assert hung.times == 0
    async with connected(home):
        parts = [f"**Lilith:** {part}" for part in (*PARTS, "the end")]
        assert await spoken(home, channel, said) == parts
    assert len([call for call in home.ai.calls if call.route == "chat"]) == 2


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_thread_is_answered_even_before_its_server_is_known(
    home: World, monkeypatch: pytest.MonkeyPatch, *, is_known: bool
) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    home.ai.faults.hang()
    async with connected(home):
        said = await home.say("@lil hello", channel=thread)
        await home.ai.wait_for_calls(1, route="chat")
    if not is_known:
        monkeypatch.setattr(discord.Client, "get_channel", lambda *_: None)
        monkeypatch.setattr(discord.Guild, "get_channel", lambda *_: None)
    async with home.bot():
        assert (await home.next(thread, said)).content == PARTS[0]


async def test_a_message_deleted_while_the_bot_was_away_is_not_answered(home: World) -> None:
    home.ai.faults.hang()
    async with connected(home):
        said = await home.say("@lil hello")
        await home.ai.wait_for_calls(1, route="chat")
    await home.discord.delete(said)
    async with connected(home):
        assert await spoken(home, home.channel, said) == ["the end"]
    assert len([call for call in home.ai.calls if call.route == "chat"]) == 2


async def _shows(world: World, channel: Channel, text: str) -> None:
    first = world.discord.messages(channel)[0]
    await world.discord.wait_for_message(
        channel, first, timeout_seconds=PATIENCE_SECONDS, where=lambda m: m.content.endswith(text)
    )
