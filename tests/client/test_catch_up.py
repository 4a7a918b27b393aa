"""A gap in the gateway, and a restore that lacks the last moments: everything is answered once, in order."""

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.model import snowflake_of
from bot.sandbox.discord import Channel, Message, Permission
from bot.sandbox.discord.messages import publish
from tests.client.conftest import PATIENCE_SECONDS, World, process

HISTORY = "/channels/{channel_id}/messages"


@pytest.fixture
async def home(world: World) -> World:
    """Mira is logged in and verified, has added Lilith, called lil, and has talked to her; then the bot has stopped."""
    world.ai.answers = lambda question: f"echo {question}"
    async with world.bot():
        await world.settle()
        await world.hears("@lil hello")
        await world.hears("@lil hello", channel=world.discord.dm_channel(world.mira))
    world.ai.calls.clear()
    return world


@pytest.fixture
async def active(home: World) -> Channel:
    """A channel in which Lilith answers everything, and nobody has said anything yet."""
    channel = home.discord.add_channel(home.guild, "active", nsfw=True)
    async with home.bot():
        await home.hears("!tz activate lil", channel=channel)
    home.ai.calls.clear()
    return channel


async def caught_up(world: World, channel: Channel, after: Message) -> list[str]:
    """What was said there, once a new message, for which everything old stands in front, was answered."""
    asked = await world.say("@lil the end", channel=channel)
    await world.discord.wait_for_message(
        channel, asked, timeout_seconds=PATIENCE_SECONDS, where=lambda m: m.content.endswith("echo @lil the end")
    )
    return [text.removeprefix("**Lilith:** ") for text in world.spoken(channel, after)][:-1]


def asked(world: World) -> list[str]:
    return [call.question for call in world.ai.calls if call.route == "chat"]


def rows(world: World, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


async def test_what_was_written_while_it_was_away_is_answered_once_and_in_order(home: World) -> None:
    texts = [f"@lil number {number}" for number in range(1, 6)]
    said = [await home.say(text) for text in texts]
    async with home.bot():
        assert await caught_up(home, home.channel, said[0]) == [f"echo {text}" for text in texts]
    async with home.bot():
        assert await caught_up(home, home.channel, said[-1]) == [*[f"echo {t}" for t in texts], "echo @lil the end"]
    assert asked(home) == [*texts, "@lil the end", "@lil the end"]


async def test_every_kind_of_channel_that_matters_is_read(home: World, active: Channel) -> None:
    thread = home.discord.add_thread(active, "a quiet corner")
    dm = home.discord.dm_channel(home.mira)
    said = [
        await home.say("nobody in particular", channel=active),
        await home.say("in a thread", channel=thread),
        await home.say("@lil in private", channel=dm),
        await home.say("@lil where we talked", channel=home.channel),
    ]
    async with home.bot():
        for message in said:
            channel = home.discord._state.channels[message.channel_id]
            assert (await home.next(channel, message)).content.endswith(f"echo {message.content}")


async def test_what_nobody_should_answer_is_not_answered_late_and_no_command_is_carried_out(home: World) -> None:
    robot = home.discord.add_user("Robot", is_bot=True)
    home.discord.join(home.guild, robot)
    first = await home.say("nobody in particular")
    await home.say("@lil I am a robot", author=robot)
    await home.say("!tz ping")
    await home.say("!tz add another")
    async with home.bot():
        assert await caught_up(home, home.channel, first) == []


async def test_a_reply_that_was_missed_is_answered_by_whom_it_replies_to(home: World) -> None:
    spoken = next(m for m in home.discord.messages(home.channel) if m.webhook_id)
    said = await home.say("and then?", reply_to=spoken)
    async with home.bot():
        (answer,) = await caught_up(home, home.channel, said)
        assert answer.endswith("and then?")


async def test_what_is_older_than_the_limit_is_left_alone(home: World) -> None:
    now = datetime.now(UTC)
    old = publish(home.discord._state, home_message(home, snowflake_of(now - timedelta(minutes=16)), "@lil too late"))
    publish(home.discord._state, home_message(home, snowflake_of(now - timedelta(minutes=14)), "@lil in time"))
    set_mark(home, snowflake_of(now - timedelta(hours=1)))
    async with home.bot():
        await caught_up(home, home.channel, old)
    assert asked(home) == ["@lil in time", "@lil the end"]


async def test_on_a_first_start_nothing_is_caught_up(home: World) -> None:
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("DELETE FROM gateway_marks")
    said = await home.say("@lil hello")
    async with home.bot():
        assert await caught_up(home, home.channel, said) == []


async def test_a_refusal_is_told_once_whoever_hears_the_message_again(home: World) -> None:
    stranger = home.discord.add_user("Stranger")
    home.discord.join(home.guild, stranger)
    async with home.bot():
        assert "auth start" in (await home.hears("@lil hello", author=stranger)).content
    missed = await home.say("@lil hello again", author=stranger)
    for _ in range(2):
        async with home.bot():
            found = await caught_up(home, home.channel, missed)
    refusals = [text for text in found if "auth start" in text]
    assert len(refusals) == 1
    before = next(m for m in home.discord.messages(home.channel) if m.content == "@lil hello" and m.author == stranger)
    assert sum("auth start" in text for text in home.spoken(home.channel, before)) == 2


async def test_where_it_may_not_read_any_more_the_others_are_caught_up(home: World, active: Channel) -> None:
    await home.say("nobody in particular", channel=active)
    said = await home.say("@lil hello")
    home.discord.overwrite(active, home.discord.bot_user, deny=Permission.READ_MESSAGE_HISTORY)
    async with home.bot():
        assert await caught_up(home, home.channel, said) == ["echo @lil hello"]
    assert asked(home) == ["@lil hello", "@lil the end"]


async def test_a_channel_that_discord_refuses_to_show_is_skipped_and_not_asked_for_again(home: World) -> None:
    home.discord.faults.fail("GET", HISTORY, 403)
    said = await home.say("@lil hello")
    async with home.bot():
        found = await caught_up(home, home.channel, said)
        assert found in ([], ["echo @lil hello"])  # whichever of the two channels was asked for first
    dm = home.discord.dm_channel(home.mira)
    read = [r.path for r in home.discord.requests if (r.method, r.route) == ("GET", HISTORY)]
    assert sorted(read) == sorted([f"/channels/{home.channel.id}/messages", f"/channels/{dm.id}/messages"])


async def test_a_channel_without_news_costs_no_request(home: World, active: Channel) -> None:
    home.overrides |= {"catch_up_overlap_seconds": 0.001, "edit_limit_seconds": 0.001}
    async with home.bot():
        await home.hears("@lil hello")
    before = len(home.discord.requests)
    said = await home.say("@lil hello")
    async with home.bot():
        await caught_up(home, home.channel, said)
    read = [r.path for r in home.discord.requests[before:] if (r.method, r.route) == ("GET", HISTORY)]
    assert f"/channels/{active.id}/messages" not in read
    assert f"/channels/{home.channel.id}/messages" in read


async def test_more_than_a_page_is_read(home: World) -> None:
    first = await home.say("chatter")
    for _ in range(120):
        await home.say("chatter")
    await home.say("@lil hello")
    async with home.bot():
        assert await caught_up(home, home.channel, first) == ["echo @lil hello"]


async def test_messages_that_arrive_while_it_reads_stand_behind_the_missed_ones(home: World) -> None:
    first = await home.say("@lil one")
    home.discord.faults.delay("GET", HISTORY, 0.3)
    async with home.bot():
        for text in ("@lil two", "@lil three"):
            await home.say(text)
        assert await caught_up(home, home.channel, first) == ["echo @lil one", "echo @lil two", "echo @lil three"]
    assert asked(home) == ["@lil one", "@lil two", "@lil three", "@lil the end"]


@pytest.fixture
def quick_identify(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the client begin another session at once, where it waits 5 s for Discord's sake."""

    async def hook(client: discord.Client, shard_id: int | None, *, initial: bool = False) -> None:
        pass

    monkeypatch.setattr(discord.Client, "before_identify_hook", hook)


@pytest.mark.usefixtures("quick_identify")
async def test_a_session_that_is_invalidated_while_it_runs_leaves_no_gap(home: World) -> None:
    async with home.bot():
        first = await home.hears("@lil before")
        sessions = home.discord.session_count
        home.discord.invalidate_session()
        for text in ("@lil one", "@lil two"):
            await home.say(text)
        await home.discord.wait_for_session(sessions, timeout_seconds=PATIENCE_SECONDS)
        assert await caught_up(home, home.channel, first) == ["echo @lil one", "echo @lil two"]
    assert asked(home) == ["@lil before", "@lil one", "@lil two", "@lil the end"]


@pytest.mark.usefixtures("quick_identify")
async def test_an_activation_does_not_reach_back_to_what_was_said_before_it(home: World) -> None:
    home.overrides["catch_up_overlap_seconds"] = 0.001
    async with home.bot():
        first = await home.hears("@lil before")
        await home.say("nobody is meant")
        await home.hears("!tz ping")
        await home.hears("!tz activate lilith")
        sessions = home.discord.session_count
        home.discord.invalidate_session()
        await home.discord.wait_for_session(sessions, timeout_seconds=PATIENCE_SECONDS)
        assert "echo nobody is meant" not in await caught_up(home, home.channel, first)


@pytest.mark.usefixtures("quick_identify")
async def test_an_answer_that_discord_did_not_take_in_an_outage_is_said_in_the_next_session(home: World) -> None:
    home.overrides["send_attempts"] = 1
    async with home.bot():
        home.discord.faults.fail("POST", "/webhooks/{webhook_id}/{webhook_token}", 503)
        said = await home.say("@lil hello")
        assert "Try again later" in (await home.next(home.channel, said)).content
        sessions = home.discord.session_count
        home.discord.invalidate_session()
        await home.discord.wait_for_session(sessions, timeout_seconds=PATIENCE_SECONDS)
        assert (await caught_up(home, home.channel, said))[1:] == ["echo @lil hello"]
    assert asked(home) == ["@lil hello", "@lil the end"]


@pytest.mark.parametrize("is_bulk", [False, True])
async def test_a_message_deleted_while_the_ai_thinks_gets_no_answer(home: World, *, is_bulk: bool) -> None:
    home.ai.faults.delay(0.3)
    async with home.bot():
        said = await home.say("@lil hello")
        await home.ai.wait_for_calls(1, route="chat")
        await (home.discord.delete_many(home.channel, [said]) if is_bulk else home.discord.delete(said))
        assert await caught_up(home, home.channel, said) == []
    assert rows(home, "SELECT state, failure FROM turns WHERE failure IS NOT NULL") == [("failed", "Deleted")]


async def test_a_killed_process_leaves_its_gap_to_the_next(home: World) -> None:
    async with process(home):
        await home.discord.wait_for_session(home.discord.session_count, timeout_seconds=PATIENCE_SECONDS)
        first = await home.hears("@lil before")
    said = [await home.say(f"@lil number {number}") for number in (1, 2, 3)]
    home.ai.faults.hang()
    async with process(home):  # killed in the middle of catching up, too
        await home.discord.wait_for_session(home.discord.session_count, timeout_seconds=PATIENCE_SECONDS)
        await home.ai.wait_for_calls(2, route="chat")
    async with home.bot():
        assert await caught_up(home, home.channel, first) == [f"echo {message.content}" for message in said]


@pytest.mark.parametrize("where", ["channel", "thread", "direct message"])
async def test_answers_that_a_restore_has_forgotten_are_adopted_and_not_given_again(home: World, where: str) -> None:
    channel = home.channel
    if where == "thread":
        channel = home.discord.add_thread(home.channel, "a quiet corner")
        async with home.bot():
            await home.hears("@lil hello", channel=channel)
    elif where == "direct message":
        channel = home.discord.dm_channel(home.mira)
    long = "\n\n".join(letter * 1500 for letter in "abc")
    saved = home.database.parent.with_name("saved")
    shutil.copytree(home.database.parent, saved)
    async with home.bot():
        home.ai.answers = lambda question: long if "long" in question else f"echo {question}"
        first = await home.say("@lil a long story", channel=channel)
        second = await home.say("@lil a short one", channel=channel)
        third = await home.discord.wait_for_message(channel, second, where=lambda m: m.content.endswith("short one"))
        reply = await home.say("and then?", channel=channel, reply_to=third)
        await home.next(channel, reply)
    before = home.spoken(channel, first)
    unanswered = await home.say("@lil still there?", channel=channel)
    put_back(saved, home.database.parent)
    home.ai.calls.clear()
    async with home.bot():
        after = await caught_up(home, channel, first)
    assert after == [text.removeprefix("**Lilith:** ") for text in before] + ["echo @lil still there?"]
    assert asked(home) == ["@lil still there?", "@lil the end"]
    wanted = [(first.id, 3), (second.id, 1), (reply.id, 1), (unanswered.id, 1)]
    sql = "SELECT turn_id, count(*) FROM turn_chunks WHERE turn_id >= {} GROUP BY turn_id ORDER BY turn_id"
    assert rows(home, sql.format(first.id))[:-1] == wanted
    assert {row[0] for row in rows(home, "SELECT state FROM turns")} == {"done"}


def put_back(saved: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(saved, folder)


def home_message(home: World, message_id: int, content: str) -> Message:
    return Message(message_id, home.channel.id, home.mira, content, guild_id=home.guild.id)


def set_mark(home: World, message_id: int) -> None:
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute("UPDATE gateway_marks SET message_id = ?", (message_id,))


async def test_what_was_too_much_in_a_gap_is_not_answered_after_the_next_one_either(home: World) -> None:
    home.overrides["user_rate_limit"] = 4  # of which two were answered before
    said = [await home.say(f"@lil number {number}") for number in range(4)]
    for _ in range(2):
        async with home.bot():
            told = await home.discord.wait_for_message(
                home.channel, said[-1], timeout_seconds=PATIENCE_SECONDS, where=lambda m: "a lot at once" in m.content
            )
            assert (await home.hears("!tz ping", author=home.guild.owner)).content
    assert asked(home) == ["@lil number 0", "@lil number 1"]
    assert told.reply_to_id == said[2].id
