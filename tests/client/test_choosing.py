"""While a name is typed into a slash command, Discord shows what it may be."""

from typing import Any

from tests.client.conftest import World

NAMED = ("remove", "info", "alias", "activate", "deactivate", "reset")


async def offered(world: World, command: str, typed: str, **more: Any) -> list[str]:
    user, channel = more.get("user", world.mira), more.get("channel", world.channel)
    return [str(value) for value in await world.discord.autocomplete(user, channel, command, {"name": typed})]


async def test_every_command_that_takes_a_name_offers_names(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        await world.add()
        await world.hears("!tz activate lil")
        for command in NAMED:
            assert await offered(world, command, "li") == ["lilith"], command
        assert await offered(world, "info", "no such name") == []


async def test_what_is_chosen_is_found(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        await world.add()
        await world.hears(f"!tz alias lilith {'queen of the night ' * 2}")
        [value] = await offered(world, "info", "queen of")
        shown = await world.discord.run_command(world.mira, world.channel, "info", {"name": value})
    assert "**Lilith**" in shown.content


async def test_who_is_not_logged_in_is_offered_nothing(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        await world.add()
        assert await offered(world, "info", "li", user=tom) == []


async def test_every_option_that_takes_a_personality_has_choices(world: World) -> None:
    async with world.bot():
        await world.discord.wait_for_commands()
        commands: list[dict[str, Any]] = [*world.discord._state.commands[None]]
    named = {
        command["name"]: option
        for command in commands
        for option in command.get("options") or []
        if option["name"] == "name"
    }
    without = {command for command, option in named.items() if not option.get("autocomplete")}
    assert without == {"add"}
