"""The table of permissions, tried on the wire: who is let through, what is said, and that nobody else gets there."""

import asyncio
from dataclasses import dataclass
from itertools import product

import pytest

from bot.rules.commands.terms import COMMANDS, Right, Where
from bot.sandbox.discord import Channel, CommandNotShownError, Message, User
from bot.sandbox.discord.interaction import Reply
from tests.client import permission_table
from tests.client.conftest import PATIENCE_SECONDS, World
from tests.client.counting import Counters, count
from tests.client.permission_table import DENIALS, MENU, REFUSALS, ROWS, SLASH, SPOKEN, TYPED, Row
from tests.client.stage import Stage, stage

GROUPS = [ROWS[start : start + 5] for start in range(0, len(ROWS), 5)]
"""Rows that share a bot."""


@pytest.fixture
def counters(monkeypatch: pytest.MonkeyPatch) -> Counters:
    return count(monkeypatch)


@pytest.mark.parametrize("rows", GROUPS, ids=lambda rows: f"{rows[0].command} to {rows[-1].command}")
async def test_who_may_use_a_command_uses_it_and_nobody_else_reaches_its_handler(
    world: World, counters: Counters, rows: list[Row]
) -> None:
    wrong: list[str] = []
    async with stage(world, counters) as made:
        for row, column, way in product(rows, rows[0].cells, (TYPED, SLASH, MENU)):
            if way in row.ways:
                await made.begin()
                said = await tried(made, row, column, way)
                problem = await judged(made, row, row.cells[column], said)
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
