"""From a message on the gateway to a personality's answer through its webhook."""

from collections.abc import AsyncIterator

import pytest

from bot.sandbox.discord import Message, Permission, User
from bot.sandbox.discord.messages import publish
from tests.client.conftest import World

QUIET: dict[str, object] = {"parse": []}


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    """Mira is logged in and has added Lilith, called lil."""
    world.ai.answers = lambda question: f"You said: {question}"
    async with world.bot():
        await world.log_in()
        await world.add()
        yield world


async def test_a_mention_is_answered_under_name_and_avatar_and_pings_nobody(home: World) -> None:
    home.ai.answers = lambda _: f"Hello <@{home.mira.id}> and @everyone"
    answer = await home.hears("@lil, how are you?")
    assert answer.webhook_id
    assert answer.author_name == "Lilith"
    assert answer.avatar_url
    assert answer.content == f"Hello <@{home.mira.id}> and @everyone"
    assert answer.allowed_mentions == QUIET
    assert not answer.pinged_ids
    assert not answer.pings_everyone


async def test_a_reply_to_a_personality_is_answered_by_it(home: World) -> None:
    first = await home.hears("@lil hello")
    assert (await home.hears("and then?", reply_to=first)).author_name == "Lilith"


async def test_an_active_personality_answers_everything_until_it_is_deactivated(home: World) -> None:
    await home.hears("!tz activate lil")
    assert (await home.hears("nobody in particular")).author_name == "Lilith"
    assert "no longer" in (await home.hears("!tz deactivate")).content
    said = await home.say("nobody in particular")
    pong = await home.hears("!tz ping")
    assert [m.id for m in home.discord.messages(home.channel) if m.id > said.id and m.author.is_bot] == [pong.id]


async def test_a_thread_is_answered_through_its_parents_webhook(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    outside = await home.hears("@lil hello")
    inside = await home.hears("@lil hello", channel=thread)
    assert inside.channel_id == thread.id
    assert inside.webhook_id == outside.webhook_id


async def test_a_direct_message_is_answered_with_the_name_in_front_once_the_user_is_verified(home: World) -> None:
    dm = home.discord.dm_channel(home.mira)
    assert "verif" in (await home.hears("@lil hello", channel=dm)).content
    assert "verified" in (await home.hears("!tz verify")).content
    answer = await home.hears("@lil hello", channel=dm)
    assert answer.content.startswith("**Lilith:** You said: ")
    assert answer.allowed_mentions == QUIET
    assert answer.nonce


async def test_a_reply_in_a_direct_message_is_answered_by_who_spoke(home: World) -> None:
    dm = home.discord.dm_channel(home.mira)
    await home.hears("!tz verify")
    first = await home.hears("@lil hello", channel=dm)
    answer = await home.hears("and then?", channel=dm, reply_to=first)
    assert answer.content.startswith("**Lilith:** You said: ")
    assert answer.content.endswith("and then?")


async def test_a_long_answer_is_split_and_every_part_is_known_as_the_personalitys(home: World) -> None:
    text = "\n\n".join(f"Paragraph {number}: " + "word " * 150 for number in range(6))
    home.ai.answers = lambda _: text
    said = await home.say("@lil tell me everything")
    parts: list[Message] = []
    while len(" ".join(part.content for part in parts).split()) < len(text.split()):
        parts.append(await home.next(home.channel, parts[-1] if parts else said))
    assert len(parts) > 1
    assert max(len(part.content) for part in parts) <= 2000
    home.ai.answers = lambda _: "Yes."
    assert (await home.hears("really?", reply_to=parts[0])).content == "Yes."


async def test_the_typing_indicator_shows_while_the_personality_thinks(home: World) -> None:
    await home.hears("@lil hello")
    assert [typing.channel_id for typing in home.discord.typing] == [home.channel.id]


async def test_other_bots_and_webhooks_are_never_answered(home: World) -> None:
    robot = home.discord.add_user("Robot", is_bot=True)
    home.discord.join(home.guild, robot)
    said = await home.say("@lil hello", author=robot)
    await home.say("!tz ping", author=robot)
    pong = await home.hears("!tz ping")
    assert [m.id for m in home.discord.messages(home.channel) if m.id > said.id and m.author == pong.author] == [
        pong.id
    ]


async def test_a_webhook_that_someone_deleted_is_made_again(home: World) -> None:
    first = await home.hears("@lil hello")
    home.discord.delete_webhook(home.discord.webhooks(home.channel)[0])
    second = await home.hears("@lil hello")
    assert second.webhook_id != first.webhook_id


async def test_two_threads_at_once_notice_a_deleted_webhook_and_share_the_new_one(home: World) -> None:
    threads = [home.discord.add_thread(home.channel, name) for name in ("one", "two", "three")]
    await home.hears("@lil hello")
    home.discord.delete_webhook(home.channel)
    said = [await home.say("@lil hello", channel=thread) for thread in threads]
    answers = [await home.next(thread, message) for thread, message in zip(threads, said, strict=True)]
    assert [answer.author_name for answer in answers] == ["Lilith"] * 3
    assert len(home.discord.webhooks(home.channel)) == 1


async def test_where_the_bot_may_not_write_its_webhook_is_silent_too(home: World) -> None:
    home.discord.overwrite(home.channel, home.discord.bot_user, deny=Permission.SEND_MESSAGES)
    thread = home.discord.add_thread(home.channel, "may still be written in")
    await home.say("@lil hello")
    assert (await home.hears("@lil hello", channel=thread)).author_name == "Lilith"
    assert len([call for call in home.ai.calls if call.route == "chat"]) == 1


async def test_a_reply_to_a_persons_proxy_of_the_same_name_is_not_for_the_personality(home: World) -> None:
    state = home.discord._state
    face = User(state.snowflakes.next(), "Lilith", is_bot=True, is_webhook=True)
    proxied = Message(
        state.snowflakes.next(),
        home.channel.id,
        face,
        "a person speaks",
        guild_id=home.guild.id,
        webhook_id=face.id,
        application_id=466378653216014359,
    )
    publish(state, proxied)
    await home.say("hello you", reply_to=proxied)
    await home.hears("@lil hello")  # answered after the reply would have been
    assert [call.question for call in home.ai.calls if call.route == "chat"] == ["@lil hello"]


async def test_without_manage_webhooks_the_author_is_told_what_is_missing(home: World) -> None:
    home.discord.set_permissions(home.guild, home.discord.bot_user, Permission.NONE)
    answer = await home.hears("@lil hello")
    assert not answer.webhook_id
    assert "Manage Webhooks" in answer.content


async def test_a_failing_ai_service_gives_its_author_a_sentence(home: World) -> None:
    home.ai.faults.fail(503)
    answer = await home.hears("@lil hello")
    assert not answer.webhook_id
    assert answer.reply_to_id
    assert not answer.pinged_ids


async def test_nobody_is_answered_outside_of_an_nsfw_channel(home: World) -> None:
    plain = home.discord.add_channel(home.guild, "lobby")
    assert "age-restricted" in (await home.hears("@lil hello", channel=plain)).content


async def test_a_message_that_arrives_twice_is_answered_once(home: World) -> None:
    said = await home.say("@lil hello")
    home.discord.redeliver(said)
    answer = await home.next(home.channel, said)
    pong = await home.hears("!tz ping")
    after = [m.id for m in home.discord.messages(home.channel) if m.id > said.id and m.author_id != home.mira.id]
    assert after == [answer.id, pong.id]
    assert len([call for call in home.ai.calls if call.route == "chat"]) == 1


async def test_a_command_that_arrives_twice_is_carried_out_once(home: World) -> None:
    said = await home.say("!tz ping")
    home.discord.redeliver(said)
    pong = await home.next(home.channel, said)
    answer = await home.hears("@lil hello")
    after = [m.id for m in home.discord.messages(home.channel) if m.id > said.id and m.author_id != home.mira.id]
    assert after == [pong.id, answer.id]


async def test_two_channels_are_answered_side_by_side(home: World) -> None:
    other = home.discord.add_channel(home.guild, "elsewhere", nsfw=True)
    home.ai.faults.delay(0.3)
    first, second = await home.say("@lil slow"), await home.say("@lil quick", channel=other)
    assert (await home.next(other, second)).author_name == "Lilith"
    assert (await home.next(home.channel, first)).author_name == "Lilith"


async def test_a_restart_makes_no_second_webhook(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        first = await world.hears("@lil hello")
    async with world.bot():
        second = await world.hears("@lil hello again")
        assert (await world.hears("and?", reply_to=first)).author_name == "Lilith"
    assert second.webhook_id == first.webhook_id


async def test_a_thread_that_the_bot_has_never_heard_of_is_looked_up(
    home: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(home.discord._state, "emit", lambda _: None)
        thread = home.discord.add_thread(home.channel, "private")
    answer = await home.hears("@lil hello", channel=thread)
    assert (answer.author_name, answer.channel_id) == ("Lilith", thread.id)


async def test_a_channel_full_of_webhooks_gets_a_sentence(home: World) -> None:
    home.discord.faults.fail("POST", "/channels/{channel_id}/webhooks", 400, code=30007)
    assert "as many webhooks" in (await home.hears("@lil hello")).content


async def test_what_discord_did_not_take_is_told_to_the_author(home: World) -> None:
    await home.hears("@lil hello")
    home.discord.faults.fail("POST", "/webhooks/{webhook_id}/{webhook_token}", 400)
    assert "status 400" in (await home.hears("@lil hello")).content


async def test_a_name_that_discord_forbids_for_webhooks_is_still_spoken_under(home: World) -> None:
    home.ai.profiles["clyde"] = {"name": "Clyde of Discord"}
    await home.hears("!tz add clyde")
    answer = await home.hears("@clyde hello")
    assert answer.webhook_id
    assert "clyde" not in answer.author_name.lower()
