"""REST as discord.py meets it: messages, webhooks, limits, errors."""

import time

import aiohttp
import discord
import pytest

from bot.sandbox.discord import CommandNotShownError, DiscordOptions, DiscordSandbox, Permission
from tests.sandbox.conftest import Home, connected

POST = "/channels/{channel_id}/messages"
EXECUTE = "/webhooks/{webhook_id}/{webhook_token}"


async def hook(home: Home, session: aiohttp.ClientSession) -> discord.Webhook:
    """A webhook made by the bot, as it is kept: id and token."""
    async with connected(home.sandbox) as bot:
        channel = await bot.fetch_channel(home.channel.id)
        assert isinstance(channel, discord.TextChannel)
        made = await channel.create_webhook(name="Personalities")
        assert made.token
        return discord.Webhook.partial(made.id, made.token, session=session)


async def channel_of(bot: discord.Client, home: Home) -> discord.TextChannel:
    channel = bot.get_channel(home.channel.id)
    assert isinstance(channel, discord.TextChannel)
    return channel


async def test_a_webhook_speaks_under_a_name_and_keeps_what_was_sent(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = await hook(home, session)
        sent = await webhook.send(
            "hello @everyone",
            username="Lilith",
            avatar_url="https://pictures.example/l.png",
            allowed_mentions=discord.AllowedMentions.none(),
            wait=True,
        )
        (seen,) = home.sandbox.messages(home.channel)
        assert (seen.id, seen.webhook_id, seen.author_name) == (sent.id, webhook.id, "Lilith")
        assert seen.avatar_url == "https://pictures.example/l.png"
        assert seen.allowed_mentions == {"parse": []}
        assert not seen.pings_everyone
        await webhook.edit_message(sent.id, content="changed")
        assert home.sandbox.messages(home.channel)[0].content == "changed"
        assert all(str(webhook.token) not in request.path for request in home.sandbox.requests)


async def test_an_edit_parses_mentions_again(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = await channel_of(bot, home)
        sent = await channel.send(f"hello <@{home.mira.id}>", allowed_mentions=discord.AllowedMentions.none())
        assert home.sandbox.messages(home.channel)[0].pinged_ids == frozenset()
        await sent.edit(content=f"hello again <@{home.mira.id}>")
        assert home.sandbox.messages(home.channel)[0].pinged_ids == {home.mira.id}


async def test_a_webhook_without_allowed_mentions_pings_users_but_not_everyone(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = await hook(home, session)
        await webhook.send(f"<@{home.mira.id}> @everyone", wait=True)
        (seen,) = home.sandbox.messages(home.channel)
        assert seen.pinged_ids == {home.mira.id}
        assert not seen.pings_everyone


@pytest.mark.parametrize("name", ["", "x" * 81, "Clyde the third", "my DISCORD bot"])
async def test_a_webhook_name_that_discord_forbids_is_refused(home: Home, name: str) -> None:
    async with connected(home.sandbox) as bot:
        channel = await channel_of(bot, home)
        with pytest.raises(discord.HTTPException) as failure:
            await channel.create_webhook(name=name)
        assert (failure.value.status, failure.value.code) == (400, 50035)
        made = await channel.create_webhook(name="fine")
        if name:
            with pytest.raises(discord.HTTPException) as failure:
                await made.send("hello", username=name, wait=True)
            assert failure.value.code == 50035


async def test_a_channel_holds_fifteen_webhooks(home: Home) -> None:
    async with DiscordSandbox(DiscordOptions(rate_scale=0.001)) as sandbox:
        discord.http.Route.BASE = sandbox.api_base  # put back by the fixture of `home`
        headers = {"Authorization": f"Bot {sandbox.token}"}
        channel = sandbox.add_channel(sandbox.add_guild("Full"), "talk")
        url = f"{sandbox.api_base}/channels/{channel.id}/webhooks"
        async with aiohttp.ClientSession(headers=headers) as session:
            answers: list[tuple[int, int | None]] = []
            while len(answers) < 16:
                async with session.post(url, json={"name": "one more"}) as response:
                    if response.status != 429:
                        answers.append((response.status, (await response.json()).get("code")))
    assert answers == [(200, None)] * 15 + [(400, 30007)]


async def test_content_is_limited_to_2000_characters(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = await channel_of(bot, home)
        await channel.send("x" * 2000)
        for content, code in (("x" * 2001, 50035), ("  \n ", 50006)):
            with pytest.raises(discord.HTTPException) as failure:
                await channel.send(content)
            assert (failure.value.status, failure.value.code) == (400, code)
        assert len(home.sandbox.messages(home.channel)) == 1


async def test_a_repeated_nonce_gives_the_first_message_back(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = await channel_of(bot, home)
        first = await channel.send("once", nonce=42)
        again = await channel.send("once", nonce=42)
        assert first.id == again.id
        assert len(home.sandbox.messages(home.channel)) == 1


async def test_a_lost_answer_doubles_what_has_no_nonce_as_webhooks_have_none(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        home.sandbox.faults.lose_answer("POST", POST, 502)
        await (await channel_of(bot, home)).send("once")
    async with aiohttp.ClientSession() as session:
        webhook = await hook(home, session)
        home.sandbox.faults.lose_answer("POST", EXECUTE, 502)
        await webhook.send("twice", wait=True)
    assert [message.content for message in home.sandbox.messages(home.channel)] == ["once", "twice", "twice"]


async def test_missing_permissions_and_unknown_things_have_discords_codes(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = await channel_of(bot, home)
        with pytest.raises(discord.NotFound) as unknown:
            await channel.fetch_message(1)
        assert unknown.value.code == 10008
        home.sandbox.permit_bot(home.guild, manage_webhooks=False)
        with pytest.raises(discord.Forbidden) as forbidden:
            await channel.create_webhook(name="no")
        assert forbidden.value.code == 50013
    async with aiohttp.ClientSession() as session:
        with pytest.raises(discord.NotFound) as gone:
            await discord.Webhook.partial(1, "x" * 68, session=session).send("hello", wait=True)
        assert gone.value.code == 10015


async def test_a_deleted_webhook_is_unknown_and_a_wrong_token_invalid(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = await hook(home, session)
        with pytest.raises(discord.HTTPException) as wrong:
            await discord.Webhook.partial(webhook.id, "x" * 68, session=session).send("hello", wait=True)
        assert (wrong.value.status, wrong.value.code) == (401, 50027)
        home.sandbox.delete_webhook(home.channel)
        with pytest.raises(discord.NotFound) as gone:
            await webhook.send("hello", wait=True)
        assert gone.value.code == 10015


async def test_the_webhook_limit_is_five_in_two_seconds_and_its_headers_say_so(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = await hook(home, session)
        started = time.monotonic()
        for number in range(6):
            await webhook.send(f"{number}", wait=True)
        assert 1.9 < time.monotonic() - started < 3
        assert home.sandbox.limits.exhausted == {}
        assert [message.content for message in home.sandbox.messages(home.channel)] == list("012345")


async def test_who_ignores_the_headers_gets_429_with_via(home: Home) -> None:
    async with aiohttp.ClientSession() as session:
        webhook = await hook(home, session)
        url = f"{home.sandbox.api_base}/webhooks/{webhook.id}/{webhook.token}"
        statuses = []
        for _ in range(6):
            async with session.post(url, json={"content": "hurry"}) as response:
                statuses.append(response.status)
        assert statuses == [204] * 5 + [429]
        assert response.headers["Via"]
        assert response.headers["Content-Type"] == "application/json"


async def test_a_429_with_via_is_waited_out_and_one_without_raises_at_once(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        channel = await channel_of(bot, home)
        home.sandbox.faults.limit("POST", POST, 0.1).repeat(2)
        await channel.send("patience")
        home.sandbox.faults.limit("POST", POST, 0.1, via=False)
        with pytest.raises(discord.HTTPException) as failure:
            await channel.send("banned")
        assert failure.value.status == 429
        assert [message.content for message in home.sandbox.messages(home.channel)] == ["patience"]


async def test_a_wrong_token_is_refused_with_401(home: Home) -> None:
    async with discord.Client(intents=discord.Intents.default()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login("wrong")
    home.sandbox.faults.is_token_revoked = True
    async with discord.Client(intents=discord.Intents.default()) as client:
        with pytest.raises(discord.LoginFailure):
            await client.login(home.sandbox.token)


async def test_a_user_who_takes_no_direct_messages_is_50007(home: Home) -> None:
    home.sandbox.block_dms(home.mira)
    async with connected(home.sandbox) as bot:
        user = await bot.fetch_user(home.mira.id)
        with pytest.raises(discord.Forbidden) as failure:
            await user.send("psst")
        assert failure.value.code == 50007


async def test_typing_is_seen(home: Home) -> None:
    async with connected(home.sandbox) as bot, (await channel_of(bot, home)).typing():
        pass
    assert [typing.channel_id for typing in home.sandbox.typing] == [home.channel.id]


async def test_a_hybrid_command_answers_by_prefix_and_by_slash(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        asked = await home.sandbox.post(home.channel, home.mira, "!ping one")
        answer = await home.sandbox.wait_for_message(home.channel, asked)
        assert (answer.content, answer.reply_to_id) == ("one", None)
        reply = await home.sandbox.run_command(home.mira, home.channel, "ping", {"word": "two"})
        assert (reply.content, reply.is_ephemeral, reply.is_deferred) == ("two", True, False)
        assert reply.message not in home.sandbox.messages(home.channel)
        in_private = await home.sandbox.run_command(home.mira, home.sandbox.dm_channel(home.mira), "ping")
        assert in_private.content == "pong"


async def test_a_deferred_command_ends_with_its_first_follow_up(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        reply = await home.sandbox.run_command(home.mira, home.channel, "think")
        assert (reply.content, reply.is_deferred) == ("thought", True)
        reply = await home.sandbox.wait_for_follow_up(reply, 1) if len(reply.messages) == 1 else reply
        assert [message.content for message in reply.messages] == ["thought", "and thought again"]


async def test_a_command_that_nobody_answers_in_time_fails_as_users_see_it(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        home.sandbox.faults.delay("POST", "/interactions/{interaction_id}/{interaction_token}/callback", 0.1)
        assert (await home.sandbox.run_command(home.mira, home.channel, "ping")).content == "pong"
    with pytest.raises(TimeoutError, match="did not respond"):
        await home.sandbox.run_command(home.mira, home.channel, "ping")


async def test_a_late_callback_is_an_unknown_interaction(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()

        @bot.listen()
        async def on_interaction(interaction: discord.Interaction) -> None:
            home.sandbox._state.interactions[interaction.token].made_at -= 4

        with pytest.raises(TimeoutError):
            await home.sandbox.run_command(home.mira, home.channel, "ping")
    assert home.sandbox.requests[-1].status == 404


async def test_only_what_discord_would_offer_can_be_run(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        with pytest.raises(CommandNotShownError, match="no such options"):
            await home.sandbox.run_command(home.mira, home.channel, "ping", {"wrong": "x"})
        with pytest.raises(CommandNotShownError, match="no command"):
            await home.sandbox.run_command(home.mira, home.channel, "pong")
        with pytest.raises(CommandNotShownError, match="does not take"):
            await home.sandbox.run_command(home.mira, home.channel, "ping", {"word": 3})


async def test_people_can_not_write_where_they_may_not(home: Home) -> None:
    stranger = home.sandbox.add_user("Stranger")
    with pytest.raises(PermissionError):
        await home.sandbox.post(home.channel, stranger, "hello")
    home.sandbox.overwrite(home.channel, home.mira, deny=Permission.SEND_MESSAGES)
    with pytest.raises(PermissionError):
        await home.sandbox.post(home.channel, home.mira, "hello")


async def test_a_button_changes_its_message_or_is_answered_with_another(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        question = (await home.sandbox.run_command(home.mira, home.channel, "choose")).message
        said = await home.sandbox.press(home.mira, question, "say")
        assert (said.content, said.message.id == question.id) == ("said", False)
        changed = await home.sandbox.press(home.mira, question, "change")
        assert (changed.content, changed.message.id) == ("changed", question.id)
        await home.sandbox.press(home.mira, question, "defer")
        await home.sandbox.wait_until(
            lambda: not home.sandbox._state.messages[home.channel.id][question.id].components, what="the edit"
        )


async def test_only_a_button_that_is_seen_can_be_pressed(home: Home) -> None:
    tom = home.sandbox.add_user("Tom")
    home.sandbox.join(home.guild, tom)
    async with connected(home.sandbox) as bot:
        await bot.tree.sync()
        question = (await home.sandbox.run_command(home.mira, home.channel, "choose")).message
        with pytest.raises(CommandNotShownError, match="does not see"):
            await home.sandbox.press(tom, question, "say")
        with pytest.raises(CommandNotShownError, match="no button nonsense"):
            await home.sandbox.press(home.mira, question, "nonsense")
