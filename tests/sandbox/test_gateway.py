"""The gateway as discord.py meets it: READY, what it is told, how it comes back."""

import asyncio
import json
from typing import Any

import aiohttp
import discord
import pytest

from bot.sandbox.discord import DiscordOptions, DiscordSandbox, Permission
from tests.sandbox.conftest import Home, Lead, TinyBot, connected

CONTENT = 1 << 15


async def said(bot: TinyBot, home: Home, content: str) -> discord.Message:
    """What the bot heard after someone wrote this."""
    message = await home.sandbox.post(home.channel, home.mira, content)
    return await bot.until_heard(message.id)


async def test_the_client_becomes_ready_and_knows_guild_channel_and_permissions(home: Home) -> None:
    quiet = home.sandbox.add_channel(home.guild, "quiet")
    home.sandbox.overwrite(quiet, home.sandbox.bot_user, deny=Permission.MANAGE_WEBHOOKS)
    thread = home.sandbox.add_thread(home.channel, "corner")
    async with connected(home.sandbox) as bot:
        guild = bot.get_guild(home.guild.id)
        assert guild is not None
        channel, other = guild.get_channel(home.channel.id), guild.get_channel(quiet.id)
        assert isinstance(channel, discord.TextChannel)
        assert isinstance(other, discord.TextChannel)
        assert channel.is_nsfw()
        assert channel.permissions_for(guild.me).manage_webhooks
        assert not other.permissions_for(guild.me).manage_webhooks
        inner = guild.get_thread(thread.id)
        assert inner is not None
        assert inner.is_nsfw()


async def test_the_members_intent_gets_every_member_in_chunks(home: Home) -> None:
    for number in range(1001):
        home.sandbox.join(home.guild, home.sandbox.add_user(f"member {number}"))
    intents = discord.Intents.all()
    intents.presences = False
    async with connected(home.sandbox, intents) as bot:
        guild = bot.get_guild(home.guild.id)
        assert guild is not None
        await guild.chunk()
        assert len(guild.members) == len(home.guild.members) == 1004


async def test_a_humans_message_comes_with_what_the_member_may(home: Home) -> None:
    intents = discord.Intents.default()
    intents.message_content = True
    async with connected(home.sandbox, intents) as bot:
        heard = await said(bot, home, "good evening")
        assert heard.content == "good evening"
        assert isinstance(heard.author, discord.Member)
        assert isinstance(heard.channel, discord.TextChannel)
        assert heard.channel.permissions_for(heard.author).manage_messages


async def test_without_the_content_intent_only_what_concerns_the_bot_has_text(home: Home) -> None:
    async with connected(home.sandbox, discord.Intents.default()) as bot:
        assert (await said(bot, home, "a secret")).content == ""
        assert "you there" in (await said(bot, home, f"<@{home.sandbox.bot_user_id}> you there?")).content
        dm = home.sandbox.dm_channel(home.mira)
        await home.sandbox.post(dm, home.mira, "only for you")
        heard = await said(bot, home, "another secret")
        assert heard.content == ""
        assert bot.heard[-2].content == "only for you"
        assert isinstance(bot.heard[-2].channel, discord.DMChannel)


async def test_a_drop_is_resumed_with_everything_missed_in_order(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await said(bot, home, "before")
        await home.sandbox.drop_gateway(4000)
        missed = [await home.sandbox.post(home.channel, home.mira, f"missed {n}") for n in range(3)]
        await said(bot, home, "after")
        assert [message.id for message in bot.heard[1:4]] == [message.id for message in missed]
        assert (home.sandbox.resume_count, home.sandbox.identify_count) == (1, 1)


async def test_a_reconnect_request_is_resumed(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        home.sandbox.ask_to_reconnect()
        await home.sandbox.wait_until(lambda: home.sandbox.resume_count == 1)
        await said(bot, home, "still here")


async def test_an_outage_refuses_connections_and_its_end_lets_the_client_back_in(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await home.sandbox.go_offline()
        with pytest.raises(aiohttp.ClientConnectionError):
            await bot.fetch_user(home.mira.id)
        missed = await home.sandbox.post(home.channel, home.mira, "during the outage")
        await home.sandbox.go_online()
        await said(bot, home, "after it")
        assert missed.id in [message.id for message in bot.heard]


async def test_silence_accepts_and_never_answers(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        await home.sandbox.go_silent()
        with pytest.raises(TimeoutError):
            await session.get(f"{home.sandbox.api_base}/users/@me", timeout=aiohttp.ClientTimeout(total=0.2))
        await home.sandbox.go_online()
        async with session.get(f"{home.sandbox.api_base}/users/@me") as response:
            assert response.status == 401


@pytest.mark.parametrize("code", [4004, 4014])
async def test_a_refused_identify_ends_the_client_with_its_code(home: Home, code: int) -> None:
    home.sandbox.faults.identify_code = code
    expected = discord.PrivilegedIntentsRequired if code == 4014 else discord.ConnectionClosed
    with pytest.raises(expected):
        async with connected(home.sandbox):
            pass
    assert home.sandbox.identify_count == 1


async def test_an_intent_that_was_not_granted_closes_with_4014(lead: Lead) -> None:
    async with DiscordSandbox(DiscordOptions(granted_intents=0)) as sandbox:
        lead(sandbox)
        with pytest.raises(discord.PrivilegedIntentsRequired):
            async with connected(sandbox):
                pass


class Raw:
    """A gateway client that sends what it likes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, frame: Any) -> None:
        await self._socket.send_str(frame if isinstance(frame, str) else json.dumps(frame))

    async def until(self, op: int, name: str | None = None) -> Any:
        while True:
            message = await self._socket.receive(timeout=5)
            assert message.type is aiohttp.WSMsgType.TEXT, self._socket.close_code
            frame = json.loads(message.data)
            if frame["op"] == op and frame["t"] == name:
                return frame

    async def close_code(self) -> int | None:
        while (await self._socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
            pass
        return self._socket.close_code


IDENTIFY: dict[str, Any] = {"op": 2, "d": {"token": "", "intents": 1 << 9, "properties": {}}}


def identify(token: str, **more: Any) -> dict[str, Any]:
    return {"op": 2, "d": {**IDENTIFY["d"], "token": token, **more}}


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["no json"], 4002),
        ([{"op": 99}], 4001),
        ([{"op": 3, "d": {}}], 4003),
        ([identify("TOKEN"), identify("TOKEN")], 4005),
        ([identify("wrong")], 4004),
        ([identify("TOKEN", intents=1 << 40)], 4013),
        ([identify("TOKEN", shard=[2, 2])], 4010),
        ([{"op": 1, "d": None}] * 121, 4008),
        ([{"op": 1, "d": "x" * 5000}], 4002),
    ],
)
async def test_each_fault_of_a_client_has_its_close_code(home: Home, frames: list[Any], code: int) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(home.sandbox.gateway) as socket:
        raw = Raw(socket)
        await raw.until(10)
        for frame in frames:
            text = frame if isinstance(frame, str) else json.dumps(frame)
            await raw.send(text.replace("TOKEN", home.sandbox.token))
        assert await raw.close_code() == code


async def test_a_session_closed_for_good_can_not_be_resumed(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(home.sandbox.gateway) as socket:
            raw = Raw(socket)
            await raw.send(identify(home.sandbox.token))
            ready = (await raw.until(0, "READY"))["d"]
            await socket.close(code=1000)
        async with session.ws_connect(ready["resume_gateway_url"]) as socket:
            raw = Raw(socket)
            data = {"token": home.sandbox.token, "session_id": ready["session_id"], "seq": 1}
            await raw.send({"op": 6, "d": data})
            assert (await raw.until(9))["d"] is False


async def test_an_invalidated_session_hears_nothing_and_can_identify_again(home: Home) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(home.sandbox.gateway) as socket:
        raw = Raw(socket)
        await raw.send(identify(home.sandbox.token))
        await raw.until(0, "READY")
        home.sandbox.invalidate_session()
        await home.sandbox.post(home.channel, home.mira, "into the void")
        await raw.until(9)
        await raw.send(identify(home.sandbox.token))
        await raw.until(0, "READY")
        heard = await home.sandbox.post(home.channel, home.mira, "audible")
        assert (await raw.until(0, "MESSAGE_CREATE"))["d"]["id"] == str(heard.id)


async def test_events_reach_only_sessions_that_asked_for_them(home: Home) -> None:
    async with aiohttp.ClientSession() as session, session.ws_connect(home.sandbox.gateway) as socket:
        raw = Raw(socket)
        await raw.send(identify(home.sandbox.token, intents=1 << 12))
        await raw.until(0, "READY")
        await home.sandbox.post(home.channel, home.mira, "in the guild")
        direct = await home.sandbox.post(home.sandbox.dm_channel(home.mira), home.mira, "in private")
        frame = await raw.until(0, "MESSAGE_CREATE")
        assert frame["d"]["id"] == str(direct.id)
        assert "guild_id" not in frame["d"]


async def test_a_channel_the_bot_can_not_see_is_silent(home: Home) -> None:
    home.sandbox.overwrite(home.channel, home.sandbox.bot_user, deny=Permission.VIEW_CHANNEL)
    other = home.sandbox.add_channel(home.guild, "open")
    async with connected(home.sandbox) as bot:
        await home.sandbox.post(home.channel, home.mira, "behind a wall")
        seen = await home.sandbox.post(other, home.mira, "in the open")
        await bot.until_heard(seen.id)
        assert [message.id for message in bot.heard] == [seen.id]
        with pytest.raises(discord.Forbidden) as failure:
            await bot.fetch_channel(home.channel.id)
        assert failure.value.code == 50001


async def test_a_heartbeat_that_is_asked_for_says_how_far_the_bot_has_heard(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        said = [await home.sandbox.post(home.channel, home.mira, f"{number}") for number in range(50)]
        await home.sandbox.wait_until_heard()
        await asyncio.sleep(0)
        assert [message.id for message in bot.heard] == [message.id for message in said]
