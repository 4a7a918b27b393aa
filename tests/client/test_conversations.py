"""`autorespond` and `reset` on the wire."""

from bot.sandbox.ai import CHAT
from bot.store.driver import open_store
from bot.store.statement import Query
from tests.client.conftest import World


async def test_automatic_answers_are_turned_on_and_off_by_their_old_names(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert (await world.hears("!tz ar")).content.startswith("It is off. With `!tz autorespond on`")
        assert "From now on" in (await world.hears("!tz auto on")).content
        assert "As before" in (await world.hears("!tz autorespond ON")).content
        assert "until you are silent for 30 min" in (await world.hears("!tz ar status")).content
        assert "From now on" in (await world.hears("!tz ar off")).content
        assert "It is off" in (await world.hears("!tz ar nonsense")).content


async def test_a_conversation_is_ended_by_slash_and_the_author_alone_is_told(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        await world.add()
        run = world.discord.run_command
        assert "no conversation running" in (await run(world.mira, world.channel, "reset", {})).content
        await world.hears("@lil hello")
        done = await run(world.mira, world.channel, "reset", {"name": "lil"})
        assert done.message.is_ephemeral
        assert "with `lilith` here is over" in done.content
        assert "lies with the AI service" in done.content
        on = await run(world.mira, world.channel, "autorespond on", {})
        assert on.message.is_ephemeral
        assert "goes on answering" in on.content


async def test_nobody_resets_whom_they_do_not_know(world: World) -> None:
    async with world.bot():
        await world.log_in()
        assert "know no personality" in (await world.hears("!tz reset nobody")).content


async def test_what_was_reset_stays_over_when_a_restart_finishes_the_answer(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        world.ai.faults.hang()
        asked = await world.say("@lil slow")
        await world.ai.wait_for_calls(1, route=CHAT)
        assert "no conversation running" in (await world.hears("!tz reset lil")).content
    world.ai.faults.clear()
    async with world.bot():
        answer = await world.discord.wait_for_message(
            world.channel, asked, timeout_seconds=5, where=lambda message: bool(message.webhook_id)
        )
        assert answer.author_name == "Lilith"
    assert await talks(world) == 0


async def talks(world: World) -> int:
    """How many conversations the database knows."""
    store = await open_store(world.database, settings=world.settings())
    try:
        turns = await store.fetch(Query("SELECT state FROM turns", lambda row: str(row["state"])))
        assert turns == ["done"]
        (number,) = await store.fetch(Query("SELECT count(*) AS n FROM conversations", lambda row: int(row["n"])))
        return number
    finally:
        await store.close()
