"""Every administrative act is a row in `changes`: who did what, when, and what was there before."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
import pytest

from bot.model import Alias, Login, Personality, Secret, utc_now
from bot.rules.commands.terms import COMMANDS, DELETE, Right
from bot.sandbox.ai import PROFILE
from bot.sandbox.discord import Permission, User
from bot.store import aliases, logins, personalities
from bot.store.cipher import cipher_from
from bot.store.driver import open_store
from bot.store.engine import connect_reader, opened
from bot.store.statement import Statement
from tests.client.conftest import PATIENCE_SECONDS, World

SERVER = "4711"


@dataclass
class Office:
    """Where Mira is everything: the bot's owner, administrator and moderator; Tom only talks."""

    world: World
    tom: User

    async def write(self, *statements: Statement) -> None:
        store = await open_store(self.world.database, settings=self.world.settings())
        await store.write(*statements)
        await store.close()

    async def until_known(self, message_id: int) -> None:
        """A message stands in the channel a moment before it is committed who has spoken it."""
        sql = "SELECT 1 FROM message_mappings WHERE message_id = :id"
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                with opened(connect_reader(self.world.database, PATIENCE_SECONDS)) as connection:
                    if connection.execute(sql, {"id": message_id}).fetchone():
                        return
                await asyncio.sleep(0.01)

    def records(self, after: int = 0) -> list[dict[str, Any]]:
        sql = "SELECT * FROM changes WHERE id > :after ORDER BY id"
        with opened(connect_reader(self.world.database, PATIENCE_SECONDS)) as connection:
            return [dict(row) for row in connection.execute(sql, {"after": after})]


Act = Callable[[Office], Awaitable[Any]]
Rows = list[tuple[str, str, str]]


def typed(command: str) -> Act:
    async def give(office: Office) -> None:
        names = {"tom": office.tom.id}
        await office.world.hears(f"!tz {command.format(**names)}")

    return give


async def clean_up(office: Office) -> None:
    old = Login(office.tom.id, Secret("old"), utc_now(), "lilith", expires_at=utc_now() - timedelta(days=1))
    await office.write(logins.put(old, cipher_from(office.world.settings())))
    await office.world.hears("!tz auth cleanup")


async def delete_an_answer(office: Office) -> None:
    """One that was said to Tom."""
    spoken = await office.world.hears("@lil hello", author=office.tom)
    await office.until_known(spoken.id)
    await office.world.discord.run_message_command(office.world.mira, spoken, DELETE)
    office.deleted = spoken.id  # type: ignore[attr-defined]


ACTS: dict[str, tuple[Act, Rows]] = {
    "config": (typed("config lilith prompt Be kind."), [("personality", "put", "lilith")]),
    "activate": (typed("activate lilith"), [("activation", "put", "{channel}")]),
    "deactivate": (typed("deactivate"), [("activation", "delete", "{channel}")]),
    "blacklist add": (typed("blacklist add {tom} 3d spam"), [("ban", "put", "{tom} {guild}")]),
    "blacklist remove": (typed("blacklist remove {tom}"), [("ban", "delete", "{tom} {guild}")]),
    "blacklist addserver": (typed(f"blacklist addserver {SERVER}"), [("ban", "put", f"0 {SERVER}")]),
    "blacklist removeserver": (typed(f"blacklist removeserver {SERVER}"), [("ban", "delete", f"0 {SERVER}")]),
    "auth cleanup": (clean_up, [("login", "delete", "{tom} lilith")]),
    DELETE: (delete_an_answer, [("message", "delete", "{deleted}")]),
    "remove": (
        typed("remove lilith"),
        [("personality", "delete", "lilith"), ("alias", "delete", "lil"), ("alias", "delete", "lilith the first")],
    ),
}
"""What takes a right that not everybody has, in an order in which it can be done, and the rows that it leaves."""


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    tom = world.discord.add_user("Tom")
    world.discord.join(world.guild, tom)
    world.discord.set_permissions(world.guild, world.mira, Permission.ADMINISTRATOR)
    world.overrides |= {"bot_owner_id": world.mira.id, "profile_interval_seconds": 3600}
    made = Office(world, tom)
    now = utc_now()
    await made.write(
        personalities.put(Personality("lilith", "Lilith", world.mira.id, now, profile_fetched_at=now)),
        aliases.put(Alias("lil", "lilith", world.mira.id, now)),
        aliases.put(Alias("lilith the first", "lilith", tom.id, now)),
    )
    async with world.bot():
        await world.log_in()
        await world.log_in(tom)
        await world.discord.wait_for_commands()
        yield made


def test_every_administrative_command_is_among_the_acts() -> None:
    administrative = {
        name for name, terms in COMMANDS.items() if terms.right is not Right.NONE and not terms.is_reading
    }
    assert {*ACTS} == administrative | {DELETE}


async def test_each_act_is_on_record_with_who_when_and_what_was_before(office: Office) -> None:
    for name, (act, expected) in ACTS.items():
        known = office.records()
        before = utc_now()
        await act(office)
        found = office.records(known[-1]["id"])
        ids = {
            "tom": office.tom.id, "guild": office.world.guild.id, "channel": office.world.channel.id,
            "deleted": getattr(office, "deleted", 0),
        }  # fmt: skip
        wanted = [(kind, action, subject.format(**ids)) for kind, action, subject in expected]
        assert [(one["kind"], one["action"], one["subject"]) for one in found] == wanted, name
        for one in found:
            assert one["changed_by"] == office.world.mira.id, name
            assert one["changed_at"] >= before.isoformat(timespec="milliseconds")[:-6], name
            is_first = (one["kind"], one["action"]) in {("activation", "put"), ("ban", "put")}
            assert (one["before"] is None) == is_first, name
            assert orjson.loads(one["before"] or "{}").get("token", "v1.").startswith("v1."), name


async def test_what_nobody_may_leaves_no_row(office: Office) -> None:
    known = office.records()
    office.world.discord.join(office.world.guild, office.tom)
    spoken = await office.world.hears("@lil hello")
    await office.until_known(spoken.id)
    for name, (act, _) in ACTS.items():
        if act not in (clean_up, delete_an_answer):
            command = {"config": "config lilith prompt x", "activate": "activate lilith"}.get(name, f"{name} lilith")
            await office.world.hears(f"!tz {command}", author=office.tom)
    await office.world.discord.run_message_command(office.tom, spoken, DELETE)
    assert office.records(known[-1]["id"]) == []


async def test_what_the_settings_add_is_on_record_as_nobodys(world: World) -> None:
    world.overrides |= {"bot_owner_id": world.mira.id, "bot_owner_personalities": "lilith"}
    world.ai.faults.hang(route=PROFILE)
    async with world.bot():
        (one,) = Office(world, world.mira).records()
    assert (one["kind"], one["action"], one["subject"], one["changed_by"]) == ("personality", "put", "lilith", 0)
