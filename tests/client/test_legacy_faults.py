"""What went wrong in the original does not here: one test for each fault, through the real client.

| the original | here |
|---|---|
| `@Angel Dust, how are you?` did not find the two-word alias | the longest name wins, whatever follows it |
| an alias of one Cyrillic or Japanese word could not be mentioned | any script, with and without spaces |
| an answer that spoke of an error muted its user for a while | the next message is answered |
| answers with certain innocent words were deleted, or kept back | each is said once, as it is, and stays |
| the same answer twice was taken for one | it is given twice |
| two who saved at once overwrote each other | nothing is lost, however many act at once |
| an alias that was taken silently changed its owner | it stays where it is, and the second gets another one |
| ids stood where aliases belong (arguments in the wrong order) | an alias is what was typed, its owner who typed it |
| each graceful stop deactivated all channels | activations stay |
| each deploy cost logins, and minutes of reloading | nobody logs in again, and the first message is answered |
"""

import asyncio
import re
import sqlite3
from collections import Counter
from contextlib import closing
from typing import Any

import pytest

from bot.sandbox.discord import Channel, Permission, User
from tests.client.conftest import World

CROWD = 8


async def name(world: World, full_name: str, alias: str) -> None:
    """Add a personality whose display name is the alias."""
    world.ai.profiles[full_name] = {"name": alias}
    assert "is here" in (await world.hears(f"!tz add {full_name}")).content


def rows(world: World, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize(
    "content",
    [
        "@Angel Dust, how are you?",
        "@angel dust how are you?",
        "How are you, @ANGEL DUST?",
        "(@Angel  Dust) how are you",
        "@Angel Dust's here!",
        "**@Angel Dust**…",
    ],
)
async def test_an_alias_of_two_words_is_found(home: World, content: str) -> None:
    await name(home, "angel", "Angel")
    await name(home, "angel-dust-hotel", "Angel Dust")
    assert (await home.hears(content)).author_name == "Angel Dust"


@pytest.mark.parametrize(
    ("alias", "content"),
    [
        ("Ведьма", "@ведьма"),
        ("Ведьма", "Привет, @Ведьма! Как дела?"),
        ("Ведьма", "@ВЕДЬМА: привет"),
        ("エコー", "@エコー"),
        ("エコー", "ねえ@エコーちゃん、元気?"),
        ("エコー", "@エコー。"),
        ("莉莉丝", "你好@莉莉丝你好"),
        ("Łucja", "@łucja, jak się masz?"),
    ],
)
async def test_an_alias_of_one_word_in_any_script_is_found(home: World, alias: str, content: str) -> None:
    await name(home, "somebody", alias)
    assert (await home.hears(content)).author_name == alias


@pytest.mark.parametrize("fault", ["fail", "garbage", "error body", "error words"])
async def test_an_error_does_not_mute_the_user(home: World, fault: str) -> None:
    if fault == "fail":
        home.ai.faults.fail(503)
    elif fault == "garbage":
        home.ai.faults.garbage()
    elif fault == "error body":
        home.ai.faults.reply_with({"error": {"message": "the model is overloaded", "code": 502}})
    else:
        home.ai.answers = lambda _: "Error: I'm having trouble connecting."
    await home.hears("@lil hello")
    home.ai.answers = lambda question: f"echo {question}"
    assert (await home.hears("@lil hello again")).content == "echo @lil hello again"


@pytest.mark.parametrize(
    "answer",
    [
        "There was an error in my heart; try again later, they said.",
        "I can't connect: the service is unavailable, and so am I. Timeout!",
        "HARD FILTERED coffee, TypeError and undefined.",
        "Not found. 404. Sorry, something went wrong, technical difficulties.",
        "[Error] (an inner thought of the machine)",
        "!tz help",
    ],
)
async def test_an_answer_stays_as_it_was_said_whatever_its_words_are(home: World, answer: str) -> None:
    home.ai.answers = lambda _: answer
    said = [await home.hears("@lil hello") for _ in range(2)]
    await home.hears("!tz ping")
    standing = {message.id: message.content for message in home.discord.messages(home.channel)}
    assert [standing[message.id] for message in said] == [answer, answer]
    assert len({message.id for message in said}) == 2
    assert not [request for request in home.discord.requests if request.method == "DELETE"]


async def newcomer(world: World, number: int) -> tuple[User, Channel]:
    user = world.discord.add_user(f"User {number}")
    world.discord.join(world.guild, user, permissions=Permission.MANAGE_MESSAGES)
    await world.log_in(user)
    return user, world.discord.add_channel(world.guild, f"room-{number}", nsfw=True)


async def live(world: World, number: int) -> Counter[str]:
    """Do all that changes something, as fast as it is answered; how often who answered."""
    user, room = await newcomer(world, number)
    world.ai.profiles[f"persona-{number}"] = {"name": f"Persona {number}"}

    async def do(content: str) -> str:
        return (await world.hears(content, channel=room, author=user)).content

    assert "is here" in await do(f"!tz add persona-{number} p{number}")
    typed = [await world.say(f"!tz alias p{number} nick-{number}-{n}", channel=room, author=user) for n in range(3)]
    await world.discord.wait_until(lambda: len(world.spoken(room, typed[0])) == len(typed))
    wanted = await do(f"!tz alias p{number} everybodys")
    await do(f"!tz activate p{number}")
    answers = [(await world.hears(f"hello {n}", channel=room, author=user)).author_name for n in range(3)]
    assert answers == [f"Persona {number}"] * 3
    return Counter({"got the alias": "already stands for" not in wanted})


async def test_however_many_act_at_once_nothing_is_lost(home: World) -> None:
    lives = await asyncio.gather(*(live(home, number) for number in range(CROWD)))
    assert sum(lives, Counter())["got the alias"] == 1
    people = rows(home, "SELECT full_name, added_by FROM personalities WHERE full_name LIKE 'persona-%'")
    assert {full_name for full_name, _ in people} == {f"persona-{number}" for number in range(CROWD)}
    assert len({added_by for _, added_by in people}) == CROWD
    aliases = {alias for (alias,) in rows(home, "SELECT alias FROM personality_aliases")}
    assert aliases >= {f"nick-{number}-{n}" for number in range(CROWD) for n in range(3)} | {"everybodys"}
    assert len(rows(home, "SELECT 1 FROM channel_activations")) == CROWD
    assert len(rows(home, "SELECT 1 FROM auth_tokens")) == CROWD + 1
    assert len(rows(home, "SELECT 1 FROM turns")) == CROWD * 3


async def test_those_who_talk_in_one_channel_at_once_are_all_answered_in_order(home: World) -> None:
    users = [home.discord.add_user(f"User {number}") for number in range(5)]
    for user in users:
        home.discord.join(home.guild, user)
        await home.log_in(user)
    said = [await home.say(f"@lil I am {user.name}", author=user) for user in users]
    wanted = [f"echo {message.content}" for message in said]
    await home.discord.wait_until(lambda: len(home.spoken(home.channel, said[0])) == len(wanted))
    assert home.spoken(home.channel, said[0]) == wanted


async def test_an_alias_that_is_taken_keeps_its_owner(home: World) -> None:
    for full_name in ("rose-red-garden", "rose-red-window", "rose"):
        await name(home, full_name, "Rose Red")
    assert "already stands for" in (await home.hears("!tz alias rose lil")).content
    owners = {owner: alias for alias, owner in rows(home, "SELECT alias, personality_name FROM personality_aliases")}
    assert owners["lilith"] == "lil"
    assert owners["rose-red-garden"] == "rose red"
    assert owners["rose-red-window"] == "rose red-window"
    assert re.fullmatch(r"rose red-[a-z]{6}", owners["rose"])


async def test_an_alias_is_what_was_typed_and_its_owner_who_typed_it(home: World) -> None:
    await home.hears("!tz alias lilith Queen of the Night")
    ((owner_name, added_by),) = rows(
        home, "SELECT personality_name, added_by FROM personality_aliases WHERE alias = 'queen of the night'"
    )
    assert (owner_name, added_by) == ("lilith", home.mira.id)
    assert not rows(home, "SELECT 1 FROM personality_aliases WHERE alias GLOB '[0-9]*'")


async def test_a_stop_and_a_start_keep_activations_logins_and_conversations(world: World) -> None:
    world.ai.answers = lambda question: f"echo {question}"
    other = world.discord.add_channel(world.guild, "elsewhere", nsfw=True)
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("!tz activate lil")
        await world.hears("!tz autorespond on")
        await world.hears("@lil hello", channel=other)
    world.ai.calls.clear()
    for _ in range(2):
        async with world.bot():
            assert (await world.hears("hello")).content == "echo hello"
            assert (await world.hears("are you there?", channel=other)).content == "echo are you there?"
            assert "logged in until" in (await world.hears("!tz auth status")).content
    assert {call.route for call in world.ai.calls} == {"chat"}
