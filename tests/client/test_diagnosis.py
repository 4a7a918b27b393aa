"""`debug` on the wire."""

import pytest

from bot.sandbox.discord import Permission, User
from tests.client.conftest import World


@pytest.fixture
def keeper(world: World) -> User:
    """Mira, an administrator of the server."""
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
    return world.mira


async def test_where_all_is_well_it_says_so(world: World, keeper: User) -> None:
    async with world.bot():
        await world.log_in(keeper)
        await world.add()
        await world.hears("!tz activate lil")
        await world.hears("hello")
        found = (await world.hears("!tz debug")).content
        assert "`!tz debug [USER]`" in (await world.hears("!tz debug nobody")).content
    assert "✅ The channel is marked as age-restricted." in found
    assert "✅ I have all permissions." in found
    assert "`lilith` answers everything, activated" in found
    assert f"by <@{keeper.id}>" in found
    assert "✅ My webhook is there; the channel has 1 webhook of 15." in found
    assert "waiting for an answer here" in found
    assert "The last answer here" in found  # what has been said may still be being noted
    assert "no copy outside" in found
    assert "❌" not in found


async def test_what_is_wrong_with_a_channel_is_named(world: World, keeper: User) -> None:
    plain = world.discord.add_channel(world.guild, "plain")
    world.discord.overwrite(plain, world.discord.bot_user, deny=Permission.MANAGE_WEBHOOKS | Permission.MANAGE_MESSAGES)
    async with world.bot():
        await world.log_in(keeper)
        found = (await world.hears("!tz debug", channel=plain)).content
    assert "❌ The channel is not marked as age-restricted" in found
    assert "❌ I lack **Manage Webhooks**, **Manage Messages**." in found
    assert "❌ I may not see the channel's webhooks" in found
    assert "No personality answers everything here" in found
    assert "Nobody was to be answered here" in found


async def test_a_webhook_that_somebody_deleted_and_an_answer_that_failed_are_seen(world: World, keeper: User) -> None:
    async with world.bot():
        await world.log_in(keeper)
        await world.add()
        await world.hears("@lil hello")
        world.discord.delete_webhook(world.channel)
        world.ai.faults.fail(503)
        await world.hears("@lil hello again")
        found = (await world.hears("!tz debug")).content
    assert "My webhook is gone, and comes back with the next answer; the channel has 0 webhooks of 15." in found
    assert "The last answer here was given up: `UnavailableError`" in found
    assert "hello" not in found


async def test_with_a_slash_its_author_alone_sees_it_and_of_a_user_no_login(world: World, keeper: User) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in(keeper)
        found = await world.discord.run_command(keeper, world.channel, "debug", {"user": tom})
        assert found.message.is_ephemeral
        assert f"**What I know of <@{tom.id}>**\n✅ I don't ignore them here." in found.content
        assert "logged in" not in found.content


async def test_the_bots_owner_sees_logins_too(world: World) -> None:
    world.overrides["bot_owner_id"] = world.mira.id
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    dm = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.log_in()
        await world.log_in(tom)
        found = (await world.hears(f"!tz debug {tom.id}")).content
        assert "✅ They are logged in until" in found
        assert "• They are not verified." in found
        assert "age-restricted" not in (await world.hears("!tz debug", channel=dm)).content


async def test_who_is_no_administrator_is_refused(world: World) -> None:
    world.discord.set_permissions(world.guild, world.mira, Permission.MANAGE_GUILD)
    async with world.bot():
        await world.log_in()
        assert "Only administrators of this server" in (await world.hears("!tz debug")).content
