"""While a name is typed into a slash command, Discord shows what it may be."""

from typing import Any

from bot.model import Alias, Personality, utc_now
from bot.store import aliases, personalities
from bot.store.driver import open_store
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


async def test_names_longer_than_discord_takes_are_offered_by_what_is_short_enough(world: World) -> None:
    now = utc_now()
    store = await open_store(world.database, settings=world.settings())
    await store.write(
        personalities.put(Personality("odd-" + "x" * 150, "Odd " * 40, world.mira.id, now)),
        aliases.put(Alias("odd " * 40, "odd-" + "x" * 150, world.mira.id, now)),
        aliases.put(Alias("oddy", "odd-" + "x" * 150, world.mira.id, now)),
        personalities.put(Personality("odd", "Odd", world.mira.id, now)),
        aliases.put(Alias("oddest " * 20, "odd", world.mira.id, now)),
    )
    await store.close()
    async with world.bot():
        await world.discord.wait_for_commands()
        await world.log_in()
        assert set(await offered(world, "info", "odd")) == {"oddy", "odd"}
        assert await offered(world, "info", "oddest odd") == ["odd"]


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
