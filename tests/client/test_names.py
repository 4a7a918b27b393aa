"""Display names that Discord forbids: they are spoken under a readable one, and known by it again."""

import sqlite3
from contextlib import closing

import pytest

from bot.sandbox.discord import Message
from tests.client.conftest import World

LONG = "The Quite Extraordinarily Long-Winded Keeper of the Lighthouse at the Very End of the World, Retired"
NAMES = {
    "clyde": ("Clyde of Discord", "Cly·de of Dis·cord"),
    "keeper": (LONG, LONG[:80].strip()),
    "unseen": ("\u200b\u3164", "unseen"),
}


@pytest.fixture
async def home(world: World) -> World:
    """Mira is logged in and verified; the bot is not running."""
    world.ai.answers = lambda question: f"echo {question.splitlines()[-1]}"
    async with world.bot():
        await world.log_in()
        await world.hears("!tz verify")
    return world


@pytest.fixture(params=list(NAMES))
async def name(home: World, request: pytest.FixtureRequest) -> str:
    """A personality whose display name is what an import may have brought."""
    full_name = str(request.param)
    async with home.bot():
        await home.hears(f"!tz add {full_name}")
    write(home, "UPDATE personalities SET display_name = ? WHERE full_name = ?", NAMES[full_name][0], full_name)
    return full_name


def write(world: World, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(world.database)) as connection, connection:
        connection.execute(sql, values)


async def last_answer(world: World, after: Message) -> Message:
    return await world.discord.wait_for_message(world.channel, after, where=lambda m: m.webhook_id is not None)


async def test_it_speaks_under_a_name_that_people_recognise_by_which_a_reply_finds_it_where_no_row_does(
    home: World, name: str
) -> None:
    async with home.bot():
        answer = await home.hears(f"@{name} hello")
        assert answer.author_name == NAMES[name][1]
        assert (await home.hears("and then?", reply_to=answer)).author_name == NAMES[name][1]
    for table in ("message_mappings", "turn_chunks", "turns", "conversations"):
        write(home, f"DELETE FROM {table}")  # noqa: S608 - constants
    async with home.bot():
        assert (await home.hears("and then?", reply_to=answer)).author_name == NAMES[name][1]


async def test_in_direct_messages_too(home: World, name: str) -> None:
    dm = home.discord.dm_channel(home.mira)
    async with home.bot():
        answer = await home.hears(f"@{name} hello", channel=dm)
        shown = answer.content.removesuffix(f" echo @{name} hello")
        assert shown == f"**{NAMES[name][1].replace('·', '')}:**"
    for table in ("message_mappings", "turn_chunks", "turns", "conversations"):
        write(home, f"DELETE FROM {table}")  # noqa: S608 - constants
    async with home.bot():
        assert (await home.hears("and then?", channel=dm, reply_to=answer)).content.startswith(shown)


async def test_an_answer_of_which_a_restore_knows_nothing_is_not_given_again(home: World, name: str) -> None:
    async with home.bot():
        said = await home.say(f"@{name} hello")
        await last_answer(home, said)
        await home.hears("!tz ping")
    for table in ("message_mappings", "turn_chunks", "turns", "conversations"):
        write(home, f"DELETE FROM {table}")  # noqa: S608 - constants
    write(home, "UPDATE gateway_marks SET message_id = ?", said.id - 1)
    async with home.bot():
        answer = await home.hears(f"@{name} again")
        assert answer.content == f"echo @{name} again"
    assert [text for text in home.spoken(home.channel, said) if "hello" in text] == [f"echo @{name} hello"]
