"""`purgbot` on the wire."""

from time import monotonic

import pytest

from bot.sandbox.discord import Channel, Message
from tests.client.conftest import PATIENCE_SECONDS, World

DELETE = "/channels/{channel_id}/messages/{message_id}"
YES, NO = "Delete them", "Keep them"


async def chatter(world: World, dm: Channel, count: int) -> list[Message]:
    """Messages of the bot in the direct messages, each after one of Mira's."""
    return [await world.hears("!tz help", channel=dm) for _ in range(count)]


def ids(world: World, dm: Channel) -> set[int]:
    return {message.id for message in world.discord.messages(dm)}


async def changed_to(world: World, dm: Channel, message: Message, text: str) -> None:
    """Wait until the message says this."""
    await world.discord.wait_until(
        lambda: any(m.id == message.id and text in m.content for m in world.discord.messages(dm)),
        timeout_seconds=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize("typed", ["x", "all", "2 3", "2x"])
async def test_what_is_no_number_deletes_nothing(world: World, typed: str) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.log_in()
        kept = ids(world, dm)
        assert "`!tz purgbot [COUNT]`" in (await world.hears(f"!tz purgbot {typed}", channel=dm)).content
        assert kept < ids(world, dm)


async def test_a_few_messages_go_without_a_question_and_nobody_elses(world: World) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.log_in()
        await world.hears("!tz verify")
        await world.add()
        answer = await world.hears("@lil hello", channel=dm)
        mine = ids(world, dm) - {m.id for m in world.discord.messages(dm) if m.author == world.discord.bot_user}
        progress = await world.hears("!tz purgbot", channel=dm)
        await changed_to(world, dm, progress, "I have deleted 2 messages of mine.")
        assert answer.id not in ids(world, dm)
        assert mine < ids(world, dm)
        assert "no message of mine" not in (await world.hears("!tz purgbot 1", channel=dm)).content


async def test_many_messages_go_after_a_yes_and_stay_after_a_no(world: World) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.log_in()
        spoken = await chatter(world, dm, 7)
        question = await world.hears("!tz purgbot", channel=dm)
        assert "Shall I delete 8 messages of mine here" in question.content
        await world.discord.press(world.mira, question, NO)
        assert {m.id for m in spoken} <= ids(world, dm)
        question = await world.hears("!tz purgbot 7", channel=dm)
        world.discord.faults.limit("DELETE", DELETE, 0.02)
        await world.discord.press(world.mira, question, YES)
        await changed_to(world, dm, question, "I have deleted 7 messages of mine.")
        assert len({m.id for m in spoken} & ids(world, dm)) == 1


async def test_with_a_slash_its_author_alone_sees_it(world: World) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        done = await world.discord.run_command(world.mira, dm, "purgbot", {})
        assert done.message.is_ephemeral
        await world.discord.wait_until(lambda: not ids(world, dm) & {m.id for m in spoken_in(world, dm)})
        assert "no message" in (await world.discord.run_command(world.mira, dm, "purgbot", {})).content


def spoken_in(world: World, dm: Channel) -> list[Message]:
    return [m for m in world.discord.messages(dm) if m.author == world.discord.bot_user and not m.is_ephemeral]


async def test_in_a_server_it_is_refused(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert "only works in a direct message" in (await world.hears("!tz purgbot")).content


async def test_a_stop_does_not_wait_for_it_and_the_next_time_goes_on(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.log_in()
        await chatter(world, dm, 3)
        world.discord.faults.delay("DELETE", DELETE, 30)
        await world.say("!tz purgbot", channel=dm)
        await world.discord.wait_until(
            lambda: any(request.method == "DELETE" for request in world.discord.requests),
            timeout_seconds=PATIENCE_SECONDS,
        )
        began = monotonic()
    assert monotonic() - began < 2
    assert "Traceback" not in caplog.text
    world.discord.faults.clear()
    left = len(spoken_in(world, dm))
    assert left > 1
    async with world.bot():
        progress = await world.hears("!tz purgbot", channel=dm)
        await changed_to(world, dm, progress, f"I have deleted {left} messages of mine.")
    assert [m.id for m in spoken_in(world, dm)] == [progress.id]
