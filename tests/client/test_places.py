"""Threads, forums and channels that someone closes: where personalities speak, and through which webhook."""

import pytest

from bot.sandbox.discord import Channel, Permission
from tests.client.conftest import World


@pytest.fixture
def forum(home: World) -> Channel:
    return home.discord.add_forum(home.guild, "stories", nsfw=True)


@pytest.fixture
def dm(home: World) -> Channel:
    return home.discord.dm_channel(home.mira)


async def nobody_answers(world: World, channel: Channel, content: str = "nobody in particular") -> bool:
    said = await world.say(content, channel=channel)
    pong = await world.hears("!tz ping", channel=channel)
    return world.spoken(channel, said) == [pong.content]


async def test_a_thread_has_its_parents_personality_until_it_gets_its_own(home: World) -> None:
    home.ai.profiles["baba-yaga"] = {"name": "Baba Yaga"}
    await home.hears("!tz add baba-yaga baba")
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    await home.hears("!tz activate lil")
    assert (await home.hears("hello", channel=thread)).author_name == "Lilith"
    await home.hears("!tz activate baba", channel=thread)
    assert (await home.hears("hello", channel=thread)).author_name == "Baba Yaga"
    assert (await home.hears("hello")).author_name == "Lilith"


async def test_a_thread_that_was_activated_does_not_speak_for_its_channel(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    await home.hears("!tz activate lil", channel=thread)
    assert (await home.hears("hello", channel=thread)).author_name == "Lilith"
    assert await nobody_answers(home, home.channel)


async def test_a_thread_is_as_age_restricted_as_its_parent(home: World) -> None:
    plain = home.discord.add_channel(home.guild, "lobby")
    thread = home.discord.add_thread(plain, "a quiet corner")
    assert "age-restricted" in (await home.hears("@lil hello", channel=thread)).content


async def test_a_conversation_in_a_thread_stays_there(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    await home.hears("!tz autorespond on")
    await home.hears("@lil hello", channel=thread)
    assert (await home.hears("how are you?", channel=thread)).content == "echo how are you?"
    assert await nobody_answers(home, home.channel)


async def test_the_first_message_of_a_forum_post_is_answered_in_the_post(home: World, forum: Channel) -> None:
    post = home.discord.add_post(forum, home.mira, "Once upon a time", "@lil tell me a story")
    answer = await home.next(post, next(iter(home.discord.messages(post))))
    assert (answer.author_name, answer.channel_id) == ("Lilith", post.id)
    assert (await home.hears("and then?", channel=post, reply_to=answer)).author_name == "Lilith"
    assert len(home.discord.webhooks(forum)) == 1


async def test_an_activated_forum_post_is_answered_and_the_others_are_not(home: World, forum: Channel) -> None:
    post = home.discord.add_post(forum, home.mira, "Once upon a time", "a story")
    other = home.discord.add_post(forum, home.mira, "Another time", "a story")
    await home.hears("!tz activate lil", channel=post)
    assert (await home.hears("go on", channel=post)).author_name == "Lilith"
    assert await nobody_answers(home, other)


async def test_a_forum_that_is_not_age_restricted_is_refused(home: World) -> None:
    plain = home.discord.add_forum(home.guild, "news")
    post = home.discord.add_post(plain, home.mira, "Today", "@lil hello")
    told = await home.next(post, next(iter(home.discord.messages(post))))
    assert "age-restricted" in told.content


@pytest.mark.parametrize("kind", ["thread", "post"])
async def test_where_the_webhook_was_deleted_by_hand_there_is_one_answer_through_a_new_one(
    home: World, forum: Channel, kind: str
) -> None:
    parent = home.channel if kind == "thread" else forum
    is_thread = kind == "thread"
    place = (
        home.discord.add_thread(parent, "corner") if is_thread else home.discord.add_post(forum, home.mira, "a", "b")
    )
    first = await home.hears("@lil hello", channel=place)
    home.discord.delete_webhook(parent)
    said = await home.say("@lil hello again", channel=place)
    second = await home.next(place, said)
    assert second.webhook_id != first.webhook_id
    await home.hears("!tz ping", channel=place)
    assert [text for text in home.spoken(place, said) if text.startswith("echo")] == ["echo @lil hello again"]
    assert len(home.discord.webhooks(parent)) == 1


async def test_a_webhook_that_is_deleted_between_two_parts_of_an_answer_is_replaced(home: World) -> None:
    parts = ["a " * 900, "b " * 900, "c " * 900]
    home.ai.answers = lambda _: "\n\n".join(parts)
    deleted: list[int] = []

    def delete_once() -> bool:
        spoken = [m for m in home.discord.messages(home.channel) if m.webhook_id]
        if spoken and not deleted:
            deleted.append(spoken[0].webhook_id or 0)
            home.discord.delete_webhook(home.channel)
        return len(spoken) == len(parts)

    said = await home.say("@lil tell me everything")
    await home.discord.wait_until(delete_once)
    assert [text.strip() for text in home.spoken(home.channel, said)] == [part.strip() for part in parts]
    assert len(home.discord.webhooks(home.channel)) == 1


async def test_an_archived_thread_opens_again_with_a_message_and_is_answered(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    await home.hears("@lil hello", channel=thread)
    home.discord.archive(thread)
    assert (await home.hears("@lil still there?", channel=thread)).author_name == "Lilith"


async def test_a_thread_that_is_archived_while_the_ai_thinks_gets_the_answer(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    home.ai.faults.delay(0.2)
    said = await home.say("@lil hello", channel=thread)
    await home.discord.wait_until(lambda: home.discord.typing)
    home.discord.archive(thread)
    assert (await home.next(thread, said)).author_name == "Lilith"


async def test_in_a_locked_thread_who_calls_someone_is_told_by_direct_message(home: World, dm: Channel) -> None:
    home.discord.set_permissions(home.guild, home.mira, Permission.MANAGE_THREADS)
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    home.discord.archive(thread, locked=True)
    said = await home.say("@lil hello", channel=thread)
    assert f"<#{thread.id}>" in (await home.next(dm, said)).content
    assert home.spoken(thread, said) == []


async def test_a_thread_that_is_locked_while_the_ai_thinks_is_told_by_direct_message(home: World, dm: Channel) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    home.ai.faults.delay(0.2)
    said = await home.say("@lil hello", channel=thread)
    await home.discord.wait_until(lambda: home.discord.typing)
    home.discord.archive(thread, locked=True)
    assert "locked" in (await home.next(dm, said)).content
    assert home.spoken(thread, said) == []


async def test_in_a_private_thread_to_which_the_bot_was_added_it_answers_and_elsewhere_it_hears_nothing(
    home: World,
) -> None:
    bot = home.discord.bot_user
    shared = home.discord.add_thread(home.channel, "with the bot", added=[home.mira, bot])
    secret = home.discord.add_thread(home.channel, "without the bot", added=[home.mira])
    unheard = await home.say("@lil hello", channel=secret)
    assert (await home.hears("@lil hello", channel=shared)).author_name == "Lilith"
    assert home.spoken(secret, unheard) == []


async def test_a_thread_that_is_deleted_while_the_ai_thinks_breaks_nothing(home: World) -> None:
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    home.ai.faults.delay(0.2)
    await home.say("@lil hello", channel=thread)
    await home.discord.wait_until(lambda: home.discord.typing)
    home.discord.delete_channel(thread)
    assert (await home.hears("@lil hello")).author_name == "Lilith"


async def test_without_manage_webhooks_the_ai_is_not_asked_and_an_activated_channel_hears_of_it_once(
    home: World,
) -> None:
    await home.hears("!tz activate lil")
    home.discord.permit_bot(home.guild, manage_webhooks=False)
    told = await home.hears("hello")
    assert "Manage Webhooks" in told.content
    assert await nobody_answers(home, home.channel)
    assert "Manage Webhooks" in (await home.hears("@lil hello")).content
    assert not [call for call in home.ai.calls if call.route == "chat"]
    home.discord.permit_bot(home.guild, manage_webhooks=True)
    assert (await home.hears("hello")).author_name == "Lilith"


async def test_a_channel_that_the_bot_may_no_longer_see_while_the_ai_thinks_breaks_nothing(home: World) -> None:
    other = home.discord.add_channel(home.guild, "elsewhere", nsfw=True)
    home.ai.faults.delay(0.2)
    said = await home.say("@lil hello")
    await home.discord.wait_until(lambda: home.discord.typing)
    home.discord.overwrite(home.channel, home.discord.bot_user, deny=Permission.VIEW_CHANNEL)
    assert (await home.hears("@lil hello", channel=other)).author_name == "Lilith"
    assert len(home.spoken(home.channel, said)) <= 1
