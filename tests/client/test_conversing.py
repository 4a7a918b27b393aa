"""Who goes on being answered without calling anybody, and what those are told whom nobody answers."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.discord import Channel, Permission, Upload
from tests.client.conftest import World


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    """Mira is logged in and verified, and has added Lilith, called lil."""
    world.ai.answers = lambda question: f"echo {question}"
    async with world.bot():
        await world.settle()
        yield world


@pytest.fixture
def dm(home: World) -> Channel:
    return home.discord.dm_channel(home.mira)


async def nobody_answers(world: World, content: str, channel: Channel) -> bool:
    """Whether nothing is said to it before the next command is answered."""
    said = await world.say(content, channel=channel)
    pong = await world.hears("!tz ping", channel=channel)
    return world.spoken(channel, said) == [pong.content]


async def test_with_autorespond_one_mention_is_enough_until_it_is_turned_off(home: World) -> None:
    await home.hears("!tz autorespond on")
    await home.hears("@lil hello")
    assert (await home.hears("how are you?")).content == "echo how are you?"
    await home.hears("!tz autorespond off")
    assert await nobody_answers(home, "and now?", home.channel)


async def test_a_conversation_that_is_reset_is_over(home: World) -> None:
    await home.hears("!tz autorespond on")
    await home.hears("@lil hello")
    await home.hears("!tz reset lil")
    assert await nobody_answers(home, "still there?", home.channel)


async def test_a_conversation_is_only_its_authors(home: World) -> None:
    theo = home.discord.add_user("Theo")
    home.discord.join(home.guild, theo)
    await home.hears("!tz autorespond on")
    await home.hears("@lil hello")
    said = await home.say("nobody in particular", author=theo)
    pong = await home.hears("!tz ping")
    assert home.spoken(home.channel, said) == [pong.content]


async def test_in_direct_messages_the_last_one_goes_on_answering(home: World, dm: Channel) -> None:
    home.ai.profiles["baba-yaga"] = {"name": "Baba Yaga"}
    await home.hears("!tz add baba-yaga")
    assert (await home.hears("@lil hello", channel=dm)).content == "**Lilith:** echo @lil hello"
    assert (await home.hears("and then?", channel=dm)).content == "**Lilith:** echo and then?"
    await home.hears("@baba yaga!", channel=dm)
    assert (await home.hears("and you?", channel=dm)).content == "**Baba Yaga:** echo and you?"


async def test_two_messages_in_a_row_are_both_answered_though_the_second_calls_nobody(home: World, dm: Channel) -> None:
    home.ai.faults.delay(0.2)
    first = await home.say("@lil hello", channel=dm)
    await home.say("I forgot to say", channel=dm)
    answer = await home.next(dm, first)
    assert (await home.next(dm, answer)).content == "**Lilith:** echo I forgot to say"


async def test_after_a_restart_a_conversation_goes_on_with_what_was_written_meanwhile(world: World) -> None:
    world.ai.answers = lambda question: f"echo {question}"
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.settle()
        await world.hears("!tz autorespond on")
        await world.hears("@lil hello")
        await world.hears("@lil hello", channel=dm)
    missed = [await world.say("are you still there?"), await world.say("are you still there?", channel=dm)]
    async with world.bot():
        assert (await world.next(world.channel, missed[0])).content == "echo are you still there?"
        assert (await world.next(dm, missed[1])).content == "**Lilith:** echo are you still there?"
        assert (await world.hears("and now?")).content == "echo and now?"


async def test_in_direct_messages_a_stranger_is_told_what_to_do_first_and_not_again(home: World) -> None:
    theo = home.discord.add_user("Theo")
    dm = home.discord.dm_channel(theo)
    hint = await home.hears("hello?", channel=dm, author=theo)
    assert "auth start" in hint.content
    assert "`!tz verify` in an age-restricted channel" in hint.content
    said = await home.say("hello??", channel=dm, author=theo)
    help_text = await home.hears("!tz help", channel=dm, author=theo)
    assert home.spoken(dm, said) == [help_text.content]


async def test_in_direct_messages_someone_who_may_talk_is_told_how(home: World, dm: Channel) -> None:
    hint = await home.hears("hello?", channel=dm)
    assert "`@` and a name" in hint.content
    assert not hint.pinged_ids


@pytest.mark.parametrize("form", ["<@{id}>", " <@!{id}> ", "<@&{role}>", "<@{id}> hello there"])
async def test_who_calls_the_bot_itself_is_told_how_to_talk_once(home: World, form: str) -> None:
    bot = home.discord.bot_user
    (role,) = home.guild.members[bot.id].roles
    ping = form.format(id=bot.id, role=role.id)
    hint = await home.hears(ping)
    assert "To talk to a personality" in hint.content
    assert await nobody_answers(home, ping, home.channel)
    assert await nobody_answers(home, f"look at {ping}", home.channel)


async def test_a_reply_to_a_removed_personality_is_told_so_once(home: World) -> None:
    answer = await home.hears("@lil hello")
    await home.hears("!tz remove lil")
    told = await home.hears("are you there?", reply_to=answer)
    assert "Lilith has been removed" in told.content
    said = await home.say("hello?", reply_to=answer)
    pong = await home.hears("!tz ping")
    assert home.spoken(home.channel, said) == [pong.content]


async def test_a_message_changed_within_a_minute_is_answered_as_it_reads_then(home: World) -> None:
    said = await home.say("lil, are you there?")
    await home.discord.edit(said, "@lil, are you there?")
    answer = await home.next(home.channel, said)
    assert answer.content == "echo @lil, are you there?"
    assert (answer.webhook_id or 0) > 0
    await home.discord.edit(said, "@lil, are you really there?")
    pong = await home.hears("!tz ping")
    assert home.spoken(home.channel, answer) == [pong.content]


async def test_a_preview_of_a_link_is_no_change_of_the_message(home: World) -> None:
    said = await home.say("https://example.org/@lil")
    await home.discord.unfurl(said, [{"type": "rich", "title": "@lil", "url": "https://example.org/@lil"}])
    pong = await home.hears("!tz ping")
    assert home.spoken(home.channel, said) == [pong.content]


async def test_a_message_changed_after_a_restart_is_answered_too(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        said = await world.say("lil, are you there?")
        await world.hears("!tz ping")
    async with world.bot():
        await world.discord.edit(said, "@lil, are you there?")
        answer = await world.discord.wait_for_message(world.channel, said, where=lambda m: m.webhook_id is not None)
        assert answer.author_name == "Lilith"


async def test_a_command_that_is_changed_is_not_answered_a_second_time(home: World) -> None:
    said = await home.say("!tz ping")
    await home.next(home.channel, said)
    await home.discord.edit(said, "@lil hello")
    pong = await home.hears("!tz ping")
    assert home.spoken(home.channel, said)[1:] == [pong.content]


async def test_a_message_changed_too_late_is_left_alone(world: World) -> None:
    world.overrides["edit_limit_seconds"] = 0.001
    async with world.bot():
        await world.log_in()
        await world.add()
        said = await world.say("lil, are you there?")
        await world.hears("!tz ping")
        await world.discord.edit(said, "@lil, are you there?")
        assert await nobody_answers(world, "nobody in particular", world.channel)
        assert not any(m.webhook_id for m in world.discord.messages(world.channel))


async def test_where_the_bot_may_not_write_callers_are_told_by_direct_message(home: World, dm: Channel) -> None:
    await home.hears("!tz activate lil")
    home.discord.overwrite(home.channel, home.discord.bot_user, deny=Permission.SEND_MESSAGES)
    await home.say("nobody in particular")
    said = await home.say("@lil hello")
    await home.say("@lil hello?")
    told = await home.next(dm, said)
    assert f"<#{home.channel.id}>" in told.content
    assert not told.pinged_ids
    await home.hears("!tz ping", channel=dm)
    assert len([m for m in home.discord.messages(dm) if "may not write" in m.content]) == 1
    assert not [call for call in home.ai.calls if call.route == "chat"]


async def test_who_takes_no_direct_messages_is_not_told_and_nothing_breaks(home: World) -> None:
    home.discord.overwrite(home.channel, home.discord.bot_user, deny=Permission.SEND_MESSAGES)
    home.discord.block_dms(home.mira)
    await home.say("@lil hello")
    await home.hears("!tz ping", channel=home.discord.add_channel(home.guild, "elsewhere"))
    home.discord.overwrite(home.channel, home.discord.bot_user)
    assert (await home.hears("@lil hello again")).content == "echo @lil hello again"


async def test_a_message_changed_while_nobody_listened_is_answered_as_it_reads_then_once(world: World) -> None:
    world.ai.answers = lambda question: f"echo {question}"
    async with world.bot():
        await world.log_in()
        await world.add()
        await world.hears("@lil hello")
        said = [await world.say(f"lil, number {number}") for number in range(2)]
        await world.hears("!tz ping")
    await world.discord.edit(said[0], "@lil, number 0")
    await world.discord.edit(said[1], "still nobody")
    for _ in range(2):
        async with world.bot():
            await world.discord.wait_for_message(world.channel, said[0], where=lambda m: m.webhook_id is not None)
            await world.hears("@lil the end")
    texts = [text for text in world.spoken(world.channel, said[0]) if text.startswith("echo")]
    assert texts == ["echo @lil, number 0", "echo @lil the end", "echo @lil the end"]


async def test_a_picture_without_words_belongs_to_a_conversation(home: World, dm: Channel) -> None:
    await home.hears("@lil hello", channel=dm)
    picture = Upload("cat.png", "image/png")
    assert (await home.hears("", channel=dm, attachments=[picture])).content.startswith("**Lilith:**")
    assert home.ai.calls[-1].body["messages"][-1]["content"][-1]["type"] == "image_url"


async def test_someone_who_is_banned_gets_no_answer_no_hint_and_no_word_about_a_change(home: World) -> None:
    theo = home.discord.add_user("Theo")
    home.discord.join(home.guild, theo)
    await home.log_in(theo)
    await home.hears("!tz autorespond on", author=theo)
    await home.hears("@lil hello", author=theo)
    home.discord.set_permissions(home.guild, home.mira, Permission.ADMINISTRATOR)
    await home.hears(f"!tz blacklist add {theo.id}")
    said = await home.say("still there?", author=theo)
    await home.say(f"<@{home.discord.bot_user.id}>", author=theo)
    await home.discord.edit(said, "@lil still there?")
    pong = await home.hears("!tz ping")
    assert home.spoken(home.channel, said) == [pong.content]
