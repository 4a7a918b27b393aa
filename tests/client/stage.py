"""The server in which permissions are tried, its people, and the state that every trial begins with."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.model import EVERYBODY, Activation, Alias, Ban, Login, Personality, Secret, Verification, utc_now
from bot.sandbox.discord import Channel, Message, Permission, User
from bot.store import activations, aliases, blacklist, logins, personalities, verifications
from bot.store.cipher import cipher_from
from bot.store.driver import SQLiteStore, open_store
from bot.store.statement import Query, Statement
from tests.client.conftest import PATIENCE_SECONDS, World
from tests.client.counting import Counters

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
