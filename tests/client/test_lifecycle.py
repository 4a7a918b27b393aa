"""The bot as a process: how fast it ends, and what it says when it can't begin."""

import asyncio
import base64
import time

import pytest

from bot.durability.lock import VolumeLock
from bot.sandbox.discord import Message
from tests.client.conftest import PATIENCE_SECONDS, World, process


async def connected(world: World) -> None:
    await world.discord.wait_for_ready(timeout_seconds=PATIENCE_SECONDS)


async def terminated(child: asyncio.subprocess.Process) -> tuple[float, str]:
    """How many seconds it took from SIGTERM to the end, and what was logged."""
    began = time.monotonic()
    child.terminate()
    await asyncio.wait_for(child.wait(), PATIENCE_SECONDS)
    seconds = time.monotonic() - began
    print(f"ended {seconds:.3f} s after SIGTERM")  # noqa: T201 - shown by pytest -rP
    assert child.stderr is not None
    return seconds, (await child.stderr.read()).decode()


async def ended(child: asyncio.subprocess.Process) -> tuple[int | None, str]:
    """The exit code and the last line, for a process that ends by itself."""
    _, log = await asyncio.wait_for(child.communicate(), PATIENCE_SECONDS)
    return child.returncode, log.decode().strip().splitlines()[-1]


async def test_sigterm_ends_it_within_two_seconds(world: World) -> None:
    async with process(world) as child:
        await connected(world)
        seconds, log = await terminated(child)
    assert (child.returncode, "Traceback" in log) == (0, False)
    assert seconds < 2


@pytest.mark.parametrize("outage", ["refused", "silent"])
async def test_sigterm_ends_it_within_two_seconds_in_an_outage(world: World, outage: str) -> None:
    async with process(world) as child:
        await connected(world)
        await (world.discord.go_offline() if outage == "refused" else world.discord.go_silent())
        await asyncio.sleep(0.5)
        seconds, _ = await terminated(child)
    assert child.returncode == 0
    assert seconds < 2


async def test_sigterm_ends_it_while_discord_was_never_there(world: World) -> None:
    await world.discord.go_silent()
    async with process(world) as child:
        await asyncio.wait_for(world.discord.until_asked_in_vain(), PATIENCE_SECONDS)
        seconds, _ = await terminated(child)
    assert child.returncode == 0
    assert seconds < 2


async def test_sigterm_lets_a_turn_finish_that_is_nearly_done(world: World) -> None:
    async with process(world) as child:
        await connected(world)
        said = await prepared(world)
        world.ai.faults.delay(0.4)
        said = await world.say("@lil hello")
        await world.ai.wait_for_calls(1, route="chat")
        seconds, _ = await terminated(child)
    assert (await world.next(world.channel, said)).webhook_id
    assert child.returncode == 0
    assert seconds < 2


async def test_sigterm_does_not_wait_for_a_turn_that_takes_long(world: World) -> None:
    async with process(world) as child:
        await connected(world)
        await prepared(world)
        world.ai.faults.hang()
        await world.say("@lil hello")
        await world.ai.wait_for_calls(1, route="chat")
        seconds, log = await terminated(child)
    assert (child.returncode, "Traceback" in log) == (0, False)
    assert seconds < 2


async def test_a_command_that_the_end_cuts_short_leaves_no_error_in_the_log(world: World) -> None:
    async with process(world) as child:
        await connected(world)
        await world.log_in()
        world.ai.faults.hang(route="profile")
        await world.say("!tz add lilith")
        await world.ai.wait_for_calls(1, route="profile")
        _, log = await terminated(child)
    assert child.returncode == 0
    assert "failed" not in log


async def prepared(world: World) -> Message:
    await world.log_in()
    await world.add()
    return world.discord.messages(world.channel)[-1]


async def test_no_log_line_holds_a_token_or_a_message_even_at_debug(world: World) -> None:
    async with process(world, LOG_LEVEL="DEBUG") as child:
        await connected(world)
        await prepared(world)
        world.ai.faults.fail(500)
        await world.hears("@lil the secret of the garden")
        await world.hears("@lil the secret of the garden")
        webhook = world.discord.webhooks(world.channel)[0]
        _, log = await terminated(child)
    secrets = [world.discord.token, webhook.token, *world.ai.tokens.values()]
    found = [line for line in log.splitlines() for secret in [*secrets, "secret of the garden"] if secret in line]
    assert not [line[:80] for line in found]


async def test_a_wrong_token_ends_it_with_exit_code_2(world: World) -> None:
    async with process(world, DISCORD_TOKEN="wrong") as child:
        code, sentence = await ended(child)
    assert code == 2
    assert "https://discord.com/developers/applications" in sentence


async def test_without_a_discord_token_it_says_where_to_get_one(world: World) -> None:
    async with process(world, DISCORD_TOKEN="") as child:
        code, sentence = await ended(child)
    assert code == 2
    assert "DISCORD_TOKEN is not set" in sentence


async def test_beside_another_process_on_the_volume_it_refuses_to_start(world: World) -> None:
    with VolumeLock.take(world.database.parent, 1):
        async with process(world) as child:
            code, sentence = await ended(child)
    assert code == 3
    assert "in use by" in sentence


async def test_a_key_that_is_missing_for_stored_secrets_refuses_the_start(world: World) -> None:
    async with world.bot():
        await world.log_in()
    other = base64.b64encode(b"o" * 32).decode()
    async with process(world, ENCRYPTION_KEYS=other) as child:
        code, sentence = await ended(child)
    assert code == 3
    assert "ENCRYPTION_KEYS" in sentence


async def test_without_a_database_it_refuses_to_make_an_empty_one(world: World) -> None:
    world.database.unlink()
    async with process(world) as child:
        code, _ = await ended(child)
    assert code in (1, 3)
    assert not world.database.exists()
