"""The table of permissions, tried on the wire: who is let through, what is said, and that nobody else gets there."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from bot.model import EVERYBODY, Activation, Alias, Ban, Login, Personality, Secret, Verification, utc_now
from bot.rules.commands import COMMANDS, Right, Where
from bot.sandbox.discord import Channel, CommandNotShownError, Message, Permission, User
from bot.sandbox.discord.interaction import Reply
from bot.store import activations, aliases, blacklist, logins, personalities, verifications
from bot.store.cipher import cipher_from
from bot.store.driver import SQLiteStore, open_store
from bot.store.statement import Query, Statement
from tests.client import permission_table
from tests.client.conftest import PATIENCE_SECONDS, World
from tests.client.counting import Counters, count
from tests.client.permission_table import DENIALS, MENU, REFUSALS, ROWS, SLASH, SPOKEN, TYPED, Row

GROUPS = [ROWS[start : start + 5] for start in range(0, len(ROWS), 5)]
"""Rows that share a bot."""
KEPT = (
    "personalities", "personality_aliases", "channel_activations", "conversations", "auth_tokens", "blacklist",
    "nsfw_verifications", "auto_responses", "notification_preferences", "changes",
)  # fmt: skip
"""Tables in which a refusal leaves everything as it was."""
OFTEN = {"user_rate_limit": 10_000, "channel_rate_limit": 10_000, "undo_question_timeout_seconds": 0.1}


@dataclass
class Stage:
    """The server, its people, and the state that every trial begins with."""

    world: World
    counters: Counters
    store: SQLiteStore
    open: Channel
    people: dict[str, User] = field(default_factory=dict)
    beginning: list[Statement] = field(default_factory=list)

    def at(self, column: str) -> tuple[User, Channel]:
        """Who stands for a column, and where."""
        nicks = {"open": "mod", "dm+": "crea", "dm-": "memb", "dmo": "own", "dmh": "here"}
        user = self.people[nicks.get(column, column)]
        if column.startswith("dm"):
            return user, self.world.discord.dm_channel(user)
        return user, self.open if column == "open" else self.world.channel

    async def answer_in(self, channel: Channel, user: User) -> Message:
        """What Lilith says there to Cleo, in a direct message to the user, while all may talk to her everywhere."""
        asker = user if channel.is_dm else self.people["crea"]
        self.world.discord.set_nsfw(self.open, nsfw=True)
        await self.store.write(verifications.put(Verification(user.id, is_verified=True, recorded_at=utc_now())))
        answer = await self.world.hears("@lil hello", channel=channel, author=asker)
        await self.settled()
        self.world.discord.set_nsfw(self.open, nsfw=False)
        await self.begin()
        return answer

    async def settled(self) -> None:
        """Nobody tells of the database that it has changed."""
        unfinished = Query("SELECT 1 FROM turns WHERE state <> 'done'", bool)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while await self.store.first(unfinished):  # noqa: ASYNC110 - see above
                await asyncio.sleep(0.005)

    async def begin(self) -> None:
        await self.store.write(*self.beginning)
        self.counters.clear()

    async def kept(self) -> list[Any]:
        found: list[Any] = []
        for table in KEPT:
            rows = await self.store.fetch(Query(f"SELECT * FROM {table} ORDER BY 1, 2", dict_of))  # noqa: S608
            found += [(table, {key: value for key, value in row.items() if key != "last_used"}) for row in rows]
        return found

    def fill(self, value: Any, user: User) -> Any:
        """A placeholder of the table as what it stands for: a typed word, or a slash command's option."""
        known = {"{tom}": self.people["tom"], "{server}": str(self.world.guild.id + 1)}
        return known.get(value, value) if value != "{code}" else self.world.ai.issue_code(user.id)


def dict_of(row: Any) -> dict[str, Any]:
    return dict(zip(row.keys(), row, strict=True))


@asynccontextmanager
async def stage(world: World, counters: Counters) -> AsyncIterator[Stage]:
    discord, guild = world.discord, world.guild
    named = {
        "none": "Nora",
        "late": "Emil",
        "ban": "Bert",
        "here": "Hera",
        "memb": "Mona",
        "srv": "Sven",
        "adm": "Adam",
    }
    named |= {"adm": "Adam", "crea": "Cleo", "own": "Olga", "tom": "Tom"}
    people = {nick: discord.add_user(name) for nick, name in named.items()}
    for user in people.values():
        discord.join(guild, user)
    people["mod"] = world.mira
    discord.set_permissions(guild, people["srv"], Permission.MANAGE_GUILD)
    discord.set_permissions(guild, people["adm"], Permission.ADMINISTRATOR)
    world.overrides |= OFTEN | {"bot_owner_id": people["own"].id}
    store = await open_store(world.database, settings=world.settings())
    made = Stage(world, counters, store, discord.add_channel(guild, "lobby"), people)
    made.beginning = [*beginning(made)]
    await made.begin()
    try:
        async with world.bot():
            await discord.wait_for_commands()
            offer_everything(world)
            yield made
    finally:
        await store.close()


def beginning(made: Stage) -> list[Statement]:
    """Forget everything, and write what the table's legend says."""
    world, people, now = made.world, made.people, utc_now()
    cipher = cipher_from(world.settings())
    until = {nick: now + timedelta(days=1) for nick in ("ban", "here", "memb", "mod", "srv", "adm", "crea", "own")}
    until["late"] = now - timedelta(days=1)
    tables = [table for table in KEPT if table != "personalities"]
    return [
        *(Statement(f"DELETE FROM {table}") for table in tables),  # noqa: S608 - names of this module
        Statement("DELETE FROM personalities WHERE full_name = 'naamah'"),
        personalities.put(Personality("lilith", "Lilith", people["crea"].id, now, metadata={})),
        aliases.put(Alias("lil", "lilith", people["crea"].id, now)),
        *(activations.put(Activation(c.id, "lilith", world.mira.id, now)) for c in (world.channel, made.open)),
        *(
            logins.put(Login(people[nick].id, Secret("token"), now, expires_at=end), cipher)
            for nick, end in until.items()
        ),
        blacklist.put(Ban(people["ban"].id, people["own"].id, now)),
        *(blacklist.put(Ban(people["tom"].id, people["own"].id, now, guild_id=where)) for where in (0, world.guild.id)),
        blacklist.put(Ban(EVERYBODY, people["own"].id, now, guild_id=world.guild.id + 1)),
        blacklist.put(Ban(people["here"].id, people["adm"].id, now, guild_id=world.guild.id)),
        verifications.put(Verification(people["crea"].id, is_verified=True, recorded_at=now)),
    ]


def offer_everything(world: World) -> None:
    """As if administrators had offered every command to everybody, and Discord in every place."""
    for command in world.discord._state.commands[None]:
        command |= {"default_member_permissions": None, "contexts": None, "dm_permission": True}


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> Counters:
    return count(monkeypatch)


@pytest.mark.parametrize("rows", GROUPS, ids=lambda rows: f"{rows[0].command} to {rows[-1].command}")
async def test_who_may_use_a_command_uses_it_and_nobody_else_reaches_its_handler(
    world: World, counters: Counters, rows: list[Row]
) -> None:
    wrong: list[str] = []
    async with stage(world, counters) as made:
        for row in rows:
            for column, cell in row.cells.items():
                for way in row.ways:
                    await made.begin()
                    said = await tried(made, row, column, way)
                    problem = await judged(made, row, cell, said)
                    wrong += [f"{way} {row.command}, {column}: {problem}"] if problem else []
        wrong += answers_to_the_ignored(made)
    assert not wrong, "\n" + "\n".join(wrong)


def answers_to_the_ignored(made: Stage) -> list[str]:
    """Whatever was said in the end to those who get no word in the server."""
    discord, ignored = made.world.discord, {made.people["ban"], made.people["here"]}
    messages = discord.messages(made.world.channel)
    theirs = {message.id for message in messages if message.author in ignored}
    answered = [one for one in discord._state.interactions.values() if one.user in ignored and one.channel.guild]
    return [
        *(f"said to someone ignored: {message.content}" for message in messages if message.reply_to_id in theirs),
        *(f"answered to someone ignored: {one.id}" for one in answered if one.answered_with is not None),
    ]


async def test_personalities_answer_those_who_may_talk_to_them_and_others_are_told_why(
    world: World, counters: Counters
) -> None:
    async with stage(world, counters) as made:
        for column, cell in SPOKEN.cells.items():
            await made.begin()
            user, channel = made.at(column)
            asked = len(world.ai.calls)
            said = await world.say(SPOKEN.command, channel=channel, author=user)
            if cell == "-":
                await world.hears("!tz help", author=made.people["memb"])
                assert len(world.spoken(world.channel, said)) == 1, column
            else:
                answer = await world.next(channel, said)
                assert DENIALS.get(cell, REFUSALS.get(cell, SPOKEN.says[0])) in answer.content, column
                assert (cell == "yes") == (bool(answer.webhook_id) or answer.content.startswith("**Lilith:**")), column
            assert len(world.ai.calls) - asked == (cell == "yes"), column


@dataclass(frozen=True)
class Said:
    """What came of it: no text is not a word, and who sees it is the question with a slash only."""

    text: str | None
    is_private: bool | None = None


async def tried(made: Stage, row: Row, column: str, way: str) -> Said:
    user, channel = made.at(column)
    give = {TYPED: typed, SLASH: slashed, MENU: chosen}[way]
    trying = asyncio.create_task(give(made, row, user, channel))
    ignored = asyncio.create_task(made.counters.ignored.wait())
    async with asyncio.timeout(PATIENCE_SECONDS):
        await asyncio.wait({trying, ignored}, return_when=asyncio.FIRST_COMPLETED)
    ignored.cancel()
    if not trying.done():
        trying.cancel()
        await asyncio.gather(trying, return_exceptions=True)
        return Said(None)
    return trying.result()


async def typed(made: Stage, row: Row, user: User, channel: Channel) -> Said:
    words = [made.fill(word, user) for word in row.given.typed.split()]
    shown = [f"<@{word.id}>" if isinstance(word, User) else word for word in words]
    said = await made.world.say(" ".join(["!tz", row.command, *shown]), channel=channel, author=user)
    answer: Message = await made.world.next(channel, said)
    await made.counters.ended.wait()
    return Said(answer.content)


async def slashed(made: Stage, row: Row, user: User, channel: Channel) -> Said:
    options = {name: made.fill(value, user) for name, value in row.given.slash.items()}
    reply: Reply = await made.world.discord.run_command(user, channel, row.command, options)
    if reply.modal is not None:
        return Said(f"a form: {', '.join(reply.modal.labels)}", is_private=True)
    await made.counters.ended.wait()
    return Said(reply.content, is_private=reply.is_ephemeral)


async def chosen(made: Stage, row: Row, user: User, channel: Channel) -> Said:
    target = await made.answer_in(channel, user)
    reply: Reply = await made.world.discord.run_message_command(user, target, row.command)
    return Said(f"{reply.content}{reply.message.embeds}", is_private=reply.is_ephemeral)


async def judged(made: Stage, row: Row, cell: str, said: Said) -> str:
    """What is wrong with it; nothing if it went as the cell says."""
    reached = made.counters.reached
    if cell == "-":
        return f"said {said.text!r}, reached {reached}" if said.text is not None or reached else ""
    refusal = {**REFUSALS, **DENIALS}.get(cell)
    wanted = (refusal,) if refusal else row.says
    if said.text is None or not any(words in said.text for words in wanted):
        return f"said {said.text!r} instead of {wanted!r}"
    if reached != ([] if cell in REFUSALS else [row.command]):
        return f"reached {reached}"
    is_private = cell != "yes" or not row.given.is_public
    if said.is_private not in (None, is_private):
        return f"is private: {said.is_private}"
    return await left(made) if cell != "yes" else ""


async def left(made: Stage) -> str:
    """What is wrong with the state after a refusal."""
    after = await made.kept()
    await made.begin()
    return "" if after == await made.kept() else "changed something"


def test_every_command_has_its_row_and_every_row_its_command() -> None:
    tabled = {row.command for row in ROWS}
    assert tabled == set(COMMANDS)
    for row in ROWS:
        unknown = {*row.cells.values()} - {"yes", "-", *REFUSALS, *DENIALS}
        assert not unknown, row.command


def test_every_command_is_tried_both_ways_where_there_are_both() -> None:
    groups = {name for name in COMMANDS if any(other.startswith(f"{name} ") for other in COMMANDS)}
    for name in COMMANDS:
        ways = {way for row in ROWS if row.command == name for way in row.ways}
        wanted = {MENU} if name[0].isupper() else {TYPED} if name in groups else {TYPED, SLASH}
        assert ways == wanted, name


async def test_discord_offers_a_command_only_to_those_who_may_use_it_and_where_it_works(world: World) -> None:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    async with world.bot():
        await world.discord.wait_for_commands()
        for name, terms in COMMANDS.items():
            is_whole = " " not in name and not any(other.startswith(f"{name} ") for other in COMMANDS)
            if is_whole and terms.right not in (Right.NONE, Right.CREATOR):
                with pytest.raises(CommandNotShownError):
                    await world.discord.run_command(tom, world.channel, name, {})
            if is_whole and terms.where in (Where.SERVER, Where.NSFW):
                with pytest.raises(CommandNotShownError):
                    await world.discord.run_command(tom, world.discord.dm_channel(tom), name, {})
            if is_whole and terms.where is Where.DIRECT:
                with pytest.raises(CommandNotShownError):
                    await world.discord.run_command(tom, world.channel, name, {})


def test_the_legend_names_every_column() -> None:
    for column in ROWS[0].cells:
        assert f"| {column} " in (permission_table.__doc__ or "")
