"""A process that can die between any two steps, and what outlives it."""

# ruff: noqa: ARG002 - doubles are given more than they look at

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pysqlite3
import pytest

from bot.model import (
    Activation,
    Heard,
    Login,
    Personality,
    Place,
    Question,
    Recovered,
    Secret,
    Spoken,
    Voice,
    snowflake_of,
)
from bot.services.dialogue.authors import Authors
from bot.services.dialogue.decision import Decider
from bot.services.dialogue.delivery import Delivery
from bot.services.dialogue.dialogue import Dialogue
from bot.services.dialogue.proxies import Proxies
from bot.services.dialogue.watermark import Watermark
from bot.services.policy import Policy
from bot.services.ports import ProxyRegistry, Written
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.settings import load_settings
from bot.store import activations, logins, marks, personalities
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import connect_reader
from bot.store.migrate import create_database
from bot.store.statement import Outcome, Query, Statement
from tests.services.conftest import NSFW, OWNER, USER, Clock, FakeHerald, go_through, heard, rows

T = TypeVar("T")
PARTS = ["a" * 1500, "b" * 1500, "c" * 1500]
ANSWER = "\n\n".join(PARTS)
ANSWERED = 2
"""The number of the first copy that has the answer; 0 has no turn, 1 a pending one."""


class DeathError(BaseException):
    """The process is gone: nobody catches it."""


@dataclass
class Steps:
    """Counts the steps of a turn, and dies at one of them."""

    last: int | None = None
    done: list[str] = field(default_factory=list)

    def take(self, name: str) -> None:
        if self.last is not None and len(self.done) == self.last:
            raise DeathError(name)
        self.done.append(name)


@dataclass
class House:
    """What survives the process: Discord's channel, the AI's bill, and the volume with a copy after each commit."""

    folder: Path
    clock: Clock
    question: Heard
    channel: list[Written] = field(default_factory=list)
    answer: str = ANSWER
    asked: int = 0
    copies: int = 0
    newest_id: int = 0
    registry: ProxyRegistry | None = None

    def __post_init__(self) -> None:
        self.channel.append(self.question)
        self.newest_id = self.question.message_id

    @property
    def database(self) -> Path:
        return self.folder / "tzurot.db"

    @property
    def said(self) -> list[str]:
        return [entry.text for entry in self.channel if isinstance(entry, Spoken)]

    def copy(self, number: int) -> Path:
        return self.folder / f"copy-{number}.db"

    def keep_copy(self) -> None:
        with (
            closing(connect_reader(self.database, 1)) as source,
            closing(pysqlite3.connect(self.copy(self.copies))) as copy,
        ):
            source.backup(copy)
        self.copies += 1

    def restore(self, number: int) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.database.with_name(self.database.name + suffix).unlink(missing_ok=True)
        shutil.copy(self.copy(number), self.database)


@dataclass
class MortalStore:
    """The real store, with a step before and after each write."""

    store: SQLiteStore
    steps: Steps
    house: House

    async def write(self, *statements: Statement) -> list[Outcome]:
        self.steps.take("before a commit")
        outcomes = await self.store.write(*statements)
        self.house.keep_copy()
        self.steps.take("after a commit")
        return outcomes

    async def fetch(self, query: Query[T]) -> list[T]:
        return await self.store.fetch(query)

    async def first(self, query: Query[T]) -> T | None:
        return await self.store.first(query)

    async def look_up(self, query: Query[T]) -> list[T]:
        return await self.store.look_up(query)


@dataclass
class World:
    """Discord, the AI service and the bucket, with a step before and after each call."""

    house: House
    steps: Steps

    async def say(self, place: Place, voice: Voice, text: str, after_message_id: int) -> int:
        self.steps.take("before a message is sent")
        self.house.newest_id += 1
        self.house.channel.append(Spoken(self.house.newest_id, text, voice.display_name))
        self.steps.take("after a message was sent")
        return self.house.newest_id

    async def edit(self, place: Place, voice: Voice, message_id: int, text: str) -> bool:
        self.steps.take("before a message is changed")
        changed = Spoken(message_id, text, voice.display_name, is_edited=True)
        is_there = message_id in [m.message_id for m in self.house.channel]
        self.house.channel[:] = [changed if m.message_id == message_id else m for m in self.house.channel]
        self.steps.take("after a message was changed")
        return is_there

    async def delete(self, place: Place, message_id: int) -> None:
        self.steps.take("before a message is deleted")
        self.house.channel[:] = [m for m in self.house.channel if m.message_id != message_id]
        self.steps.take("after a message was deleted")

    async def is_editable(self, place: Place, message_id: int) -> bool:
        return any(m.message_id == message_id for m in self.house.channel)

    async def prepare(self, place: Place) -> None:
        self.steps.take("before the webhook is ready")

    @asynccontextmanager
    async def typing(self, place: Place) -> AsyncIterator[None]:
        yield

    async def answer(self, question: Question) -> str:
        self.steps.take("before the AI is asked")
        self.house.asked += 1
        self.steps.take("after the AI has answered")
        return self.house.answer

    async def confirm(self, timeout_seconds: float) -> bool:
        self.steps.take("before the answer is confirmed")
        return True

    async def message(self, place: Place, message_id: int) -> Heard | None:
        return next(m for m in self.house.channel if isinstance(m, Heard) and m.message_id == message_id)

    async def spoken_since(self, place: Place, after_message_id: int) -> list[Spoken]:
        return [m for m in self.house.channel if isinstance(m, Spoken) and m.message_id > after_message_id]

    async def written_since(self, channel_id: int, after_message_id: int) -> list[Written]:
        return [m for m in self.house.channel if m.message_id > after_message_id and channel_id == NSFW.channel_id]

    def threads_of(self, channel_ids: object) -> list[int]:
        return []


@asynccontextmanager
async def process(house: House, cipher: Cipher, steps: Steps) -> AsyncIterator[ChannelRecovery]:
    """One life of the program on the house's volume."""
    settings = load_settings({"database_path": house.database}, env_file=None)
    opened = await open_store(house.database, settings=settings)
    store, world, policy = MortalStore(opened, steps, house), World(house, steps), Policy(owner_id=OWNER)
    delivery = Delivery(store=store, speaker=world, history=world, confirmer=world, policy=policy, clock=house.clock)
    watermark = Watermark(store=opened, interval_seconds=1, clock=house.clock)
    decider = Decider(store=store, cipher=cipher, policy=policy, clock=house.clock)
    proxies = Proxies(
        store=store, policy=policy, deletions=delivery.deletions, registry=house.registry, clock=house.clock
    )
    dialogue = Dialogue(
        store=store,
        decider=decider,
        authors=Authors(proxies=proxies, decider=decider),
        thinker=world,
        delivery=delivery,
        watermark=watermark,
        clock=house.clock,
    )
    try:
        await watermark.load()
        yield ChannelRecovery(dialogue=dialogue, history=world, herald=FakeHerald())
    finally:
        await opened.close()


@pytest.fixture
async def house(tmp_path: Path, cipher: Cipher, clock: Clock) -> House:
    """Lilith answers everything in a channel, and a logged-in user has just written something."""
    asked_at = snowflake_of(clock() - timedelta(seconds=1))
    made = House(tmp_path, clock, heard(asked_at + 1, "hello"))
    create_database(made.database)
    async with process(made, cipher, Steps()) as channels:
        store = channels.dialogue.store
        await store.write(
            personalities.put(Personality("lilith-tzel-shani", "Lilith", OWNER, clock())),
            activations.put(Activation(NSFW.channel_id, "lilith-tzel-shani", OWNER, clock())),
            logins.put(Login(USER, Secret("invented-token"), clock()), cipher),
            marks.put(asked_at, clock()),
        )
    return made


async def live(house: House, cipher: Cipher, steps: Steps) -> bool:
    """Hear the question; whether it was outlived."""
    async with process(house, cipher, steps) as channels:
        try:
            await channels.dialogue.hear(house.question)
        except DeathError:
            return False
    return True


async def live_on(house: House, cipher: Cipher) -> Recovered:
    """Be the next process."""
    async with process(house, cipher, Steps()) as channels:
        recovered = await go_through(channels, channels.dialogue.watermark)
        (turn,) = await rows(channels.dialogue.store, "SELECT state, answer FROM turns")
        assert turn == {"state": "done", "answer": None}
    return recovered
