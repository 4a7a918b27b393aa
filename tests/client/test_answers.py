"""What people do with a personality's message by a reaction or from its context menu, through the real client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from functools import partial
from typing import Any

import pytest

from bot.sandbox.discord import Channel, Message, Permission, User
from bot.store.engine import connect_reader
from tests.client.conftest import PATIENCE_SECONDS, World
from tests.client.test_help import whole_help

MENUS = ["Delete answer", "Who is this?", "Try again"]
DELETE, WHO, RETRY = MENUS
PARTS = ["a" * 1500, "b" * 1500, "c" * 1500]
LONG = "\n\n".join(PARTS)
WEBHOOK_MESSAGE = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    """Mira, who may not manage messages, is logged in and verified and has added Lilith, called lil."""
    async with world.bot():
        await world.settle()
        world.discord.set_permissions(world.guild, world.mira, Permission.NONE)
        world.ai.answers = lambda _: "Once."
        yield world


@pytest.fixture
def theo(world: World) -> User:
    theo = world.discord.add_user("Theo")
    world.discord.join(world.guild, theo)
    return theo


@pytest.fixture
def moderator(world: World) -> User:
    moderator = world.discord.add_user("Ines")
    world.discord.join(world.guild, moderator, permissions=Permission.MANAGE_MESSAGES)
    return moderator


async def until(look: Callable[[], Any]) -> Any:
    """What `look` returns when it is something: of the database nobody tells that it has changed."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not (found := look()):  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.005)
        return found


def stands(world: World, message: Message) -> Message | None:
    """The message as it stands now; None where it is gone."""
    channel = world.discord._state.channels[message.channel_id]
    return next((m for m in world.discord.messages(channel) if m.id == message.id), None)


def is_gone(world: World, message: Message) -> bool:
    return stands(world, message) is None


async def answers(world: World, count: int, channel: Channel | None = None) -> list[Message]:
    """The messages of Lilith's answer to a question that Mira asks."""
    channel = channel or world.channel
    said = await world.say("@lil hello", channel=channel)
    await until(lambda: len(world.spoken(channel, said)) == count)
    found = [m for m in world.discord.messages(channel) if m.id > said.id]
    await settled(world, found[-1])
    return found


def rows(world: World, sql: str) -> list[dict[str, Any]]:
    with closing(connect_reader(world.database, 1)) as connection:
        return [{key: row[key] for key in row.keys()} for row in connection.execute(sql)]  # noqa: SIM118


async def nothing_happens(world: World) -> None:
    """The bot has heard everything that was said to it before, and said nothing about it."""
    said = await world.say("nobody in particular")
    pong = await world.hears("!tz ping")
    assert [m.id for m in world.discord.messages(world.channel) if m.id > said.id and m.author.is_bot] == [pong.id]


async def settled(world: World, message: Message) -> None:
    """The turn that said the message is done."""
    chunk = f"SELECT turn_id FROM turn_chunks WHERE message_id = {message.id}"  # noqa: S608
    await until(lambda: rows(world, f"SELECT 1 FROM turns WHERE state = 'done' AND message_id IN ({chunk})"))  # noqa: S608


# --- delete


@pytest.mark.parametrize("emoji", ["❌", "🗑️"])
async def test_the_person_it_answered_deletes_the_whole_answer_by_a_reaction(home: World, emoji: str) -> None:
    home.ai.answers = lambda _: LONG
    parts = await answers(home, 3)
    await home.discord.react(home.mira, parts[1], emoji)
    await until(lambda: not any(stands(home, part) for part in parts))
    assert rows(home, "SELECT * FROM changes WHERE kind = 'message'") == []
    await until(lambda: not rows(home, "SELECT * FROM rewrites"))
    assert len(rows(home, "SELECT * FROM message_mappings")) == 3


async def test_a_moderator_deletes_it_too_and_that_is_on_record(home: World, moderator: User) -> None:
    (answer,) = await answers(home, 1)
    await home.discord.react(moderator, answer, "❌")
    await until(lambda: stands(home, answer) is None)
    (change,) = rows(home, "SELECT * FROM changes WHERE kind = 'message'")
    assert (change["changed_by"], change["subject"], change["action"]) == (moderator.id, str(answer.id), "delete")
    assert str(home.mira.id) in change["before"]
    assert "Once." not in change["before"]


async def test_nobody_else_deletes_anything_and_nobody_is_bothered(home: World, theo: User) -> None:
    (answer,) = await answers(home, 1)
    await home.discord.react(theo, answer, "❌")
    await nothing_happens(home)
    assert stands(home, answer)
    told = await home.discord.run_message_command(theo, answer, DELETE)
    assert told.is_ephemeral
    assert "Manage Messages" in told.content
    assert stands(home, answer)


async def test_the_context_menu_deletes_and_says_so_to_its_user_alone(home: World) -> None:
    (answer,) = await answers(home, 1)
    told = await home.discord.run_message_command(home.mira, answer, DELETE)
    assert told.is_ephemeral
    assert stands(home, answer) is None


async def test_what_a_moderator_deleted_is_not_theirs_to_undo(home: World, moderator: User) -> None:
    (answer,) = await answers(home, 1)
    await home.discord.run_message_command(moderator, answer, DELETE)
    assert "nothing of yours" in (await home.hears("!tz undo", author=moderator)).content


async def test_in_a_direct_message_the_person_deletes_the_answer(home: World) -> None:
    dm = home.discord.dm_channel(home.mira)
    (answer,) = await answers(home, 1, dm)
    await home.discord.react(home.mira, answer, "❌")
    await until(lambda: stands(home, answer) is None)


async def test_in_threads_and_posts_answers_are_deleted_and_changed_through_the_parents_webhook(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    forum = home.discord.add_forum(home.guild, "questions", nsfw=True)
    post = home.discord.add_post(forum, home.mira, "a question", "hello?")
    for channel in (thread, post):
        home.ai.answers = lambda _: "Once."
        (answer,) = await answers(home, 1, channel)
        home.ai.answers = lambda _: "Twice."
        await home.discord.run_message_command(home.mira, answer, RETRY)
        assert [m.content for m in home.discord.messages(channel) if m.id == answer.id] == ["Twice."]
        await home.discord.react(home.mira, answer, "❌")
        await until(partial(is_gone, home, answer))


async def test_the_rest_of_a_deleted_answer_is_not_said(home: World) -> None:
    home.ai.answers = lambda _: LONG
    home.discord.faults.delay("POST", "/webhooks/{webhook_id}/{webhook_token}", 0)
    slow = home.discord.faults.delay("POST", "/webhooks/{webhook_id}/{webhook_token}", 2.5)
    said = await home.say("@lil tell me everything")
    first = await home.next(home.channel, said)
    await until(lambda: slow.times == 0)
    await home.discord.react(home.mira, first, "❌")
    await until(lambda: rows(home, "SELECT 1 FROM turns WHERE state = 'failed' AND answer IS NULL"))
    assert home.spoken(home.channel, said) == []
    assert rows(home, "SELECT * FROM rewrites") == rows(home, "SELECT * FROM turn_chunks") == []
    home.ai.answers = lambda _: "And now?"
    assert (await home.hears("@lil hello")).content == "And now?"


async def test_where_the_webhook_is_gone_the_bots_own_permission_deletes(home: World) -> None:
    (answer,) = await answers(home, 1)
    home.discord.delete_webhook(home.channel)
    await home.discord.react(home.mira, answer, "❌")
    await until(lambda: stands(home, answer) is None)
    (answer,) = await answers(home, 1)
    home.discord.delete_webhook(home.channel)
    home.discord.permit_bot(home.guild, manage_messages=False)
    told = await home.discord.run_message_command(home.mira, answer, DELETE)
    assert "Manage Messages" in told.content


async def test_a_message_that_is_gone_already_counts_as_deleted(home: World) -> None:
    home.ai.answers = lambda _: LONG
    parts = await answers(home, 3)
    await home.discord.delete(parts[0])
    told = await home.discord.run_message_command(home.mira, parts[1], DELETE)
    assert "deleted" in told.content
    assert not any(stands(home, part) for part in parts)


# --- who is this


async def test_anyone_learns_whose_message_it_is_and_who_asked(home: World, theo: User) -> None:
    said = await home.say("@lil hello")
    answer = await home.next(home.channel, said)
    await settled(home, answer)
    told = await home.discord.run_message_command(theo, answer, WHO)
    assert told.is_ephemeral
    (card,) = told.embeds
    assert card["title"] == "Lilith"
    assert card["thumbnail"]["url"]
    for part in ("`lilith`", "`lil`", f"<@{home.mira.id}>", f"{said.guild_id}/{said.channel_id}/{said.id}"):
        assert part in card["description"]


async def test_by_a_reaction_it_comes_by_direct_message_and_the_reaction_goes(home: World, theo: User) -> None:
    (answer,) = await answers(home, 1)
    await home.discord.react(theo, answer, "❓")
    letter = await home.discord.wait_for_message(home.discord.dm_channel(theo), timeout_seconds=PATIENCE_SECONDS)
    assert letter.embeds[0]["title"] == "Lilith"
    await until(lambda: not stands(home, answer).reactions)  # type: ignore[union-attr]


async def test_who_takes_no_direct_messages_is_left_in_peace(home: World, theo: User) -> None:
    (answer,) = await answers(home, 1)
    home.discord.block_dms(theo)
    await home.discord.react(theo, answer, "❔")
    await until(lambda: not stands(home, answer).reactions)  # type: ignore[union-attr]
    await nothing_happens(home)


async def test_in_a_direct_message_the_card_comes_there(home: World) -> None:
    dm = home.discord.dm_channel(home.mira)
    (answer,) = await answers(home, 1, dm)
    await home.discord.react(home.mira, answer, "❓")
    card = await home.next(dm, answer)
    assert card.embeds[0]["title"] == "Lilith"


async def test_a_removed_personalitys_message_still_says_whose_it_is(home: World, theo: User) -> None:
    (answer,) = await answers(home, 1)
    await home.hears("!tz remove lil")
    (card,) = (await home.discord.run_message_command(theo, answer, WHO)).embeds
    assert "removed" in card["description"]


# --- try again


@pytest.mark.parametrize("emoji", ["🔁", "🔄"])
async def test_the_new_answer_stands_where_the_old_one_did(home: World, emoji: str) -> None:
    (answer,) = await answers(home, 1)
    home.ai.answers = lambda _: "Twice."
    await home.discord.react(home.mira, answer, emoji)
    changed = await until(lambda: (now := stands(home, answer)) and now.content == "Twice." and now)
    assert changed.allowed_mentions == {"parse": []}
    first, second = [call for call in home.ai.calls if call.route == "chat"]
    assert (first.body, first.user_token) == (second.body, second.user_token)
    await until(lambda: not stands(home, answer).reactions)  # type: ignore[union-attr]
    assert rows(home, "SELECT * FROM rewrites") == []


async def test_a_shorter_answer_leaves_nothing_of_the_longer_one(home: World) -> None:
    home.ai.answers = lambda _: LONG
    parts = await answers(home, 3)
    home.ai.answers = lambda _: "Short."
    told = await home.discord.run_message_command(home.mira, parts[2], RETRY)
    assert told.is_ephemeral
    assert [now.content for part in parts if (now := stands(home, part))] == ["Short."]
    assert [row["message_id"] for row in rows(home, "SELECT message_id FROM turn_chunks")] == [parts[0].id]


async def test_what_a_longer_answer_needs_beyond_the_messages_there_are_comes_at_the_end(home: World) -> None:
    (answer,) = await answers(home, 1)
    home.ai.answers = lambda _: LONG
    between = await home.say("something else")
    await home.discord.run_message_command(home.mira, answer, RETRY)
    found = stands(home, answer)
    assert found
    assert [found.content, *home.spoken(home.channel, between)] == PARTS
    home.ai.answers = lambda _: "Yes."
    last = home.discord.messages(home.channel)[-1]
    assert (await home.hears("really?", reply_to=last)).author_name == "Lilith"


async def test_in_a_direct_message_the_new_answer_keeps_the_name_in_front(home: World) -> None:
    dm = home.discord.dm_channel(home.mira)
    (answer,) = await answers(home, 1, dm)
    home.ai.answers = lambda _: "Twice."
    await home.discord.react(home.mira, answer, "🔁")
    await until(lambda: (now := stands(home, answer)) and now.content == "**Lilith:** Twice.")


async def test_a_failing_ai_service_leaves_the_old_answer_whole_and_the_person_is_told(home: World) -> None:
    (answer,) = await answers(home, 1)
    home.ai.faults.fail(503, times=2)
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert told.is_ephemeral
    await home.discord.react(home.mira, answer, "🔁")
    sentence = await home.next(home.channel, answer)
    assert sentence.reply_to_id == answer.id
    assert not sentence.webhook_id
    now = stands(home, answer)
    assert now
    assert now.content == "Once."
    assert now.edited_at is None


@pytest.mark.parametrize("is_direct", [False, True])
async def test_where_discord_stumbles_the_change_is_made_all_the_same(home: World, *, is_direct: bool) -> None:
    channel = home.discord.dm_channel(home.mira) if is_direct else home.channel
    home.ai.answers = lambda _: LONG
    parts = await answers(home, 3, channel)
    home.ai.answers = lambda _: "Twice."
    route = "/channels/{channel_id}/messages/{message_id}" if is_direct else WEBHOOK_MESSAGE
    home.discord.faults.fail("PATCH", route, 503)
    home.discord.faults.fail("DELETE", route, 502)
    told = await home.discord.run_message_command(home.mira, parts[0], RETRY)
    assert "new answer" in told.content
    (left,) = [now for part in parts if (now := stands(home, part))]
    assert left.content.endswith("Twice.")


async def test_in_an_archived_thread_the_person_is_told_to_open_it(home: World) -> None:
    (answer,) = await answers(home, 1)
    for method in ("PATCH", "DELETE"):
        home.discord.faults.fail(method, WEBHOOK_MESSAGE, 400, code=50083)
    for menu in (RETRY, DELETE):
        assert "archived" in (await home.discord.run_message_command(home.mira, answer, menu)).content
    assert stands(home, answer) == answer
    assert rows(home, "SELECT * FROM rewrites") == []


async def test_it_shows_that_a_new_answer_is_being_thought_of(home: World) -> None:
    (answer,) = await answers(home, 1)
    shown = len(home.discord.typing)
    home.ai.faults.delay(0.2)
    await home.discord.run_message_command(home.mira, answer, RETRY)
    assert [typing.channel_id for typing in home.discord.typing[shown:]] == [home.channel.id]


async def test_nobody_else_gets_another_answer(home: World, theo: User) -> None:
    (answer,) = await answers(home, 1)
    await home.log_in(theo)
    asked = len(home.ai.calls)
    await home.discord.react(theo, answer, "🔁")
    await nothing_happens(home)
    told = await home.discord.run_message_command(theo, answer, RETRY)
    assert told.is_ephemeral
    assert "Only the person" in told.content
    assert len(home.ai.calls) == asked


async def test_without_a_login_there_is_no_other_answer(home: World) -> None:
    (answer,) = await answers(home, 1)
    await home.hears("!tz auth revoke")
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert "not logged in" in told.content


async def test_a_question_that_was_changed_is_asked_as_it_stands_now(home: World) -> None:
    said = await home.say("@lil hello")
    answer = await home.next(home.channel, said)
    await settled(home, answer)
    home.ai.answers = lambda question: f"You said: {question}"
    await home.discord.edit(said, "@lil good night")
    await home.discord.run_message_command(home.mira, answer, RETRY)
    now = stands(home, answer)
    assert now
    assert now.content.endswith("good night")


async def test_a_question_that_is_gone_can_not_be_asked_again(home: World) -> None:
    said = await home.say("@lil hello")
    answer = await home.next(home.channel, said)
    await settled(home, answer)
    await home.discord.delete(said)
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert "can't find" in told.content


async def test_what_a_deleted_webhook_has_said_can_not_be_changed(home: World) -> None:
    (answer,) = await answers(home, 1)
    home.discord.delete_webhook(home.channel)
    asked = len(home.ai.calls)
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert "webhook" in told.content
    await answers(home, 1)
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert "webhook" in told.content
    assert len(home.ai.calls) == asked + 1


async def test_in_a_channel_that_is_no_longer_age_restricted_there_is_no_other_answer(home: World) -> None:
    (answer,) = await answers(home, 1)
    home.discord.set_nsfw(home.channel, nsfw=False)
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert "age-restricted" in told.content


async def test_a_removed_personality_does_not_answer_again(home: World) -> None:
    (answer,) = await answers(home, 1)
    await home.hears("!tz remove lil")
    told = await home.discord.run_message_command(home.mira, answer, RETRY)
    assert "removed" in told.content


async def test_deleted_while_the_ai_thinks_it_stays_deleted(home: World) -> None:
    (answer,) = await answers(home, 1)
    thought = home.ai.faults.hold()
    asked = len(home.ai.calls)
    await home.discord.react(home.mira, answer, "🔁")
    await home.ai.wait_for_calls(asked + 1)
    await home.discord.react(home.mira, answer, "❌")
    await until(lambda: stands(home, answer) is None)
    thought.set()
    assert (await home.hears("@lil still there?")).content == "Once."
    assert home.spoken(home.channel, answer) == ["Once."]
    assert rows(home, "SELECT * FROM rewrites") == []


# --- what is none of the bot's business


async def test_reactions_under_other_messages_and_of_other_kinds_cost_discord_no_request(
    home: World, theo: User
) -> None:
    (answer,) = await answers(home, 1)
    said = await home.say("nobody in particular")
    robot = home.discord.add_user("Robot", is_bot=True)
    home.discord.join(home.guild, robot)
    await nothing_happens(home)
    before = len(home.discord.requests)
    for emoji in ("❌", "❓", "🔁"):
        await home.discord.react(theo, said, emoji)
    await home.discord.react(home.mira, answer, "👍")
    await home.discord.react(robot, answer, "❓")
    pong = await home.hears("!tz ping")
    assert [request.method for request in home.discord.requests[before:]] == ["POST"]
    assert stands(home, answer)
    told = await home.discord.run_message_command(theo, pong, WHO)
    assert "don't know that message" in told.content


async def test_the_menus_are_published_once(world: World) -> None:
    for _ in range(2):
        async with world.bot():
            await world.discord.wait_for_commands()
            assert sorted(world.discord.message_commands) == sorted(MENUS)
    puts = [request for request in world.discord.requests if request.method == "PUT"]
    assert len(puts) == 1


async def test_who_is_barred_here_gets_no_word(home: World, theo: User) -> None:
    (answer,) = await answers(home, 1)
    home.discord.set_permissions(home.guild, home.mira, Permission.ADMINISTRATOR)
    await home.hears(f"!tz blacklist add <@{theo.id}>")
    await home.discord.react(theo, answer, "❓")
    await nothing_happens(home)
    assert stands(home, answer).reactions  # type: ignore[union-attr]
    assert home.discord.messages(home.discord.dm_channel(theo)) == []


async def test_reactions_and_menus_count_against_what_one_person_may_ask(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
    world.overrides["user_rate_limit"] = 2
    async with world.bot():
        await world.discord.wait_for_commands()
        (answer,) = await answers(world, 1)
        await world.discord.run_message_command(world.mira, answer, WHO)
        told = await world.discord.run_message_command(world.mira, answer, RETRY)
        assert "lost track" in told.content
        await world.discord.react(world.mira, answer, "🔁")
        assert "lost track" in (await world.next(world.channel, answer)).content
    assert len([call for call in world.ai.calls if call.route == "chat"]) == 1


async def test_the_help_tells_of_the_menus_and_of_the_reactions(home: World) -> None:
    text = await whole_help(home)
    for menu, emoji in ((DELETE, "❌"), (WHO, "❓"), (RETRY, "🔁")):
        (line,) = [line for line in text.splitlines() if menu in line]
        assert emoji in line
