"""What the AI service is asked when a message replies to another one, links to one, or shows something."""

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.sandbox.discord import Channel, Message, Permission, User
from bot.sandbox.discord.model import Upload
from bot.sandbox.discord.proxying import Persona
from tests.client.conftest import PATIENCE_SECONDS, World, process

MESSAGE = "/channels/{channel_id}/messages/{message_id}"
MEMBER = "/guilds/{guild_id}/members/{user_id}"
PICTURE, SONG = Upload("moon.png", "image/png"), Upload("song.ogg", "audio/ogg")


@pytest.fixture
async def prepared(world: World) -> World:
    """A bot that has run before and is about to start."""
    async with world.bot():
        await _settle(world)
    return world


@pytest.fixture
async def home(world: World) -> AsyncIterator[World]:
    async with world.bot():
        await _settle(world)
        yield world


async def _settle(world: World) -> None:
    """Mira is logged in and verified, and has added Lilith, called lil."""
    world.ai.answers = lambda _: "Yes."
    await world.settle()
    world.ai.calls.clear()


@pytest.fixture
def theo(world: World) -> User:
    theo = world.discord.add_user("Theo")
    world.discord.join(world.guild, theo)
    return theo


async def asked(world: World, content: str, **more: Any) -> Any:
    """The content of what the AI is asked when Mira says this; the answer came."""
    before = len(world.ai.calls)
    answer = await world.hears(content, **more)
    assert answer.content.endswith("Yes."), answer.content
    (call,) = world.ai.calls[before:]
    return call.body["messages"][-1]["content"]


def link(message: Message, host: str = "discord.com") -> str:
    return f"https://{host}/channels/{message.guild_id or '@me'}/{message.channel_id}/{message.id}"


async def test_words_alone_are_asked_as_they_are(home: World) -> None:
    assert await asked(home, "@lil hello") == "@lil hello"


async def test_a_reply_shows_what_it_replies_to(home: World, theo: User) -> None:
    said = await home.say("Roses are red.", author=theo)
    question = await asked(home, "@lil is that so?", reply_to=said)
    assert question == "> [In reply to what Theo wrote:]\n> Roses are red.\n\n@lil is that so?"


async def test_a_reply_to_a_reply_shows_both_and_no_more(home: World, theo: User) -> None:
    first = await home.say("First.", author=theo)
    second = await home.say("Second.", author=theo, reply_to=first)
    third = await home.say("Third.", reply_to=second)
    assert await asked(home, "@lil who is right?", reply_to=third) == (
        "> [In reply to what Mira wrote:]\n> Third.\n> > [Which replied to what Theo wrote:]\n> > Second.\n\n"
        "@lil who is right?"
    )


async def test_a_reply_to_the_personality_shows_a_little_of_its_own_words(home: World) -> None:
    home.ai.answers = lambda _: "It was long ago. " * 100 + "Yes."
    told = await home.hears("@lil tell me")
    question = await asked(home, "and then?", reply_to=told)
    assert question.startswith("> [In reply to what Lilith wrote:]\n> It was long ago. It was")
    assert question.endswith("\n\nand then?")
    assert len(question) < 400


async def test_in_a_direct_message_a_personality_is_quoted_by_its_name(home: World) -> None:
    dm = home.discord.dm_channel(home.mira)
    told = await home.hears("@lil hello", channel=dm)
    question = await asked(home, "really?", channel=dm, reply_to=told)
    assert question == "> [In reply to what Lilith wrote:]\n> Yes.\n\nreally?"


async def test_a_reply_to_a_deleted_message_is_answered_without_it(home: World, theo: User) -> None:
    said = await home.say("Roses are red.", author=theo)
    await home.discord.delete(said)
    assert await asked(home, "@lil is that so?", reply_to=said) == "@lil is that so?"


@pytest.mark.parametrize("host", ["discord.com", "ptb.discord.com", "canary.discord.com", "discordapp.com"])
async def test_a_link_shows_what_it_leads_to(home: World, theo: User, host: str) -> None:
    elsewhere = home.discord.add_channel(home.guild, "news")
    said = await home.say("It rains.", author=theo, channel=elsewhere)
    text = f"@lil have you seen {link(said, host)}?"
    assert await asked(home, text) == f"> [Linking to what Theo wrote:]\n> It rains.\n\n{text}"


async def test_a_link_to_a_reply_shows_both(home: World, theo: User) -> None:
    elsewhere = home.discord.add_channel(home.guild, "news")
    first = await home.say("Will it rain?", channel=elsewhere)
    said = await home.say("It rains.", author=theo, channel=elsewhere, reply_to=first)
    question = await asked(home, f"@lil {link(said)}")
    assert question.startswith(
        "> [Linking to what Theo wrote:]\n> It rains.\n> > [Which replied to what Mira wrote:]\n"
    )


async def test_a_link_into_a_thread_is_read_too(home: World, theo: User) -> None:
    thread = home.discord.add_thread(home.channel, "corner")
    said = await home.say("It rains.", author=theo, channel=thread)
    assert "> It rains." in await asked(home, f"@lil {link(said)}")


@pytest.mark.parametrize("denied", [Permission.VIEW_CHANNEL, Permission.READ_MESSAGE_HISTORY])
async def test_a_link_into_a_channel_that_its_author_cannot_read_is_not_followed(
    home: World, theo: User, denied: Permission
) -> None:
    secret = home.discord.add_channel(home.guild, "moderators")
    said = await home.say("The password is rose.", author=theo, channel=secret)
    home.discord.overwrite(secret, home.mira, deny=denied)
    text = f"@lil what is in {link(said)}?"
    assert await asked(home, text) == text
    home.discord.overwrite(secret, home.mira, allow=denied)
    assert "> The password is rose." in await asked(home, text)


async def test_a_link_into_a_private_thread_is_followed_only_for_those_in_it(home: World, theo: User) -> None:
    me = home.discord.bot_user
    closed = home.discord.add_thread(home.channel, "theirs", added=[me, theo])
    shared = home.discord.add_thread(home.channel, "ours", added=[me, theo, home.mira])
    for thread, is_shown in ((closed, False), (shared, True)):
        said = await home.say("It rains.", author=theo, channel=thread)
        assert ("It rains." in await asked(home, f"@lil {link(said)}")) is is_shown
    home.discord.set_permissions(home.guild, home.mira, Permission.MANAGE_THREADS)
    said = await home.say("It pours.", author=theo, channel=closed)
    assert "It pours." in await asked(home, f"@lil {link(said)}")


async def test_a_link_into_a_voice_channel_is_followed_for_those_who_may_enter(home: World, theo: User) -> None:
    studio = home.discord.add_voice_channel(home.guild, "studio", nsfw=True)
    said = await home.say("La la la.", author=theo, channel=studio)
    text = f"@lil sing {link(said)}"
    assert "> La la la." in await asked(home, text, channel=studio)
    home.discord.overwrite(studio, home.mira, deny=Permission.CONNECT)
    assert await asked(home, text) == text


async def test_a_link_of_someone_who_has_left_is_not_followed(home: World, theo: User) -> None:
    said = await home.say("It rains.", author=theo)
    home.discord.faults.fail("GET", MEMBER, 404, code=10007)
    assert await asked(home, f"@lil {link(said)}") == f"@lil {link(said)}"


async def test_a_link_into_another_server_is_not_followed_whatever_it_says(home: World, theo: User) -> None:
    orchard = home.discord.add_guild("Orchard")
    trees = home.discord.add_channel(orchard, "trees", nsfw=True)
    for user in (theo, home.mira):
        home.discord.join(orchard, user)
    said = await home.say("It rains.", author=theo, channel=trees)
    text = f"@lil {link(said)}"
    assert await asked(home, text) == text
    forged = text.replace(str(orchard.id), str(home.guild.id))
    assert await asked(home, forged) == forged


async def test_in_a_direct_message_only_links_into_it_are_followed(home: World, theo: User) -> None:
    dm, other = home.discord.dm_channel(home.mira), home.discord.dm_channel(theo)
    here = await home.say("My name is Mira.", channel=dm)
    await home.next(dm, here)
    there = await home.say("My name is Theo.", channel=other, author=theo)
    public = await home.say("It rains.", author=theo)
    assert "> My name is Mira." in await asked(home, f"@lil {link(here)}", channel=dm)
    for said in (there, public):
        assert await asked(home, f"@lil {link(said)}", channel=dm) == f"@lil {link(said)}"
    assert await asked(home, f"@lil {link(here)}") == f"@lil {link(here)}"


async def test_a_link_to_a_deleted_message_is_answered_without_it(home: World, theo: User) -> None:
    said = await home.say("It rains.", author=theo)
    await home.discord.delete(said)
    assert await asked(home, f"@lil {link(said)}") == f"@lil {link(said)}"


async def test_a_link_into_a_channel_that_the_bot_cannot_see_is_answered_without_it(home: World, theo: User) -> None:
    secret = home.discord.add_channel(home.guild, "moderators")
    said = await home.say("It rains.", author=theo, channel=secret)
    home.discord.overwrite(secret, home.discord.bot_user, deny=Permission.VIEW_CHANNEL)
    assert await asked(home, f"@lil {link(said)}") == f"@lil {link(said)}"


@pytest.mark.parametrize("route", [MESSAGE, MEMBER])
async def test_when_discord_does_not_say_in_time_it_is_answered_without_and_in_order(
    prepared: World, theo: User, route: str
) -> None:
    prepared.overrides["quote_timeout_seconds"] = 0.2
    async with prepared.bot():
        said = await prepared.say("It rains.", author=theo)
        prepared.discord.faults.hang("GET", route)
        first = await prepared.say(f"@lil {link(said)}")
        await prepared.say("@lil second")
        await prepared.ai.wait_for_calls(2, route="chat")
        await prepared.discord.wait_for_message(
            prepared.channel, first, timeout_seconds=PATIENCE_SECONDS, where=lambda m: bool(m.webhook_id)
        )
    questions = [call.question for call in prepared.ai.calls if call.route == "chat"]
    unread = "> [Linking to a message that can't be read at the moment]"
    assert questions == [f"{unread}\n\n@lil {link(said)}", "@lil second"]


async def test_what_was_quoted_is_asked_even_if_what_that_replied_to_cannot_be_read(
    prepared: World, theo: User
) -> None:
    prepared.overrides["quote_timeout_seconds"] = 0.2
    async with prepared.bot():
        first = await prepared.say("First.", author=theo)
        second = await prepared.say("Second.", author=theo, reply_to=first)
        prepared.discord.faults.hang("GET", MESSAGE)
        assert await asked(prepared, "@lil well?", reply_to=second) == (
            "> [In reply to what Theo wrote:]\n> Second.\n"
            "> > [Which replied to a message that can't be read at the moment]\n\n@lil well?"
        )


async def test_a_forwarded_message_is_answered_in_an_active_channel(home: World, theo: User) -> None:
    await home.hears("!tz activate lil")
    news = home.discord.add_channel(home.guild, "news")
    said = await home.say("It rains.", author=theo, channel=news)
    home.ai.calls.clear()
    await home.next(home.channel, await home.discord.forward(home.channel, home.mira, said))
    (call,) = home.ai.calls
    assert call.question == "> [Forwarding what was written elsewhere:]\n> It rains."


def rich(**more: Any) -> dict[str, Any]:
    return {"type": "rich", "title": "Rain", "description": "It rains.", **more}


async def test_the_embeds_of_what_is_quoted_are_shown_as_text(home: World) -> None:
    herald = home.discord.add_user("Herald", is_bot=True)
    home.discord.join(home.guild, herald)
    fields = [{"name": "Where", "value": "Everywhere", "inline": True}]
    box = rich(author={"name": "The Gazette"}, fields=fields, footer={"text": "page 3"})
    said = await home.say("", author=herald, embeds=[box])
    assert await asked(home, "@lil true?", reply_to=said) == (
        "> [In reply to what Herald wrote:]\n> The Gazette\n> Rain\n> It rains.\n> Where: Everywhere\n> page 3"
        "\n\n@lil true?"
    )


def parts(text: str, kind: str, url: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": text}, {"type": f"{kind}_url", f"{kind}_url": {"url": url}}]


@pytest.mark.parametrize(
    ("upload", "kind"),
    [
        (PICTURE, "image"),
        (SONG, "audio"),
        (Upload("voice-message.ogg", "audio/ogg; codecs=opus"), "audio"),
        (Upload("moon.WEBP"), "image"),
        (Upload("song.mp3"), "audio"),
    ],
)
async def test_one_image_or_recording_goes_with_the_words(home: World, upload: Upload, kind: str) -> None:
    content = await asked(home, "@lil what is this?", attachments=[Upload("notes.txt", "text/plain"), upload, PICTURE])
    url = _sent(home).attachments[1]["url"]
    assert content == parts("@lil what is this?", kind, url)


async def test_other_files_change_nothing(home: World) -> None:
    files = [Upload("notes.txt", "text/plain"), Upload("film.mp4", "video/mp4"), Upload("data")]
    assert await asked(home, "@lil what is this?", attachments=files) == "@lil what is this?"


async def test_a_message_without_words_is_answered_if_it_shows_something(home: World) -> None:
    told = await home.hears("@lil hello")
    content = await asked(home, "", attachments=[PICTURE], reply_to=told)
    assert content[0]["text"] == "> [In reply to what Lilith wrote:]\n> Yes.\n\n[An image, without words]"
    assert content[1]["type"] == "image_url"


async def test_the_picture_of_what_is_quoted_is_shown_unless_the_author_shows_one(home: World, theo: User) -> None:
    said = await home.say("My cat.", author=theo, attachments=[PICTURE])
    theirs = await asked(home, "@lil cute?", reply_to=said)
    text = "> [In reply to what Theo wrote, with an image:]\n> My cat.\n\n@lil cute?"
    assert theirs == parts(text, "image", said.attachments[0]["url"])
    own = await asked(home, "@lil or rather this?", reply_to=said, attachments=[SONG])
    assert own[1]["audio_url"]["url"] == _sent(home).attachments[0]["url"]


async def test_an_embed_that_only_shows_a_picture_is_a_picture(home: World) -> None:
    herald = home.discord.add_user("Herald", is_bot=True)
    home.discord.join(home.guild, herald)
    shown = {"url": "https://pictures.example/moon.png", "proxy_url": "https://media.example/moon.png"}
    said = await home.say("Look", author=herald, embeds=[{"type": "image", "thumbnail": shown}])
    content = await asked(home, "@lil nice?", reply_to=said)
    assert content == parts("> [In reply to what Herald wrote:]\n> Look\n\n@lil nice?", "image", shown["proxy_url"])


async def test_what_was_proxied_is_quoted_under_the_proxys_name(home: World, theo: User) -> None:
    said = await home.discord.proxying(home.channel, theo, "It rains.", persona=Persona("Luna")).run()
    question = await asked(home, "@lil true?", reply_to=said)
    assert question == "> [In reply to what Luna wrote:]\n> It rains.\n\n@lil true?"


async def test_a_reply_through_a_proxy_quotes_the_whole_message_once(home: World, theo: User) -> None:
    await home.hears("!tz config lilith context on")
    long = "It rains. " * 30
    said = await home.say(long, author=theo)
    proxying = home.discord.proxying(home.channel, home.mira, "@lil true?", said, persona=Persona("Luna"))
    copy = await proxying.run()
    await home.next(home.channel, copy)
    context, _, rest = home.ai.calls[-1].question.partition("\n")
    assert context.endswith(" · Luna]")
    assert rest == f"> [In reply to what Theo wrote:]\n> {long.strip()}\n\n@lil true?"


async def test_another_personality_is_quoted_by_its_name(home: World) -> None:
    await home.add("rook", "bird")
    told = await home.hears("@lil hello")
    question = await asked(home, f"@bird what does {link(told)} mean?")
    assert question.startswith("> [Linking to what Lilith wrote:]\n> Yes.\n\n@bird")


async def test_the_context_is_told_where_the_personality_wants_it(home: World) -> None:
    await home.hears("!tz config lilith context on")
    thread = home.discord.add_thread(home.channel, "a quiet corner")
    line, _, words = (await asked(home, "@lil hello", channel=thread)).partition("\n\n")
    assert re.fullmatch(r"\[Garden / talk / a quiet corner · \d{4}-\d\d-\d\d \d\d:\d\d UTC · Mira\]", line)
    assert words == "@lil hello"
    dm = home.discord.dm_channel(home.mira)
    assert (await asked(home, "@lil hello", channel=dm)).startswith("[direct message · ")
    await home.hears("!tz config lilith context off")
    assert await asked(home, "@lil hello") == "@lil hello"


async def test_an_unfinished_turn_is_asked_with_the_same_quote_after_a_restart(prepared: World, theo: User) -> None:
    home = prepared
    said = await home.say("It rains.", author=theo, attachments=[PICTURE])
    home.ai.faults.hang()
    before = home.discord.session_count
    async with process(home):
        await home.discord.wait_for_session(before, timeout_seconds=PATIENCE_SECONDS)
        await home.say("@lil true?", reply_to=said)
        await home.ai.wait_for_calls(1, route="chat")
    await home.say(f"@lil and {link(said)}?")
    async with home.bot():
        calls = await home.ai.wait_for_calls(3, route="chat")
    first, again, missed = (call.body["messages"][-1]["content"] for call in calls)
    assert first == again
    assert first[0]["text"].startswith("> [In reply to what Theo wrote, with an image:]\n> It rains.")
    assert missed[0]["text"].startswith("> [Linking to what Theo wrote, with an image:]\n> It rains.")


def _sent(world: World, channel: Channel | None = None) -> Message:
    """What Mira has sent last."""
    return [m for m in world.discord.messages(channel or world.channel) if m.author == world.mira][-1]
