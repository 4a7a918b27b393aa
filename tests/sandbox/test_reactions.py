"""Reactions as people give them and as the bot sees, adds and removes them."""

import discord
import pytest

from bot.sandbox.bell import Bell
from bot.sandbox.discord import Permission
from tests.sandbox.conftest import Home, TinyBot, connected

BIN, EYES, OWN = "🗑️", "👀", "moth:77"


class Noticed:
    """The reaction events of a bot."""

    def __init__(self, bot: TinyBot) -> None:
        self.events: list[tuple[str, discord.RawReactionActionEvent]] = []
        self._bell = Bell()
        bot.add_listener(self.on_raw_reaction_add)
        bot.add_listener(self.on_raw_reaction_remove)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self._note("add", event)

    async def on_raw_reaction_remove(self, event: discord.RawReactionActionEvent) -> None:
        self._note("remove", event)

    def _note(self, kind: str, event: discord.RawReactionActionEvent) -> None:
        self.events.append((kind, event))
        self._bell.ring()

    async def first(self, count: int) -> list[tuple[str, str]]:
        await self._bell.wait_until(lambda: len(self.events) >= count, timeout_seconds=5, what="the reactions")
        return [(kind, str(event.emoji)) for kind, event in self.events]


async def target(bot: TinyBot, home: Home) -> discord.Message:
    channel = bot.get_channel(home.channel.id)
    assert isinstance(channel, discord.TextChannel)
    return await channel.send("look at me")


async def test_the_bot_is_told_who_reacted_to_whose_message(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        noticed = Noticed(bot)
        asked = await home.sandbox.post(home.channel, home.mira, "hello")
        await home.sandbox.react(home.mira, asked, BIN)
        await home.sandbox.react(home.mira, asked, BIN)
        await home.sandbox.react(home.mira, asked, OWN)
        await home.sandbox.unreact(home.mira, asked, BIN)
        assert await noticed.first(3) == [("add", BIN), ("add", "<:moth:77>"), ("remove", BIN)]
        event = noticed.events[0][1]
        assert (event.user_id, event.message_author_id, event.burst) == (home.mira.id, home.mira.id, False)
        assert event.member
        assert (event.member.id, event.guild_id) == (home.mira.id, home.guild.id)
        seen = await (await target(bot, home)).channel.fetch_message(asked.id)
        assert [(str(reaction.emoji), reaction.count, reaction.me) for reaction in seen.reactions] == [
            ("<:moth:77>", 1, False)
        ]


async def test_without_the_intent_of_a_place_nothing_is_told_of_it(home: Home) -> None:
    intents = discord.Intents.all()
    intents.guild_reactions = False
    async with connected(home.sandbox, intents) as bot:
        noticed = Noticed(bot)
        for place in (home.channel, home.sandbox.dm_channel(home.mira)):
            await home.sandbox.react(home.mira, await home.sandbox.post(place, home.mira, "hello"), EYES)
        await noticed.first(1)
        assert [event.guild_id for _, event in noticed.events] == [None]


async def test_the_bot_takes_back_its_own_reaction_and_others_with_manage_messages(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        message = await target(bot, home)
        await message.add_reaction(EYES)
        said = home.sandbox.messages(home.channel)[-1]
        await home.sandbox.react(home.mira, said, EYES)
        assert home.sandbox.messages(home.channel)[-1].reactions == {EYES: (home.sandbox.bot_user_id, home.mira.id)}
        assert bot.user
        await message.remove_reaction(EYES, bot.user)
        await message.remove_reaction(EYES, discord.Object(home.mira.id))
        assert home.sandbox.messages(home.channel)[-1].reactions == {}
        with pytest.raises(discord.NotFound) as missing:
            await message.remove_reaction(EYES, bot.user)
        assert missing.value.code == 10014
        await home.sandbox.react(home.mira, said, BIN)
        await message.clear_reaction(BIN)
        await home.sandbox.react(home.mira, said, BIN)
        home.sandbox.permit_bot(home.guild, manage_messages=False)
        with pytest.raises(discord.Forbidden) as refused:
            await message.remove_reaction(BIN, discord.Object(home.mira.id))
        assert refused.value.code == 50013


async def test_in_a_direct_message_nobody_removes_anothers_reaction(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        message = await (await bot.fetch_user(home.mira.id)).send("psst")
        await home.sandbox.react(home.mira, home.sandbox.messages(home.sandbox.dm_channel(home.mira))[-1], BIN)
        with pytest.raises(discord.Forbidden) as refused:
            await message.remove_reaction(BIN, discord.Object(home.mira.id))
        assert refused.value.code == 50003


async def test_only_an_emoji_is_a_reaction_and_only_the_first_of_a_kind_needs_a_permission(home: Home) -> None:
    async with connected(home.sandbox) as bot:
        message = await target(bot, home)
        with pytest.raises(discord.HTTPException) as unknown:
            await message.add_reaction("x")
        assert unknown.value.code == 10014
        said = home.sandbox.messages(home.channel)[-1]
        await home.sandbox.react(home.mira, said, EYES)
        for user in (home.sandbox.bot_user, home.mira):
            home.sandbox.overwrite(home.channel, user, deny=Permission.ADD_REACTIONS)
        await message.add_reaction(EYES)
        with pytest.raises(discord.Forbidden):
            await message.add_reaction(BIN)
        with pytest.raises(PermissionError):
            await home.sandbox.react(home.mira, said, BIN)
