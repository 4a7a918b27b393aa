"""The receipt as the owner gets it, over the wire, and as everyone sees it in /status."""

from tests.client.conftest import PATIENCE_SECONDS, World


async def test_after_a_deploy_the_owner_is_told_what_was_missed_and_channels_are_not_bothered(world: World) -> None:
    world.overrides |= {"bot_owner_id": world.mira.id, "receipt_dm": "true"}
    home = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.settle()
        assert (await world.hears("@lil hello")).webhook_id
    missed = await world.say("@lil are you there?")
    before = world.discord.messages(home)[-1]
    async with world.bot():
        told = await world.discord.wait_for_message(home, before, timeout_seconds=PATIENCE_SECONDS)
        said_since = [message for message in world.discord.messages(world.channel) if message.id > missed.id]
        status = (await world.hears("!tz status")).content
    assert told.content.startswith("Back after ")
    assert "(planned stop). " in told.content
    assert ", 0 lost. 1 message missed: 1 answered." in told.content
    assert [bool(message.webhook_id) for message in said_since] == [True]
    assert f"Last start: {told.content}" in status


async def test_an_owner_who_did_not_ask_for_it_is_not_told(world: World) -> None:
    world.overrides |= {"bot_owner_id": world.mira.id}
    home = world.discord.dm_channel(world.mira)
    async with world.bot():
        await world.log_in()
    before = world.discord.messages(home)[-1]
    async with world.bot():
        assert "Last start: " in (await world.hears("!tz status")).content
    assert world.discord.messages(home)[-1] == before
