"""What the connection survives, and what it gives up on."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bot.errors import ConfigurationError
from tests.client.conftest import RunningBot, World


async def test_a_discord_that_is_down_at_the_start_is_tried_again(world: World) -> None:
    await world.discord.go_offline()
    bot = RunningBot(world)
    bot.start()
    await asyncio.sleep(0.3)
    assert await bot.problems() == ["Discord is not connected."]
    await world.discord.go_online()
    await bot.ready()
    assert await bot.stop() == 0


@asynccontextmanager
async def flaky_gateway(target: str, refusals: int) -> AsyncIterator[tuple[str, list[int]]]:
    """A way to the gateway that hangs up on the first connections; gives its address and what it has seen."""
    seen: list[int] = []
    host, port, path = re.fullmatch(r"ws://(.+):(\d+)(/.*)", target).groups()  # type: ignore[union-attr]

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(len(seen))
        if len(seen) <= refusals:
            writer.close()
            return
        there, back = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))

    async with await asyncio.start_server(relay, "127.0.0.1") as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}", seen


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.closing(writer):
        while data := await reader.read(65_536):
            writer.write(data)


async def test_a_gateway_that_hangs_up_at_the_start_is_tried_again(world: World) -> None:
    async with flaky_gateway(world.discord.gateway, refusals=2) as (address, seen):
        world.overrides["discord_gateway"] = address
        async with world.bot():
            assert len(seen) == 3
    assert world.discord.identify_count == 1


async def test_a_dropped_connection_is_resumed_and_nothing_is_missed(world: World) -> None:
    async with world.bot() as bot:
        await world.discord.drop_gateway(4000)
        said = await world.say("!tz help")
        assert "add NAME" in (await world.next(world.channel, said)).content
        await bot.ready()
    assert (world.discord.identify_count, world.discord.resume_count) == (1, 1)


async def test_the_probe_tells_the_truth_during_an_outage(world: World) -> None:
    async with world.bot() as bot:
        assert await bot.problems() == []
        await world.discord.go_offline()
        await bot.until(["Discord is not connected."])
        await world.discord.go_online()
        await bot.ready()


async def refused(world: World) -> ConfigurationError:
    bot = RunningBot(world)
    bot.start()
    error = await bot.outcome()
    assert isinstance(error, ConfigurationError)
    assert error.exit_code == 2
    return error


async def test_a_wrong_token_ends_with_the_page_to_open_and_is_not_tried_again(world: World) -> None:
    world.overrides["discord_token"] = "not-the-token"
    error = await refused(world)
    assert "401" in error.message
    assert "https://discord.com/developers/applications" in error.remedy
    asked = len(world.discord.requests)
    again = await refused(world)
    assert "tried again from" in again.remedy
    assert len(world.discord.requests) == asked


async def test_a_token_that_the_gateway_refuses_costs_one_identify(world: World) -> None:
    world.discord.faults.identify_code = 4004
    assert "4004" in (await refused(world)).message
    await refused(world)
    assert world.discord.identify_count == 1


async def test_a_missing_intent_costs_one_identify_and_names_the_page(world: World) -> None:
    world.discord.faults.identify_code = 4014
    error = await refused(world)
    assert "4014" in error.message
    assert f"applications/{world.discord.application_id}/bot" in error.remedy
    await refused(world)
    assert world.discord.identify_count == 1


async def test_a_refused_token_is_tried_again_when_the_interval_is_over(world: World) -> None:
    world.overrides["identify_interval_seconds"] = 0.05
    world.discord.faults.identify_code = 4004
    await refused(world)
    await asyncio.sleep(0.06)
    world.discord.faults.identify_code = None
    async with world.bot() as bot:
        assert await bot.problems() == []


async def test_commands_are_published_only_when_they_changed(world: World) -> None:
    def asked(method: str) -> int:
        return sum(r.method == method and r.path.endswith("/commands") for r in world.discord.requests)

    for start in (1, 2):
        async with world.bot():
            await world.discord.wait_until(partial(lambda count: asked("GET") >= count, start), what="the comparison")
            await world.discord.wait_for_commands()
            await world.hears("!tz help")
    assert asked("PUT") == 1
