"""People who speak through PluralKit or Tupperbox, and what these bots do to their messages."""

import asyncio
from typing import Any

import aiohttp
import discord
import pytest

from bot.sandbox.bell import Bell
from bot.sandbox.discord import Message, Persona, ProxyBot
from tests.sandbox.conftest import Home, TinyBot, connected


class Order:
    """What the bot is told of messages, in order."""

    def __init__(self, bot: TinyBot) -> None:
        self.events: list[tuple[str, int]] = []
        self._bell = Bell()
        bot.add_listener(self.on_message)
        bot.add_listener(self.on_raw_message_delete)

    async def on_message(self, message: discord.Message) -> None:
        self.events.append(("create", message.id))
        self._bell.ring()

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.events.append(("delete", event.message_id))
        self._bell.ring()

    async def first(self, count: int) -> list[tuple[str, int]]:
        await self._bell.wait_until(lambda: len(self.events) >= count, timeout_seconds=5, what="the events")
        return self.events


async def ask(home: Home, message_id: int) -> tuple[int, Any, str | None]:
    url = f"{home.sandbox.environment()['PLURALKIT_API_BASE']}/messages/{message_id}"
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        return response.status, await response.json(), response.headers.get("Retry-After")


@pytest.mark.parametrize("deletes_first", [False, True])
@pytest.mark.parametrize("kind", list(ProxyBot))
async def test_a_proxy_says_it_again_and_deletes_the_original(home: Home, kind: ProxyBot, deletes_first: bool) -> None:
    async with connected(home.sandbox) as bot:
        order = Order(bot)
        proxying = home.sandbox.proxying(home.channel, home.mira, "hello", persona=Persona("Nyx", kind))
        said = await proxying.run(deletes_first=deletes_first)
        assert proxying.original
        original = proxying.original.id
        assert proxying.original.content == "[hello]"
        copied = [("create", said.id), ("delete", original)]
        assert await order.first(3) == [("create", original), *(reversed(copied) if deletes_first else copied)]
        heard = await bot.until_heard(said.id)
        assert (heard.content, heard.author.name, heard.application_id) == ("hello", "Nyx", kind.value)
        assert heard.webhook_id == said.webhook_id
        assert [message.content for message in home.sandbox.messages(home.channel)] == ["hello"]


async def test_a_proxy_goes_step_by_step(home: Home) -> None:
    proxying = home.sandbox.proxying(home.channel, home.mira, "hello", persona=Persona(brackets=("L:", "")))

    def shown() -> list[str]:
        return [message.content for message in home.sandbox.messages(home.channel)]

    await proxying.write()
    assert shown() == ["L:hello"]
    await proxying.copy()
    assert shown() == ["L:hello", "hello"]
    await proxying.remove()
    assert shown() == ["hello"]


async def test_a_reply_through_a_proxy_comes_as_an_embed(home: Home) -> None:
    asked = await home.sandbox.post(home.channel, home.mira, "who is there?")
    said = await home.sandbox.proxy(home.channel, home.mira, "me", asked)
    (embed,) = said.embeds
    link = f"https://discord.com/channels/{home.guild.id}/{home.channel.id}/{asked.id}"
    assert embed["description"] == f"**[Reply to:]({link})** who is there?"
    assert said.reply_to_id is None


async def test_a_proxy_has_one_webhook_a_channel_and_uses_it_in_threads(home: Home) -> None:
    thread = home.sandbox.add_thread(home.channel, "corner")
    one = await home.sandbox.proxy(home.channel, home.mira, "one")
    two = await home.sandbox.proxy(thread, home.mira, "two")
    assert (one.webhook_id, two.channel_id) == (two.webhook_id, thread.id)
    assert len(home.sandbox.webhooks(home.channel)) == 1
    with pytest.raises(PermissionError, match="only in guilds"):
        await home.sandbox.proxy(home.sandbox.dm_channel(home.mira), home.mira, "psst")


async def proxied(home: Home, kind: ProxyBot = ProxyBot.PLURALKIT) -> tuple[Message, Message]:
    proxying = home.sandbox.proxying(home.channel, home.mira, "hello", persona=Persona(kind=kind))
    said = await proxying.run()
    assert proxying.original
    return proxying.original, said


async def test_pluralkit_tells_who_is_behind_a_message_by_either_id(home: Home) -> None:
    original, said = await proxied(home)
    for message_id in (original.id, said.id):
        status, body, _ = await ask(home, message_id)
        assert status == 200
        assert {name: body[name] for name in ("id", "original", "sender", "channel", "guild")} == {
            "id": str(said.id),
            "original": str(original.id),
            "sender": str(home.mira.id),
            "channel": str(home.channel.id),
            "guild": str(home.guild.id),
        }
    assert home.sandbox.pluralkit.requests == [original.id, said.id]


async def test_pluralkit_knows_no_message_of_others(home: Home) -> None:
    _, said = await proxied(home, ProxyBot.TUPPERBOX)
    status, body, _ = await ask(home, said.id)
    assert (status, body["code"]) == (404, 20006)
    _, known = await proxied(home)
    home.sandbox.pluralkit.forget(known)
    assert (await ask(home, known.id))[0] == 404


async def test_pluralkit_fails_limits_hangs_and_is_away_on_demand(home: Home) -> None:
    _, said = await proxied(home)
    faults = home.sandbox.pluralkit.faults
    faults.fail("GET", "/messages/{message_id}", 500)
    assert (await ask(home, said.id))[0] == 500
    faults.limit("GET", "/messages/{message_id}", 2)
    status, body, after = await ask(home, said.id)
    assert (status, body["retry_after"], after) == (429, 2000, "2")
    faults.hang("GET", "/messages/{message_id}")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await ask(home, said.id)
    await home.sandbox.pluralkit.go_offline()
    with pytest.raises(aiohttp.ClientConnectionError):
        await ask(home, said.id)
    await home.sandbox.pluralkit.go_online()
    assert (await ask(home, said.id))[0] == 200
