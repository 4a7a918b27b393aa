"""Release notes on the wire: the commands, and the direct messages of a bot that starts as a new version."""

import pytest

from bot.model import NotificationPreference, NotifiedVersion
from bot.sandbox.discord import Message, User
from bot.services.people.notifications import shipped
from bot.store import preferences
from bot.store.driver import open_store
from bot.store.statement import Query
from tests.client.conftest import PATIENCE_SECONDS, World, process

SEND = "/channels/{channel_id}/messages"
CURRENT = str(shipped()[-1].version)


async def comes_from(world: World, *users: User) -> None:
    """The database of an older version, in which these users want to hear of releases."""
    store = await open_store(world.database, settings=world.settings())
    wishes = [
        NotificationPreference(user.id, is_opted_out=False, level="minor", last_notified="2.2.9") for user in users
    ]
    await store.write(
        preferences.put_version(NotifiedVersion("2.2.10")), *(preferences.put_notifications(wish) for wish in wishes)
    )
    await store.close()


async def noted(world: World) -> str:
    store = await open_store(world.database, settings=world.settings())
    try:
        (version,) = await store.fetch(Query("SELECT version FROM notified_version", lambda row: str(row["version"])))
        return version
    finally:
        await store.close()


def told(world: World, user: User) -> list[Message]:
    return [m for m in world.discord.messages(world.discord.dm_channel(user)) if "What is new" in m.content]


async def until_noted(world: World) -> None:
    """Wait until the database says that everybody was told."""
    while await noted(world) != CURRENT:
        await world.discord.wait_until_heard()


@pytest.fixture
def tom(world: World) -> User:
    world.overrides.update(release_note_interval_seconds=0.02, release_note_retry_seconds=0.05)
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    return tom


async def test_the_commands_say_what_is_told_and_change_it(world: World) -> None:
    async with world.bot():
        await world.log_in()
        status = (await world.hears("!tz notif")).content
        assert f"I am version {CURRENT}, and I tell you of no release" in status
        assert "something new" in (await world.hears("!tz notif on")).content
        assert "every release" in (await world.hears("!tz notifications level PATCH")).content
        assert "the levels `major`" in (await world.hears("!tz notifications level all")).content
        assert "`!tz notifications off` ends it" in (await world.hears("!tz notifications status")).content
        assert "no release" in (await world.hears("!tz notif off")).content


async def test_with_a_slash_the_author_alone_is_told(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        chosen = await world.discord.run_command(world.mira, world.channel, "notifications level", {"level": "major"})
        assert chosen.message.is_ephemeral
        assert "large changes" in chosen.content


async def test_those_who_wish_it_are_told_once_and_a_stranger_is_not(world: World, tom: User) -> None:
    stranger = world.discord.add_user("Nobody")
    world.discord.join(world.guild, stranger)
    await comes_from(world, world.mira, tom)
    for _ in range(2):
        async with world.bot():
            await world.discord.wait_until(
                lambda: told(world, world.mira) and told(world, tom), timeout_seconds=PATIENCE_SECONDS
            )
            await until_noted(world)
    assert (len(told(world, world.mira)), len(told(world, tom)), told(world, stranger)) == (1, 1, [])
    (message,) = told(world, tom)
    assert message.content.startswith(f"## What is new in Tzurot {CURRENT}\n")
    assert message.allowed_mentions == {"parse": []}


async def test_closed_messages_and_lost_answers_end_nothing(world: World, tom: User) -> None:
    world.discord.block_dms(world.mira)
    await comes_from(world, world.mira, tom)
    world.discord.faults.lose_answer("POST", SEND, 502)
    world.discord.faults.limit("POST", SEND, 0.05)
    async with world.bot():
        await world.discord.wait_until(lambda: told(world, tom), timeout_seconds=PATIENCE_SECONDS)
        await until_noted(world)
    assert len(told(world, tom)) == 1


async def test_a_process_that_is_killed_right_after_it_told_somebody_tells_nobody_twice(
    world: World, tom: User
) -> None:
    await comes_from(world, world.mira, tom)
    world.discord.faults.delay("POST", SEND, 5)
    async with process(world):
        await world.discord.wait_until(
            lambda: told(world, world.mira) or told(world, tom), timeout_seconds=PATIENCE_SECONDS
        )
    world.discord.faults.clear()
    async with world.bot():
        await until_noted(world)
    assert (len(told(world, world.mira)), len(told(world, tom))) == (1, 1)


@pytest.mark.parametrize(("status", "code", "is_told"), [(403, 50278, False), (404, 10013, False), (503, 0, True)])
async def test_who_can_not_be_reached_for_good_is_passed_over_and_who_can_not_now_is_tried_again(
    world: World, tom: User, status: int, code: int, is_told: bool
) -> None:
    await comes_from(world, tom)
    world.discord.faults.fail("POST", SEND, status, code=code).repeat(5 if is_told else 1)
    async with world.bot():
        await until_noted(world)
    assert len(told(world, tom)) == is_told
