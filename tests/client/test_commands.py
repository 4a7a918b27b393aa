"""Commands as people give them: typed in any case, or with a slash."""

import pytest

from bot.model import Ban, utc_now
from bot.sandbox.discord import Permission
from bot.store import blacklist
from bot.store.driver import open_store
from tests.client.conftest import World


async def test_the_prefix_works_in_any_case_and_alone_shows_the_help(world: World) -> None:
    async with world.bot():
        assert "add NAME" in (await world.hears("!TZ")).content
        assert "add NAME" in (await world.hears("!tz HELP")).content


async def test_an_unknown_command_points_to_the_help(world: World) -> None:
    async with world.bot():
        answer = await world.hears("!tz frobnicate")
    assert "frobnicate" in answer.content
    assert "!tz help" in answer.content


async def test_a_command_without_its_argument_is_answered_with_how_it_goes(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert "`!tz add NAME" in (await world.hears("!tz add")).content
        assert "`!tz alias NAME ALIAS`" in (await world.hears("!tz alias lilith")).content
        assert "`!tz list [PAGE]`" in (await world.hears("!tz list x")).content
        assert "`!tz add NAME" in (await world.hears('!tz add "lil')).content


async def test_whoever_is_not_logged_in_is_told_how(world: World) -> None:
    async with world.bot():
        for typed in ("list", "ping", "status", "activate lilith"):
            assert "!tz auth start" in (await world.hears(f"!tz {typed}")).content


async def test_a_login_begins_with_a_link_by_direct_message(world: World) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        said = await world.say("!tz auth start")
        link = await world.next(dm, said)
        assert "/authorize?app_id=" in link.content
        await world.next(world.channel, said)
        assert "not logged in" in (await world.hears("!tz auth status")).content
        await world.log_in()
        assert "logged in until" in (await world.hears("!tz auth status")).content
        assert "forgotten" in (await world.hears("!tz auth revoke")).content
        assert "not logged in" in (await world.hears("!tz auth status")).content


async def test_a_code_in_a_server_is_deleted_and_refused(world: World) -> None:
    code = world.ai.issue_code(world.mira.id)
    async with world.bot():
        said = await world.say(f"!tz auth code {code}")
        answer = await world.next(world.channel, said)
        assert "direct message" in answer.content
        assert said.id not in [m.id for m in world.discord.messages(world.channel)]
        assert "not logged in" in (await world.hears("!tz auth status")).content


async def test_a_wrong_code_is_refused(world: World) -> None:
    async with world.bot():
        dm = world.discord.dm_channel(world.mira)
        answer = await world.hears("!tz auth code no-such-code", channel=dm)
        assert "logged in" not in answer.content


async def test_a_personality_can_be_added_named_shown_listed_and_removed_by_prefix(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert "**Lilith** is here" in (await world.hears("!tz create lilith Queen of the Night")).content
        assert "mother of all" in (await world.hears("!tz alias lilith mother of all")).content
        assert "`queen of the night`" in (await world.hears("!tz info MOTHER of all")).content
        assert "`lilith`" in (await world.hears("!tz list")).content
        assert (await world.hears("@mother of all! hello")).author_name == "Lilith"
        assert "gone" in (await world.hears('!tz delete "queen of the night"')).content
        assert "lilith" not in (await world.hears("!tz list")).content


async def test_the_same_commands_work_with_a_slash(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        run = world.discord.run_command
        begun = await run(world.mira, world.channel, "auth start", {})
        assert begun.message.is_ephemeral
        dm = world.discord.dm_channel(world.mira)
        done = await run(world.mira, dm, "auth code", {"code": world.ai.issue_code(world.mira.id)})
        assert "logged in" in done.content
        added = await run(world.mira, world.channel, "add", {"name": "lilith", "alias": "lil"})
        assert added.is_deferred
        assert "**Lilith** is here" in added.content
        assert added.message.allowed_mentions == {"parse": []}
        assert "lil" in (await run(world.mira, world.channel, "info", {"name": "lilith"})).content
        active = await run(world.mira, world.channel, "activate", {"name": "lil"})
        assert "answers every message" in active.content
        assert (await world.hears("anything")).author_name == "Lilith"
        refused = await run(world.mira, world.channel, "info", {"name": "nobody at all"})
        assert refused.message.is_ephemeral


async def test_an_activation_needs_manage_messages_and_an_nsfw_channel(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom, permissions=Permission.NONE)
    lobby = world.discord.add_channel(world.guild, "lobby")
    async with world.bot():
        await world.log_in()
        await world.log_in(tom)
        await world.add()
        assert "Manage Messages" in (await world.hears("!tz activate lil", author=tom)).content
        assert "age-restricted" in (await world.hears("!tz act lil", channel=lobby)).content


async def test_only_who_added_a_personality_removes_it(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.log_in()
        await world.log_in(tom)
        await world.add()
        await world.hears("!tz remove lil", author=tom)
        assert (await world.hears("@lil still there?")).author_name == "Lilith"


async def test_without_a_login_service_nobody_logs_in_and_add_takes_a_prompt(world: World) -> None:
    world.overrides.update(service_website=None, profile_info_endpoint=None)
    async with world.bot():
        assert "operator's key" in (await world.hears("!tz auth status")).content
        typed = "!tz add gardener green thumb https://pictures.example/g.png You grow roses."
        assert "is here" in (await world.hears(typed)).content
        answer = await world.hears("@green thumb hello")
    assert answer.avatar_url == "https://pictures.example/g.png"
    system = [m["content"] for m in world.ai.calls[-1].body["messages"] if m["role"] == "system"]
    assert system == ["You grow roses."]


async def test_the_status_says_loudly_that_there_is_no_copy(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert "no copy" in (await world.hears("!tz status")).content


async def test_a_blacklisted_user_gets_no_word(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    store = await open_store(world.database, settings=world.settings())
    await store.write(blacklist.put(Ban(user_id=tom.id, reason="spam", blacklisted_by=0, blacklisted_at=utc_now())))
    await store.close()
    async with world.bot():
        said = await world.say("!tz help", author=tom)
        await world.say("!tz no-such-command", author=tom)
        answer = await world.hears("!tz help")
    assert [m.id for m in world.discord.messages(world.channel) if m.id > said.id and m.author.is_bot] == [answer.id]


async def test_a_user_who_takes_no_direct_messages_is_told_so_where_they_asked(world: World) -> None:
    world.discord.block_dms(world.mira)
    async with world.bot():
        assert "does not let me send you" in (await world.hears("!tz auth start")).content


async def test_a_command_that_fails_by_a_bug_is_answered_and_logged_without_its_text(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    text = "a very private thing"

    def fail(_: object, member: object) -> None:
        raise KeyError(text)

    monkeypatch.setattr("bot.services.logins.Logins.status", fail)
    async with world.bot():
        assert "went wrong" in (await world.hears("!tz auth status")).content
    assert "KeyError" in caplog.text
    assert text not in caplog.text
