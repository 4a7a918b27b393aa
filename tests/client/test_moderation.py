"""The blacklist as administrators, the bot's owner and those who are barred meet it."""

from collections.abc import AsyncIterator

import pytest

from bot.model import Ban, Personality, utc_now
from bot.sandbox.discord import Permission, User
from bot.sandbox.discord.model import Message
from bot.store import blacklist, personalities
from bot.store.changes import latest
from bot.store.driver import open_store
from tests.client.conftest import World


@pytest.fixture
async def tom(world: World) -> User:
    made = world.discord.add_user("Tom")
    world.discord.join(world.guild, made)
    return made


@pytest.fixture
async def home(world: World, tom: User) -> AsyncIterator[World]:
    """The bot runs; Mira is administrator and logged in, Tom logged in, and Lilith listens everywhere she can."""
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
    async with world.bot():
        await world.log_in()
        await world.log_in(tom)
        await world.add()
        await world.discord.wait_for_commands()
        yield world


async def records(world: World) -> list[tuple[str, str, int]]:
    store = await open_store(world.database, settings=world.settings())
    try:
        return [(change.action, change.subject, change.changed_by) for change in await store.fetch(latest(5))]
    finally:
        await store.close()


async def silent(world: World, author: User, content: str) -> bool:
    """Whether the bot says nothing to it, though it has heard it: it answers what Mira asks afterwards."""
    said = await world.say(content, author=author)
    await world.discord.wait_until_heard()
    marker = await world.hears("!tz ping")
    return world.spoken(world.channel, said) == [marker.content]


async def test_whoever_is_barred_gets_no_word_until_it_is_lifted(home: World, tom: User) -> None:
    done = await home.hears(f"!tz bl add <@{tom.id}> 2 weeks spam and *eggs*")
    assert f"I ignore <@{tom.id}> in this server, until <t:" in done.content
    assert "Reason: spam and \\*eggs\\*" in done.content
    for content in ("@lil hello", "!tz help", "!tz nothing-of-mine"):
        assert await silent(home, tom, content)
    assert f"<@{tom.id}> in this server, until <t:" in (await home.hears(f"!tz blacklist check {tom.id}")).content
    listed = (await home.hears("!tz blacklist list")).content
    assert f"<@{tom.id}> in this server" in listed
    assert f"by <@{home.mira.id}>" in listed
    assert "I hear" in (await home.hears(f"!tz blacklist remove {tom.id}")).content
    assert (await home.hears("@lil hello", author=tom)).webhook_id
    assert "not on my list" in (await home.hears(f"!tz blacklist remove {tom.id}")).content
    assert (await records(home))[:2] == [
        ("delete", f"{tom.id} {home.guild.id}", home.mira.id),
        ("put", f"{tom.id} {home.guild.id}", home.mira.id),
    ]


async def test_the_same_with_a_slash_seen_by_the_administrator_only(home: World, tom: User) -> None:
    async def give(command: str, **options: object) -> Message:
        done = await home.discord.run_command(home.mira, home.channel, f"blacklist {command}", options)
        assert done.message.is_ephemeral
        return done.message

    assert "until <t:" in (await give("add", user=tom, duration="3d", reason="spam")).content
    assert "length of time" in (await give("add", user=tom, duration="soon")).content
    assert "for ever" in (await give("add", user=tom)).content
    assert "This replaces" in (await give("add", user=tom, where="here")).content
    assert "owner" in (await give("add", user=tom, where="everywhere")).content
    assert "(1), page 1 of 1" in (await give("list")).content
    assert "in this server, for ever" in (await give("check", user=tom)).content
    assert "I hear" in (await give("remove", user=tom)).content
    assert "I don't ignore" in (await give("check", user=tom)).content


async def test_who_is_not_found_is_asked_for_by_mention_or_id(home: World) -> None:
    for typed in ("add nobody", "check nobody", f"remove {home.guild.id}"):
        answer = (await home.hears(f"!tz blacklist {typed}")).content
        assert answer.startswith("I can't find that user. Mention them, or give their id. It goes like this: `!tz")


async def test_a_ban_is_taken_back_in_words_of_the_server_where_that_is_asked(home: World, tom: User) -> None:
    await home.hears(f"!tz blacklist add <@{tom.id}>")
    question = (await home.hears("!tz undo")).content
    assert f"you barred <@{tom.id}> in this server <t:" in question
    assert f"<@{tom.id}> can use me again in this server." in question


async def test_nobody_bars_who_could_then_not_be_helped(home: World) -> None:
    admin = home.discord.add_user("Ada")
    home.discord.join(home.guild, admin, permissions=Permission.ADMINISTRATOR)
    for user_id, sentence in (
        (home.mira.id, "bar yourself"),
        (admin.id, "Administrators of this server"),
        (home.discord.bot_user.id, "ignore myself"),
        (home.guild.owner.id, "Administrators of this server"),
    ):
        assert sentence in (await home.hears(f"!tz blacklist add {user_id}")).content
    assert not [subject for _, subject, _ in await records(home) if str(home.guild.id) in subject]


async def test_only_administrators_and_the_owner_reach_it(home: World, tom: User) -> None:
    for command in ("add 1", "remove 1", "list", "check 1", "addserver 1", "removeserver 1", ""):
        assert "Only" in (await home.hears(f"!tz blacklist {command}", author=tom)).content
    for command in ("addserver 1", "removeserver 1"):
        assert "bot's owner" in (await home.hears(f"!tz blacklist {command}")).content
    dm = home.discord.dm_channel(home.mira)
    assert "Only administrators" in (await home.hears(f"!tz blacklist add {tom.id}", channel=dm)).content


async def test_the_owner_bars_everywhere_and_whole_servers_from_a_direct_message(world: World, tom: User) -> None:
    host = world.discord.add_user("Hanna")
    world.overrides["bot_owner_id"] = host.id
    dm, toms = world.discord.dm_channel(host), world.discord.dm_channel(tom)
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
    async with world.bot():
        await world.log_in()
        await world.log_in(host)
        done = await world.hears(f"!tz blacklist add {tom.id} spam", channel=dm, author=host)
        assert "everywhere, for ever" in done.content
        said = await world.say("!tz help", channel=toms, author=tom)
        assert await silent(world, tom, "!tz help")
        assert not world.spoken(toms, said)
        wrong = await world.hears(f"!tz blacklist remove {tom.id}")
        assert "I ignore them everywhere, not only here" in wrong.content
        assert "everywhere" in (await world.hears(f"!tz blacklist remove {tom.id}", channel=dm, author=host)).content
        await world.hears(f"!tz blacklist add {tom.id}")
        listed = (await world.hears("!tz blacklist list", channel=dm, author=host)).content
        assert f"<@{tom.id}> in the server {world.guild.id}" in listed
        await world.hears(f"!tz blacklist remove {tom.id}")
        gone = await world.hears(f"!tz blacklist addserver {world.guild.id} 1d noise", channel=dm, author=host)
        assert f"everybody in the server {world.guild.id}, until" in gone.content
        said = await world.say("!tz help")
        assert "1 of 1" in (await world.hears("!tz blacklist list", channel=dm, author=host)).content
        assert not world.spoken(world.channel, said)
        await world.hears(f"!tz blacklist removeserver {world.guild.id}", channel=dm, author=host)
        assert "add NAME" in (await world.hears("!tz help")).content


async def test_a_long_list_is_turned_with_buttons(home: World) -> None:
    store = await open_store(home.database, settings=home.settings())
    made = (Ban(number, 7, utc_now(), "r" * 500, guild_id=home.guild.id) for number in range(1, 22))
    await store.write(*map(blacklist.put, made))
    await store.close()
    first = (await home.discord.run_command(home.mira, home.channel, "blacklist list", {})).message
    assert "(21), page 1 of 3" in first.content
    turned = await home.discord.press(home.mira, first, "Last ⏭")
    assert "(21), page 3 of 3" in turned.message.content


async def test_choices_and_buttons_of_who_is_barred_here_do_nothing(home: World, tom: User) -> None:
    store = await open_store(home.database, settings=home.settings())
    names = [f"name {number:02}" for number in range(25)]
    await store.write(*(personalities.put(Personality(name, name, tom.id, utc_now())) for name in names))
    await store.close()
    listed = await home.hears("!tz list", author=tom)
    assert "page 1 of 3" in listed.content
    assert await home.discord.autocomplete(tom, home.channel, "info", {"name": "name 0"})
    await home.hears(f"!tz bl add {tom.id}")
    assert await home.discord.autocomplete(tom, home.channel, "info", {"name": "name 0"}) == []
    assert "page 1 of 3" in (await home.discord.press(tom, listed, "Next ▶")).message.content
