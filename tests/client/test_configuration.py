"""`config` on the wire."""

from tests.client.conftest import World


async def test_settings_are_shown_changed_and_used(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        shown = (await world.hears("!tz settings lil")).content
        assert "context is off" in shown
        assert "prompt: none of its own" in shown
        assert "The prompt of lil is changed" in (await world.hears("!tz config lil prompt You grow roses.")).content
        await world.hears("@lil hello")
        assert world.ai.calls[-1].body["messages"][0] == {"role": "system", "content": "You grow roses."}
        assert "one of 15 characters" in (await world.hears("!tz config lil")).content
        assert "The prompt of lil is cleared" in (await world.hears("!tz config lil prompt none")).content


async def test_the_originals_name_of_the_context_is_understood(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        for typed, state in (
            ("context-metadata on", "on"),
            ("context_metadata disable", "off"),
            ("context metadata on", "on"),
        ):
            assert f"is {state} now" in (await world.hears(f"!tz settings lil {typed}")).content


async def test_a_changed_setting_is_taken_back(world: World) -> None:
    async with world.bot():
        await world.log_in()
        await world.add()
        assert "The context of lil is on now." in (await world.hears("!tz config lil context on")).content
        question = await world.hears("!tz undo")
        assert "you changed the settings of **Lilith**" in question.content
        await world.discord.press(world.mira, question, "Take it back")
        assert "has its settings of before" in (await world.next(world.channel, question)).content
        assert "context is off" in (await world.hears("!tz config lil")).content


async def test_with_a_slash_the_author_alone_sees_the_prompt(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        await world.add()
        run = world.discord.run_command
        changed = await run(
            world.mira, world.channel, "config", {"name": "lil", "option": "prompt", "value": "You grow roses."}
        )
        assert changed.message.is_ephemeral
        shown = await run(world.mira, world.channel, "config", {"name": "lil"})
        assert shown.message.is_ephemeral
        assert "You grow roses." in shown.content


async def test_who_did_not_add_it_neither_sees_nor_changes_its_settings(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.log_in()
        await world.log_in(tom)
        await world.add()
        assert "Only who added" in (await world.hears("!tz config lil", author=tom)).content
        assert "Only who added" in (await world.hears("!tz config lil context on", author=tom)).content
        assert "Only the bot's owner" in (await world.hears("!tz config lil model x")).content
        assert "either `on` or `off`" in (await world.hears("!tz config lil context maybe")).content
        assert "no setting “colour”" in (await world.hears("!tz config lil colour red")).content
        assert "config NAME context on`" in (await world.hears("!tz config lil context")).content
        assert "context is off" in (await world.hears("!tz config lil")).content
