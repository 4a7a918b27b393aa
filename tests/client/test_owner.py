"""The owner is told by direct message, over the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.client import Client
from bot.cogs.ports.owner import DirectOwner
from bot.model import Secret
from tests.client.conftest import PATIENCE_SECONDS, World

WRITE = "/channels/{channel_id}/messages"


@asynccontextmanager
async def connected(world: World) -> AsyncIterator[Client]:
    client, stop = Client(world.settings()), asyncio.Event()
    serving = asyncio.create_task(client.serve(Secret(world.discord.token), stop))
    async with asyncio.timeout(PATIENCE_SECONDS):
        await client.come_online()
    try:
        yield client
    finally:
        stop.set()
        await serving
        await client.leave()


def owner(client: Client, owner_id: int, timeout_seconds: float = PATIENCE_SECONDS) -> DirectOwner:
    return DirectOwner(client=client, owner_id=owner_id, timeout_seconds=timeout_seconds)


async def test_the_owner_gets_one_message_that_fits_and_pings_nobody(world: World) -> None:
    async with connected(world) as client:
        # Sent, but its answer is lost: the nonce lets Discord drop the copy.
        world.discord.faults.lose_answer("POST", WRITE, 502)
        assert await owner(client, world.mira.id).tell("@everyone " + "long " * 500)
        (told,) = world.discord.messages(world.discord.dm_channel(world.mira))
    assert told.content.startswith("@everyone long")
    assert len(told.content) <= 2000
    assert told.allowed_mentions == {"parse": []}


async def test_an_owner_who_takes_no_messages_is_logged_without_the_text(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(world) as client:
        world.discord.faults.fail("POST", WRITE, 403, code=50007)
        assert not await owner(client, world.mira.id).tell("the state of the garden")
        world.discord.faults.hang("POST", WRITE)
        assert not await owner(client, world.mira.id, 0.1).tell("the state of the garden")
    assert caplog.text.count("The owner could not be told") == 2
    assert "Forbidden" in caplog.text
    assert "garden" not in caplog.text


async def test_without_an_owner_or_without_discord_nobody_is_told(world: World) -> None:
    async with connected(world) as client:
        assert not await owner(client, 0).tell("anything")
        assert world.discord.messages(world.discord.dm_channel(world.mira)) == []
    assert not await owner(Client(world.settings()), world.mira.id).tell("anything")
