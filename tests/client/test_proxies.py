"""People who write through PluralKit or Tupperbox: each message is answered once, as theirs."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from typing import Any

import discord
import pytest

from bot.sandbox.discord import Message, User
from bot.sandbox.discord.messages import publish
from bot.sandbox.discord.proxying import Persona, ProxyBot, Proxying
from tests.client.conftest import PATIENCE_SECONDS, World, process

KINDS = [ProxyBot.PLURALKIT, ProxyBot.TUPPERBOX]
LUNA = Persona("Luna")
TUPPER = Persona("Luna", ProxyBot.TUPPERBOX)
ROUTE = "/messages/{message_id}"


@pytest.fixture
def quiet(world: World) -> World:
    """Mira and Noor write through proxies, Olga does not; all three are logged in, and Lilith is called lil."""
    world.ai.answers = lambda question: f"echo {question}"
    world.overrides = {"proxy_wait_seconds": 0.5, "pluralkit_interval_seconds": 0.01}
    return world


@pytest.fixture
async def home(quiet: World) -> AsyncIterator[World]:
    async with quiet.bot():
        await move_in(quiet)
        yield quiet


async def move_in(world: World) -> None:
    await world.log_in()
    await world.add()
    for name in ("Noor", "Olga"):
        user = world.discord.add_user(name)
        world.discord.join(world.guild, user)
        await world.log_in(user)
    world.ai.calls.clear()


def person(world: World, name: str) -> User:
    return next(user for user in world.discord._state.users.values() if user.name == name)


async def is_known(world: World, persona: Persona = LUNA, user: User | None = None) -> None:
    """The bot has seen that this person writes through a proxy."""
    said = await world.discord.proxy(world.channel, user or world.mira, "@lil I am Luna", persona=persona)
    await world.next(world.channel, said)
    world.ai.calls.clear()


async def everything(world: World, after: Message) -> list[str]:
    """All that was said since, once somebody who came last was answered."""
    asked = await world.say("@lil the end", author=person(world, "Olga"))
    await world.discord.wait_for_message(
        world.channel, asked, timeout_seconds=PATIENCE_SECONDS, where=lambda m: m.content == "echo @lil the end"
    )
    said = world.spoken(world.channel, after)
    return [text for text in said if text not in ("echo @lil the end", after.content) and text.startswith("echo")]


def tokens(world: World) -> list[str | None]:
    return [call.user_token for call in world.ai.calls if call.route == "chat"]


def rows(world: World, sql: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{world.database}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def through(world: World, text: str, user: User | None = None, persona: Persona = LUNA, **more: Any) -> Proxying:
    return world.discord.proxying(world.channel, user or world.mira, text, persona=persona, **more)


@pytest.mark.parametrize("deletes_first", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_new", [True, False])
async def test_it_is_answered_once_with_the_login_of_who_wrote_it(
    home: World, kind: ProxyBot, deletes_first: bool, is_new: bool
) -> None:
    persona = Persona("Luna", kind)
    if not is_new:
        await is_known(home, persona)
    proxying = through(home, "@lil hello", persona=persona)
    thought_of = home.ai.faults.hold() if is_new else None
    asked = await proxying.write()
    if thought_of:
        await home.ai.wait_for_calls(1, route="chat")
    for step in ("remove", "copy") if deletes_first else ("copy", "remove"):
        await getattr(proxying, step)()
    await home.discord.wait_until_heard()
    if thought_of:
        thought_of.set()
    assert await everything(home, asked) == ["echo @lil hello"]
    questions = [call.question for call in home.ai.calls if call.route == "chat"]
    assert questions == (["[@lil hello]"] if is_new else []) + ["@lil hello", "@lil the end"]
    assert tokens(home)[:-1] == [home.ai.tokens[home.mira.id]] * (len(questions) - 1)


async def test_an_answer_given_before_the_copy_came_stands_and_the_copy_gets_none(home: World) -> None:
    proxying = through(home, "@lil hello")
    answer = await home.next(home.channel, await proxying.write())
    assert answer.content == "echo [@lil hello]"
    await proxying.copy()
    await proxying.remove()
    assert await everything(home, answer) == []
    await is_nothing_asked_twice(home)


async def is_nothing_asked_twice(home: World) -> None:
    """From now on the person's messages wait."""
    said = through(home, "@lil again")
    await said.write()
    await said.remove()
    copy = await said.copy()
    assert await everything(home, copy) == ["echo @lil again"]
    assert "[@lil again]" not in [call.question for call in home.ai.calls if call.route == "chat"]


async def test_a_message_of_theirs_that_no_proxy_replaces_is_answered_a_moment_later(home: World) -> None:
    await is_known(home)
    assert (await home.hears("@lil as myself")).content == "echo @lil as myself"


async def test_nobody_in_the_channel_is_overtaken(home: World) -> None:
    await is_known(home)
    olga = person(home, "Olga")
    first = through(home, "@lil one")
    await first.write()
    await home.say("@lil two", author=olga)
    await first.copy()
    await home.say("@lil three", author=olga)
    await first.remove()
    assert first.original
    assert await everything(home, first.original) == ["echo @lil two", "echo @lil one", "echo @lil three"]


async def test_who_writes_in_another_channel_waits_for_nobody(quiet: World) -> None:
    quiet.overrides["proxy_wait_seconds"] = 3600
    other = quiet.discord.add_channel(quiet.guild, "other", nsfw=True)
    async with quiet.bot():
        await move_in(quiet)
        await is_known(quiet)
        asked = await through(quiet, "@lil hello").write()
        answer = await quiet.hears("@lil hi", author=person(quiet, "Olga"), channel=other)
        assert answer.content == "echo @lil hi"
        assert quiet.spoken(quiet.channel, asked) == []


async def test_a_reply_through_a_proxy_is_answered_by_who_spoke(home: World) -> None:
    spoken = await home.hears("@lil hello", author=person(home, "Olga"))
    said = await home.discord.proxy(home.channel, home.mira, "and then?", spoken, persona=LUNA)
    answer = await home.next(home.channel, said)
    assert answer.author_name == "Lilith"
    assert answer.content.endswith("and then?")
    question = home.ai.calls[-1].question
    assert question.startswith("> [In reply to what Lilith wrote:]\n> echo @lil hello")
    assert "Reply to" not in question


async def test_a_reply_to_a_proxied_reply_quotes_both_as_what_they_are(home: World) -> None:
    spoken = await home.hears("@lil hello", author=person(home, "Olga"))
    said = await home.discord.proxy(home.channel, home.mira, "so it is", spoken, persona=LUNA)
    await home.next(home.channel, said)
    answer = await home.hears("@lil is it?", author=person(home, "Olga"), reply_to=said)
    assert "Luna" in answer.content
    assert "discord.com/channels" not in home.ai.calls[-1].question


async def test_an_active_personality_answers_each_copy_and_no_original(home: World) -> None:
    await home.hears("!tz activate lil")
    await is_known(home)
    copies = [await home.discord.proxy(home.channel, home.mira, f"number {n}", persona=LUNA) for n in range(3)]
    assert await everything(home, copies[0]) == [f"echo number {n}" for n in range(3)]
    assert len(tokens(home)) == 4


async def test_what_nobody_should_answer_is_nobodys_business(home: World) -> None:
    said = await home.discord.proxy(home.channel, home.mira, "good morning", persona=LUNA)
    assert await everything(home, said) == []
    assert rows(home, "SELECT count(*) FROM proxy_users") == [(0,)]
    assert home.discord.pluralkit.requests == []


async def test_the_answer_is_the_persons_in_every_row(home: World) -> None:
    said = await home.discord.proxy(home.channel, home.mira, "@lil hello", persona=LUNA)
    answer = await home.next(home.channel, said)
    await everything(home, said)
    assert (answer.id, home.mira.id) in rows(home, "SELECT message_id, user_id FROM message_mappings")
    assert (said.id, home.mira.id, "done") in rows(home, "SELECT message_id, user_id, state FROM turns")
    assert (home.mira.id,) in rows(home, "SELECT user_id FROM conversations")
    assert rows(home, "SELECT user_id FROM proxy_users") == [(home.mira.id,)]


@pytest.mark.parametrize("kind", KINDS)
async def test_two_people_with_the_same_words_at_once_are_both_answered(home: World, kind: ProxyBot) -> None:
    noor = person(home, "Noor")
    mine = through(home, "@lil hello", persona=Persona("Luna", kind))
    others = through(home, "@lil hello", noor, Persona("Sol", kind, ("n:", "")))
    await is_known(home, mine.persona)
    await is_known(home, others.persona, noor)
    for step in ("write", "copy", "remove"):
        await getattr(mine, step)()
        await getattr(others, step)()
    assert mine.original
    assert await everything(home, mine.original) == ["echo @lil hello"] * 2
    assert sorted(map(str, tokens(home)[:2])) == sorted([home.ai.tokens[home.mira.id], home.ai.tokens[noor.id]])


async def test_the_name_of_another_persons_proxy_spends_nothing_of_theirs(home: World) -> None:
    await is_known(home)
    noor = person(home, "Noor")
    said = await home.discord.proxy(home.channel, noor, "@lil give me all", persona=LUNA)
    assert await everything(home, said) == ["echo @lil give me all"]
    assert home.ai.tokens[home.mira.id] not in tokens(home)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_words_of_someone_elses_message_spend_nothing_of_theirs(home: World, kind: ProxyBot) -> None:
    """Noor has no login, and writes through a proxy what Mira has just written without one."""
    await home.hears("!tz auth revoke", author=person(home, "Noor"))
    answer = await home.hears("@lil hello")
    proxying = through(home, "@lil hello", person(home, "Noor"), Persona("Luna", kind))
    await proxying.run()
    assert await everything(home, answer) == []
    assert len(tokens(home)) == 2


async def test_a_moderator_who_deletes_the_other_message_too_spends_nothing_of_its_author(home: World) -> None:
    """With Tupperbox, of which nobody can ask whose a message is."""
    noor = person(home, "Noor")
    await home.hears("!tz auth revoke", author=noor)
    victim = await home.say("@lil hello")
    answer = await home.next(home.channel, victim)
    proxying = through(home, "@lil hello", noor, TUPPER)
    await proxying.write()
    await proxying.copy()
    await home.discord.delete(victim)
    await proxying.remove()
    assert await everything(home, answer) == []
    assert len(tokens(home)) == 2


async def test_who_is_banned_is_not_heard_through_a_proxy_either(quiet: World) -> None:
    async with quiet.bot():
        await move_in(quiet)
    with closing(sqlite3.connect(quiet.database)) as connection:
        ban = (
            "INSERT INTO blacklist (user_id, blacklisted_by, blacklisted_at) VALUES (?, 0, '2026-01-01T00:00:00.000Z')"
        )
        connection.execute(ban, (quiet.mira.id,))
        connection.commit()
    async with quiet.bot():
        said = await quiet.discord.proxy(quiet.channel, quiet.mira, "@lil hello", persona=LUNA)
        await quiet.discord.proxy(quiet.channel, quiet.mira, "!tz ping", persona=LUNA)
        assert await everything(quiet, said) == []
        assert len(quiet.spoken(quiet.channel, said)) == 2  # the last copy, and the answer to Olga
    assert len(tokens(quiet)) == 1


async def test_other_webhooks_and_the_bots_own_are_never_a_person(home: World) -> None:
    await home.hears("!tz activate lil")
    answer = await home.hears("hello")
    state = home.discord._state
    for application_id in (None, person(home, "Olga").id):
        face = User(state.snowflakes.next(), "Mira", is_bot=True, is_webhook=True)
        said = Message(
            state.snowflakes.next(),
            home.channel.id,
            face,
            "@lil hello",
            guild_id=home.guild.id,
            webhook_id=face.id,
            application_id=application_id,
        )
        publish(state, said)
    assert await everything(home, answer) == []


@pytest.mark.parametrize("is_new", [True, False])
async def test_a_refusal_is_told_once(home: World, is_new: bool) -> None:
    if not is_new:
        await is_known(home)
    await home.hears("!tz auth revoke")
    said = through(home, "@lil hello")
    asked = await said.write()
    if is_new:
        await home.next(home.channel, asked)
    await said.copy()
    await said.remove()
    assert await everything(home, asked) == []
    told = [m for m in home.discord.messages(home.channel) if m.id > asked.id and m.author == home.discord.bot_user]
    assert [m.reply_to_id for m in told] == [asked.id if is_new else said.said and said.said.id]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_command_in_a_copy_is_not_carried_out_and_its_author_is_told_once(home: World, kind: ProxyBot) -> None:
    persona = Persona("Luna", kind)
    said = [await home.discord.proxy(home.channel, home.mira, "!tz ping", persona=persona) for _ in range(2)]
    assert await everything(home, said[0]) == []
    assert len([text for text in home.spoken(home.channel, said[0]) if "own account" in text]) == 1
    assert not [text for text in home.spoken(home.channel, said[0]) if "Discord is" in text]


async def test_a_command_without_tags_is_carried_out_once_although_it_is_copied(home: World) -> None:
    proxying = through(home, "!tz ping", persona=Persona(brackets=("", "")))
    asked = await proxying.write()
    await proxying.copy()
    await proxying.remove()
    await everything(home, asked)
    assert len([text for text in home.spoken(home.channel, asked) if "Discord is" in text]) == 1
    assert not [text for text in home.spoken(home.channel, asked) if "own account" in text]


async def test_a_login_code_in_a_copy_is_taken_away(home: World) -> None:
    said = await home.discord.proxy(home.channel, home.mira, "!tz auth code secret", persona=LUNA)
    await everything(home, said)
    assert said.id not in [message.id for message in home.discord.messages(home.channel)]


async def test_a_copy_that_is_changed_to_name_a_personality_is_answered_as_its_authors(home: World) -> None:
    said = await home.discord.proxy(home.channel, home.mira, "hello", persona=LUNA)
    assert await everything(home, said) == []
    await home.discord.edit(said, "@lil hello")
    assert await everything(home, said) == ["echo @lil hello"]
    assert tokens(home)[1] == home.ai.tokens[home.mira.id]


async def test_tags_that_come_with_an_edit_make_a_copy_like_any_other(home: World) -> None:
    proxying = through(home, "@lil hello", persona=Persona(brackets=("", "")))
    proxying.original = await home.say("lil hello]")
    await home.discord.edit(proxying.original, "[@lil hello]")
    await proxying.copy()
    await proxying.remove()
    answers = await everything(home, proxying.original)
    assert len(answers) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_of_what_came_while_nobody_listened_only_pluralkits_is_answered(quiet: World, kind: ProxyBot) -> None:
    async with quiet.bot():
        await move_in(quiet)
        await is_known(quiet)
    said = await quiet.discord.proxy(quiet.channel, quiet.mira, "@lil hello", persona=Persona("Luna", kind))
    quiet.ai.calls.clear()
    is_known_to_it = kind is ProxyBot.PLURALKIT
    for _ in range(2):
        async with quiet.bot():
            assert await everything(quiet, said) == (["echo @lil hello"] if is_known_to_it else [])
    assert tokens(quiet)[0] == quiet.ai.tokens[quiet.mira.id if is_known_to_it else person(quiet, "Olga").id]
    assert quiet.discord.pluralkit.requests == ([said.id] if is_known_to_it else [])


@pytest.mark.parametrize("failure", [429, 500, "hang"])
async def test_while_pluralkit_says_nothing_it_stays_unanswered_and_the_log_says_so(
    quiet: World, failure: Any, caplog: pytest.LogCaptureFixture
) -> None:
    quiet.overrides["pluralkit_timeout_seconds"] = 0.1
    async with quiet.bot():
        await move_in(quiet)
        await is_known(quiet)
    said = await quiet.discord.proxy(quiet.channel, quiet.mira, "@lil secret words", persona=LUNA)
    await quiet.say("@lil hello", author=person(quiet, "Olga"))
    faults = quiet.discord.pluralkit.faults
    if failure == "hang":
        faults.hang("GET", ROUTE)
    elif failure == 429:
        faults.limit("GET", ROUTE, 60)
    else:
        faults.fail("GET", ROUTE, failure)
    with caplog.at_level(logging.INFO):
        async with quiet.bot():
            assert await everything(quiet, said) == ["echo @lil hello"]
    assert [record for record in caplog.records if str(said.id) in record.getMessage()]
    assert "secret words" not in caplog.text


async def test_nothing_is_asked_of_pluralkit_where_the_operator_does_not_want_it(quiet: World) -> None:
    quiet.overrides["pluralkit_lookup"] = False
    async with quiet.bot():
        await move_in(quiet)
        await is_known(quiet)
    said = await quiet.discord.proxy(quiet.channel, quiet.mira, "@lil hello", persona=LUNA)
    async with quiet.bot():
        assert await everything(quiet, said) == []
    assert quiet.discord.pluralkit.requests == []


async def test_no_words_of_a_copy_stay_in_the_database(home: World) -> None:
    said = await home.discord.proxy(home.channel, home.mira, "@lil unforgettable", persona=LUNA)
    await everything(home, said)
    await asyncio.sleep(0)
    assert b"unforgettable" not in home.database.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
async def test_killed_while_the_ai_thinks_of_a_copy_it_asks_again_as_the_same_person(
    quiet: World, kind: ProxyBot
) -> None:
    async with quiet.bot():
        await move_in(quiet)
        await is_known(quiet)
    quiet.ai.faults.hang()
    before = quiet.discord.session_count
    async with process(quiet):
        await quiet.discord.wait_for_session(before, timeout_seconds=PATIENCE_SECONDS)
        said = await quiet.discord.proxy(quiet.channel, quiet.mira, "@lil hello", persona=Persona("Luna", kind))
        await quiet.ai.wait_for_calls(1, route="chat")
    async with quiet.bot():
        assert await everything(quiet, said) == ["echo @lil hello"]
    assert tokens(quiet)[:2] == [quiet.ai.tokens[quiet.mira.id]] * 2
    assert len(tokens(quiet)) == 3
    assert quiet.discord.pluralkit.requests == []


@pytest.mark.parametrize("kind", KINDS)
async def test_after_a_gap_in_the_gateway_what_is_still_remembered_says_whose_it_is(
    home: World, kind: ProxyBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hook(client: discord.Client, shard_id: int | None, *, initial: bool = False) -> None:
        pass

    monkeypatch.setattr(discord.Client, "before_identify_hook", hook)  # which waits for 5 s
    await is_known(home, Persona("Luna", kind))
    proxying = through(home, "@lil hello", persona=Persona("Luna", kind))
    asked = await proxying.write()
    await home.discord.wait_until_heard()
    sessions = home.discord.session_count
    home.discord.invalidate_session()
    await proxying.copy()
    await home.discord.wait_for_session(sessions, timeout_seconds=PATIENCE_SECONDS)
    await proxying.remove()
    assert await everything(home, asked) == ["echo @lil hello"]
    assert tokens(home)[:-1] == [home.ai.tokens[home.mira.id]]
    assert home.discord.pluralkit.requests == []
