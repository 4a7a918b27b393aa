"""What people write besides plain text, and where: files, previews, forwards, forum posts."""

import aiohttp
import discord
import pytest

from bot.sandbox.discord import Upload, Webhook
from tests.sandbox.conftest import Home, connected

LINK = {"type": "link", "title": "Moths", "description": "All about moths.", "url": "https://moths.example"}


async def test_a_message_may_be_a_file_alone(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        said = await home.sandbox.post(home.channel, home.mira, "", attachments=[Upload("moth.png", "image/png", 512)])
        heard = await bot.until_heard(said.id)
        (attachment,) = heard.attachments
        assert (heard.content, attachment.filename, attachment.content_type, attachment.size) == (
            "", "moth.png", "image/png", 512
        )  # fmt: skip
        assert attachment.url.startswith("https://cdn.sandbox.invalid/attachments/")
        with pytest.raises(ValueError, match="1 to 2000"):
            await home.sandbox.post(home.channel, home.mira, " ")


async def test_a_bot_may_write_an_embed_alone(home: Home) -> None:
    other = home.sandbox.add_user("Moth facts", is_bot=True)
    home.sandbox.join(home.guild, other)
    async with connected(home.sandbox) as bot:
        said = await home.sandbox.post(home.channel, other, "", embeds=[{**LINK, "type": "rich"}])
        assert [embed.title for embed in (await bot.until_heard(said.id)).embeds] == ["Moths"]


async def test_the_preview_of_a_link_is_no_edit(home: Home) -> None:
    changes: list[discord.RawMessageUpdateEvent] = []
    async with connected(home.sandbox) as bot:

        @bot.listen()
        async def on_raw_message_edit(event: discord.RawMessageUpdateEvent) -> None:
            changes.append(event)

        said = await home.sandbox.post(home.channel, home.mira, "see https://moths.example")
        await home.sandbox.unfurl(said, [LINK])
        await home.sandbox.edit(said, "look at https://moths.example")
        await bot.until_heard((await home.sandbox.post(home.channel, home.mira, "after it")).id)
        unfurled, edited = changes
        assert (unfurled.message.edited_at, unfurled.message.embeds[0].title) == (None, "Moths")
        assert edited.message.edited_at is not None
        assert (edited.message.content, len(edited.message.embeds)) == ("look at https://moths.example", 1)


async def test_a_forwarded_message_comes_as_a_snapshot(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        said = await home.sandbox.post(home.channel, home.mira, "hello", attachments=[Upload("moth.png", "image/png")])
        forwarded = await home.sandbox.forward(home.sandbox.dm_channel(home.mira), home.mira, said)
        heard = await bot.until_heard(forwarded.id)
        (snapshot,) = heard.message_snapshots
        assert (heard.content, snapshot.content, snapshot.attachments[0].filename) == ("", "hello", "moth.png")


async def test_a_forum_post_is_a_thread_whose_first_message_has_its_id(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        forum = home.sandbox.add_forum(home.guild, "gallery", nsfw=True)
        post = home.sandbox.add_post(forum, home.mira, "Moths", "Which is this?")
        heard = await bot.until_heard(post.id)
        assert isinstance(heard.channel, discord.Thread)
        assert isinstance(heard.channel.parent, discord.ForumChannel)
        assert (heard.channel.id, heard.channel.is_nsfw()) == (post.id, True)
        with pytest.raises(PermissionError):
            await home.sandbox.post(forum, home.mira, "not here")


async def test_a_webhook_of_a_forum_speaks_only_in_its_posts(home: Home) -> None:
    forum = home.sandbox.add_forum(home.guild, "gallery", nsfw=True)
    post = home.sandbox.add_post(forum, home.mira, "Moths", "Which is this?")
    async with connected(home.sandbox) as bot, aiohttp.ClientSession() as session:
        channel = bot.get_channel(forum.id)
        assert isinstance(channel, discord.ForumChannel)
        webhook = await channel.create_webhook(name="Voices")
        assert isinstance(home.sandbox.webhooks(forum)[0], Webhook)
        assert webhook.token
        voice = discord.Webhook.partial(webhook.id, webhook.token, session=session)
        said = await voice.send("a hawk moth", wait=True, thread=discord.Object(post.id), username="Ghost")
        await voice.edit_message(said.id, content="an owl moth", thread=discord.Object(post.id))
        assert [message.content for message in home.sandbox.messages(post)] == ["Which is this?", "an owl moth"]
        with pytest.raises(discord.HTTPException) as refused:
            await voice.send("to nobody", wait=True)
        assert refused.value.code == 220001
