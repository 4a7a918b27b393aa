"""Commands as people give them: typed in any case, or with a slash."""

from typing import Any

import pytest

from bot.errors import StorageError
from bot.model import Ban, utc_now
from bot.sandbox.discord import CommandNotShownError, Permission
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
        stumbled = (await world.hears('!tz add "lil')).content
        assert "quotation mark" in stumbled
        assert "`!tz add NAME" in stumbled
        assert "between quotation marks" in (await world.hears("!tz alias mother of all boss")).content


async def test_what_was_typed_is_shown_letter_by_letter_whatever_discord_would_make_of_it(world: World) -> None:
    async with world.bot():
        await world.log_in()
        for typed in ("info", "remove", "reset", "alias x"):
            answer = (await world.hears(f"!tz {typed} [*here*](https://elsewhere.example)")).content
            assert "*here*](" not in answer
        assert r"“\[\*here\*\](https" in (await world.hears("!tz info [*here*](https://elsewhere.example)")).content


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
        assert "I deleted that message" in answer.content
        assert "`!tz auth start`" in answer.content
        assert said.id not in [m.id for m in world.discord.messages(world.channel)]
        assert "not logged in" in (await world.hears("!tz auth status")).content


@pytest.mark.parametrize("typed", ["auth cod", "auth", "AUTH  kode"])
async def test_what_may_be_a_code_in_a_server_is_deleted_also_where_it_is_misspelt(world: World, typed: str) -> None:
    async with world.bot():
        said = await world.say(f"!tz {typed} {world.ai.issue_code(world.mira.id)}")
        answer = await world.next(world.channel, said)
        assert "I deleted that message" in answer.content
        assert said.id not in [m.id for m in world.discord.messages(world.channel)]
        kept = await world.say("!tz auth")
        assert "I deleted" not in (await world.next(world.channel, kept)).content
        assert kept.id in [m.id for m in world.discord.messages(world.channel)]


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
        assert "gone" in (gone := (await world.hears('!tz delete "queen of the night"')).content)
        assert "`!tz undo` brings it back" in gone
        assert "lilith" not in (await world.hears("!tz list")).content


async def test_the_same_commands_work_with_a_slash(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        run = world.discord.run_command
        begun = await run(world.mira, world.channel, "auth start", {})
        assert begun.message.is_ephemeral
        dm = world.discord.dm_channel(world.mira)
        form = await run(world.mira, dm, "auth code")
        done = await world.discord.submit(world.mira, form, {"Your code": world.ai.issue_code(world.mira.id)})
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


async def test_every_option_of_a_slash_command_says_what_it_is_for(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        waiting: list[dict[str, Any]] = [c for c in world.discord._state.commands[None] if c["type"] == 1]
    seen = 0
    while waiting:
        node = waiting.pop()
        assert len(node["description"]) > 1, node["name"]
        waiting += node.get("options") or []
        seen += 1
    assert seen > 20


async def test_in_direct_messages_nobody_is_offered_what_is_for_administrators(world: World) -> None:
    dm = world.discord.dm_channel(world.mira)
    world.overrides["bot_owner_id"] = world.mira.id
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        for name in ("blacklist list", "debug"):
            with pytest.raises(CommandNotShownError, match="not offered in this kind of channel"):
                await world.discord.run_command(world.mira, dm, name)
        assert "I ignore nobody" in (await world.hears("!tz blacklist list", channel=dm)).content
        assert "waiting for an answer" in (await world.hears("!tz debug", channel=dm)).content


async def test_a_slash_command_that_is_no_more_is_answered(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        known = world.discord._state.commands[None]
        known.append({**next(command for command in known if command["name"] == "ping"), "name": "obsolete"})
        answer = await world.discord.run_command(world.mira, world.channel, "obsolete", {})
    assert answer.message.is_ephemeral
    assert "try again" in answer.content


async def test_names_may_be_typed_like_mentions_and_shown_whatever_is_in_them(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert "`@lil`" in (await world.hears("!tz add lilith @lil")).content
        assert "**Lilith**" in (await world.hears("!tz info @Lil")).content
        assert "``d’a`rc``" in (await world.hears("!tz alias @lilith d’a`rc")).content
        assert (await world.hears("@D’A`RC hello")).author_name == "Lilith"
        assert "You added it" in (await world.hears("!tz add lilith")).content


async def test_who_may_not_be_answered_in_public_is_neither_answered_nor_logged_as_a_bug(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.discord.overwrite(world.channel, world.discord.bot_user, deny=Permission.SEND_MESSAGES)
    other = world.discord.add_channel(world.guild, "other", nsfw=True)
    async with world.bot():
        await world.say("!tz help")
        await world.hears("!tz help", channel=other)
    assert not [m for m in world.discord.messages(world.channel) if m.author.is_bot]
    assert "Traceback" not in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_where_the_bot_may_not_read_the_history_it_answers_without_a_reply(world: World) -> None:
    world.discord.overwrite(world.channel, world.discord.bot_user, deny=Permission.READ_MESSAGE_HISTORY)
    async with world.bot():
        answer = await world.hears("!tz help")
    assert answer.reply_to_id is None


async def test_a_full_disk_is_the_operators_matter_and_not_the_users(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise StorageError("The disk is full: nothing was written.", remedy="Enlarge the volume.")

    monkeypatch.setattr("bot.services.people.logins.Logins.revoke", fail)
    async with world.bot():
        answer = await world.hears("!tz auth revoke")
    assert "save anything" in answer.content
    assert "volume" not in answer.content
    assert "The disk is full" in caplog.text


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


async def test_an_activation_says_which_permission_the_bot_lacks_to_speak(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        assert "grant" not in (await world.hears("!tz act lil")).content
        world.discord.overwrite(world.channel, world.discord.bot_user, deny=Permission.MANAGE_WEBHOOKS)
        told = (await world.hears("!tz act lil")).content
    assert (
        "now answers every message here.\n⚠️ Before it can, somebody has to grant me **Manage Webhooks** here." in told
    )


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
        typed = "!tz add gardener green thumb https://pictures.example/g.png You grow roses.\n\nYou hate  bees."
        assert "is here" in (await world.hears(typed)).content
        answer = await world.hears("@green thumb hello")
    assert answer.avatar_url == "https://pictures.example/g.png"
    system = [m["content"] for m in world.ai.calls[-1].body["messages"] if m["role"] == "system"]
    assert system == ["You grow roses.\n\nYou hate  bees."]


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

    monkeypatch.setattr("bot.services.people.logins.Logins.status", fail)
    async with world.bot():
        assert "went wrong" in (await world.hears("!tz auth status")).content
    assert "KeyError" in caplog.text
    assert text not in caplog.text


async def test_whoever_gives_too_many_commands_is_told_once_and_with_a_slash_each_time(world: World) -> None:
    world.overrides["user_rate_limit"] = 3
    async with world.bot():
        await world.discord.wait_for_commands()
        for _ in range(3):
            assert "add NAME" in (await world.hears("!tz help")).content
        told = await world.hears("!tz help")
        assert "lost track" in told.content
        assert "<t:" in told.content
        await world.say("!tz help")
        await world.say("!tz nothing-of-mine")
        slash = await world.discord.run_command(world.mira, world.channel, "help", {})
        assert "lost track" in slash.message.content
        assert slash.message.is_ephemeral
        tom = world.discord.add_user("Tom")
        world.discord.join(world.guild, tom)
        answer = await world.hears("!tz help", author=tom)
    assert "add NAME" in answer.content
    assert [m for m in world.spoken(world.channel, told) if "lost track" in m or "nothing-of-mine" in m] == []


async def test_an_alias_that_is_taken_is_refused_with_whose_it_is(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.add("naamah", "nam")
        assert "“lilith” already listens to “lil”." in (await world.hears("!tz alias lilith LIL")).content
        assert "“lil” already stands for “lilith”" in (await world.hears("!tz alias naamah lil")).content
        assert "“lilith” is the name of another personality" in (await world.hears("!tz alias naamah Lilith")).content


async def test_a_slash_in_a_direct_message_gets_the_link_as_its_answer(world: World) -> None:
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.discord.wait_for_commands()
        done = await world.discord.run_command(world.mira, dm, "auth start")
        assert "/authorize?app_id=" in done.content
        assert done.is_ephemeral
        assert not world.discord.messages(dm)
