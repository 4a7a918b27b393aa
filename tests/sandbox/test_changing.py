"""Changing and deleting what the bot and its webhooks have said, also when Discord answers badly."""

from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest

from bot.sandbox.bell import Bell
from tests.sandbox.conftest import Home, TinyBot, connected
from tests.sandbox.test_rest import hook

EDIT = "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"


@pytest.fixture
async def webhook(home: Home) -> AsyncIterator[discord.Webhook]:
    async with aiohttp.ClientSession() as session:
        yield await hook(home, session)


def shown(home: Home) -> list[str]:
    return [message.content for message in home.sandbox.messages(home.channel)]


async def changed(bot: TinyBot) -> tuple[list[discord.RawMessageUpdateEvent], Bell]:
    events: list[discord.RawMessageUpdateEvent] = []
    bell = Bell()

    @bot.listen()
    async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
        events.append(event)
        bell.ring()

    return events, bell


async def test_an_edit_of_a_webhooks_message_is_told_to_the_bot(home: Home, webhook: discord.Webhook) -> None:
    async with connected(home.sandbox) as bot:
        events, bell = await changed(bot)
        said = await webhook.send("boo", username="Ghost", wait=True)
        edited = await webhook.edit_message(
            said.id, content="boo again", allowed_mentions=discord.AllowedMentions.none()
        )
        await bell.wait_until(lambda: events, timeout_seconds=5, what="the update")
        assert (events[0].message_id, events[0].message.content) == (said.id, "boo again")
        assert events[0].message.webhook_id == webhook.id
        assert (edited.author.name, edited.edited_at is not None) == ("Ghost", True)
        assert shown(home) == ["boo again"]


async def test_a_webhooks_message_in_a_thread_is_changed_only_with_the_thread(
    home: Home, webhook: discord.Webhook
) -> None:
    thread = home.sandbox.add_thread(home.channel, "corner")
    said = await webhook.send("boo", wait=True, thread=discord.Object(thread.id))
    with pytest.raises(discord.NotFound) as missing:
        await webhook.edit_message(said.id, content="boo again")
    assert missing.value.code == 10008
    await webhook.edit_message(said.id, content="boo again", thread=discord.Object(thread.id))
    assert [message.content for message in home.sandbox.messages(thread)] == ["boo again"]
    await webhook.delete_message(said.id, thread=discord.Object(thread.id))
    assert home.sandbox.messages(thread) == []


async def test_an_edit_that_fails_changes_nothing_and_a_lost_answer_hides_one_that_did(
    home: Home, webhook: discord.Webhook
) -> None:
    said = await webhook.send("boo", wait=True)
    home.sandbox.faults.fail("PATCH", EDIT, 400)
    with pytest.raises(discord.HTTPException):
        await webhook.edit_message(said.id, content="refused")
    assert shown(home) == ["boo"]
    home.sandbox.faults.limit("PATCH", EDIT, 0.05)
    await webhook.edit_message(said.id, content="after a pause")
    assert shown(home) == ["after a pause"]
    home.sandbox.faults.lose_answer("PATCH", EDIT, 400)
    with pytest.raises(discord.HTTPException):
        await webhook.edit_message(said.id, content="unheard")
    assert shown(home) == ["unheard"]
    home.sandbox.faults.lose_answer("DELETE", EDIT, 400)
    with pytest.raises(discord.HTTPException):
        await webhook.delete_message(said.id)
    assert shown(home) == []


async def test_an_edit_keeps_the_files_that_it_lists(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        dm = await (await bot.fetch_user(home.mira.id)).create_dm()
        said = await dm.send("files", files=[discord.File(__file__, "a.txt"), discord.File(__file__, "b.txt")])
        said = await said.edit(content="still two")
        assert [attachment.filename for attachment in said.attachments] == ["a.txt", "b.txt"]
        said = await said.edit(attachments=said.attachments[1:])
        assert [attachment.filename for attachment in said.attachments] == ["b.txt"]


async def test_the_bot_changes_and_deletes_its_own_direct_messages_and_nobody_elses(home: Home) -> None:
    place = home.sandbox.dm_channel(home.mira)
    async with connected(home.sandbox) as bot:
        asked = await home.sandbox.post(place, home.mira, "hello")
        said = await (await bot.fetch_user(home.mira.id)).send("hi")
        await said.edit(content="hi, Mira")
        assert [message.content for message in home.sandbox.messages(place)] == ["hello", "hi, Mira"]
        await said.delete()
        heard = await bot.until_heard(asked.id)
        with pytest.raises(discord.Forbidden) as others:
            await heard.delete()
        assert others.value.code == 50003
        with pytest.raises(discord.Forbidden) as edit:
            await heard.edit(content="no")
        assert edit.value.code == 50005
        assert [message.content for message in home.sandbox.messages(place)] == ["hello"]


async def test_a_webhooks_message_takes_reactions(home: Home, webhook: discord.Webhook) -> None:
    async with connected(home.sandbox) as bot:
        heard: list[discord.RawReactionActionEvent] = []
        bell = Bell()

        @bot.listen()
        async def on_raw_reaction_add(event: discord.RawReactionActionEvent) -> None:
            heard.append(event)
            bell.ring()

        said = await webhook.send("boo", username="Ghost", wait=True)
        ghost = next(message for message in home.sandbox.messages(home.channel) if message.id == said.id)
        await home.sandbox.react(home.mira, ghost, "🗑️")
        await bell.wait_until(lambda: heard, timeout_seconds=5, what="the reaction")
        assert (heard[0].message_id, heard[0].user_id, heard[0].message_author_id) == (said.id, home.mira.id, None)
