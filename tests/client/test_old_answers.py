"""Answers that are a year old, or that a process before this one was about to change."""

import shutil
from datetime import timedelta

import pytest

from bot.model import snowflake_of, utc_now
from bot.sandbox.discord import Message, User
from bot.store.engine import connect, opened
from bot.store.inspection import back_up
from tests.client.conftest import World, connected
from tests.client.test_answers import DELETE, RETRY, WEBHOOK_MESSAGE, WHO, answers, is_gone, rows, stands, until

FOREVER_SECONDS = 3600.0
OLD = ("a" * 1500, "b" * 1500)
NEW = ("x" * 1500, "y" * 1500, "z" * 1500)
MAPPING = "INSERT INTO message_mappings VALUES (:id, :user_id, :channel_id, 1, 0, 0, NULL, NULL)"


@pytest.fixture
async def home(world: World) -> World:
    """Mira is logged in and has added Lilith, called lil; the bot has stopped."""
    async with world.bot():
        await world.settle()
    world.ai.answers = lambda question: f"You said: {question}"
    return world


@pytest.fixture(params=["as it is", "restored"])
def old(home: World, request: pytest.FixtureRequest) -> Message:
    """What Lilith said to Mira a year ago, through a webhook that is not there any more."""
    state = home.discord._state
    face = User(snowflake_of(utc_now()), "Lilith", is_bot=True, is_webhook=True)
    message = Message(
        snowflake_of(utc_now() - timedelta(days=365)),
        home.channel.id,
        face,
        "a year ago",
        guild_id=home.guild.id,
        webhook_id=face.id,
        application_id=state.application_id,
    )
    state.messages[home.channel.id] = {message.id: message, **state.messages[home.channel.id]}
    with opened(connect(home.database, "rw", 1)) as connection:
        connection.execute(MAPPING, {"id": message.id, "user_id": home.mira.id, "channel_id": home.channel.id})
    if request.param == "restored":
        back_up(home.database, home.database.with_name("copy.db"))
        for suffix in ("", "-wal", "-shm"):
            home.database.with_name(home.database.name + suffix).unlink(missing_ok=True)
        shutil.move(home.database.with_name("copy.db"), home.database)
    return message


async def test_a_reply_to_a_year_old_message_is_answered_by_who_spoke(home: World, old: Message) -> None:
    async with home.bot():
        answer = await home.hears("and now?", reply_to=old)
    assert answer.author_name == "Lilith"
    assert "and now?" in answer.content


async def test_of_a_year_old_message_it_is_known_whose_it_is_and_it_can_be_deleted(home: World, old: Message) -> None:
    async with home.bot():
        await home.discord.wait_for_commands()
        (card,) = (await home.discord.run_message_command(home.mira, old, WHO)).embeds
        assert card["title"] == "Lilith"
        assert f"<@{home.mira.id}>" in card["description"]
        assert "30 days" in (await home.discord.run_message_command(home.mira, old, RETRY)).content
        assert "deleted" in (await home.discord.run_message_command(home.mira, old, DELETE)).content
        assert is_gone(home, old)


@pytest.mark.parametrize("hangs", ["PATCH", "POST"])
async def test_killed_while_an_answer_is_changed_the_next_process_leaves_the_new_one_whole(
    home: World, hangs: str
) -> None:
    home.ai.answers = lambda _: "\n\n".join(OLD)
    async with home.bot():
        parts = await answers(home, 2)
    home.ai.answers = lambda _: "\n\n".join(NEW)
    asked = len(home.ai.calls)
    route = WEBHOOK_MESSAGE if hangs == "PATCH" else "/webhooks/{webhook_id}/{webhook_token}"
    fault = home.discord.faults.delay(hangs, route, FOREVER_SECONDS)
    async with connected(home):
        await home.discord.react(home.mira, parts[0], "🔁")
        await until(lambda: fault.times == 0 and (now := stands(home, parts[0])) and now.content == NEW[0])
        if hangs == "POST":
            await until(lambda: home.spoken(home.channel, parts[1]) == [NEW[2]])
    async with connected(home):
        await until(lambda: home.spoken(home.channel, parts[1]) == [NEW[2]])
        await until(lambda: not rows(home, "SELECT 1 FROM rewrites"))
    assert [now.content for part in parts if (now := stands(home, part))] == [*NEW[:2]]
    assert home.spoken(home.channel, parts[1]) == [NEW[2]]
    assert len(home.ai.calls) == asked + 1


@pytest.mark.parametrize("is_direct", [False, True])
async def test_a_copy_that_knows_only_the_old_text_says_nothing_beside_the_new_one(
    home: World, *, is_direct: bool
) -> None:
    channel = home.discord.dm_channel(home.mira) if is_direct else home.channel
    home.ai.answers = lambda _: "Once."
    async with home.bot():
        (answer,) = await answers(home, 1, channel)
        home.ai.answers = lambda _: "Twice."
        await home.discord.run_message_command(home.mira, answer, RETRY)
    with opened(connect(home.database, "rw", 1)) as connection:  # as a copy from before it was said would have it
        connection.execute("UPDATE turns SET state = 'answered', answer = 'Once.'")
        connection.execute("DELETE FROM turn_chunks")
        connection.execute("DELETE FROM message_mappings")
    home.ai.answers = lambda _: "Yes."
    async with home.bot():
        assert (await home.hears("really?", channel=channel, reply_to=answer)).content.endswith("Yes.")
    said = [m.content.removeprefix("**Lilith:** ") for m in home.discord.messages(channel) if m.id >= answer.id]
    assert said == ["Twice.", "really?", "Yes."]
