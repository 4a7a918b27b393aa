"""A real store, and small stand-ins for the ports that record and fail on demand."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import NotAllowedError, NotFoundError, TzurotError
from bot.model import (
    Alias,
    Cause,
    GrantedToken,
    Heard,
    Login,
    Member,
    Personality,
    Place,
    Profile,
    Question,
    Recovered,
    Secret,
    Spoken,
    Turn,
    TurnState,
    Voice,
)
from bot.services.dialogue.authors import Authors
from bot.services.dialogue.decision import Decider
from bot.services.dialogue.delivery import Delivery
from bot.services.dialogue.dialogue import Dialogue
from bot.services.dialogue.proxies import Proxies
from bot.services.dialogue.watermark import Watermark
from bot.services.policy import Policy
from bot.services.ports import Told, Written
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.services.recovery.recovery import Recovery
from bot.settings import load_settings
from bot.store import aliases, logins, personalities, turns
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.migrate import create_database
from bot.store.statement import Query, Statement, Store

TIMEOUT_SECONDS = 5
KEY = SecretStr(base64.b64encode(bytes(range(32))).decode())
OWNER = 900_000_000_000_000_001
USER = 900_000_000_000_000_002
OTHER = 900_000_000_000_000_003
GUILD = 800_000_000_000_000_001
NSFW = Place(700_000_000_000_000_001, GUILD, is_nsfw=True)
NSFW_TOO = Place(700_000_000_000_000_002, GUILD, is_nsfw=True)
SAFE = Place(700_000_000_000_000_003, GUILD)
DM = Place(700_000_000_000_000_004)
MEMBER = Member(USER)
MODERATOR = Member(OWNER, may_manage_messages=True)


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class FakeSpeaker:
    """Records what is said; `fail` raises at that message (1 is the first), `hold` stops there until released."""

    said: list[tuple[int, str, str]] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)
    typed: list[int] = field(default_factory=list)
    fail: dict[int, TzurotError] = field(default_factory=dict)
    hold: dict[int, asyncio.Event] = field(default_factory=dict)
    reached: asyncio.Event = field(default_factory=asyncio.Event)
    after: list[int] = field(default_factory=list)
    refuse: dict[int, list[TzurotError]] = field(default_factory=dict)
    unchangeable: set[int] = field(default_factory=set)
    changed: list[tuple[int, int]] = field(default_factory=list)
    hold_change: asyncio.Event | None = None
    unprepared: TzurotError | None = None
    numbers: Any = field(default_factory=lambda: count(1))

    @property
    def texts(self) -> list[str]:
        """What was said, oldest first."""
        return [text for _, _, text in self.said]

    async def say(self, place: Place, voice: Voice, text: str, after_message_id: int) -> int:
        number = next(self.numbers)
        if number in self.hold:
            self.reached.set()
            await self.hold[number].wait()
        if number in self.fail:
            raise self.fail[number]
        self.after.append(after_message_id)
        self.said.append((place.channel_id, voice.display_name, text))
        self.ids.append(600_000_000_000_000_000 + number)
        return self.ids[-1]

    async def edit(self, place: Place, voice: Voice, message_id: int, text: str) -> bool:
        await self._change(place, message_id)
        if message_id not in self.ids or message_id in self.unchangeable:
            return False
        self.said[self.ids.index(message_id)] = (place.channel_id, voice.display_name, text)
        return True

    async def delete(self, place: Place, message_id: int) -> None:
        await self._change(place, message_id)
        if message_id in self.ids:
            del self.said[self.ids.index(message_id)]
            self.ids.remove(message_id)

    async def _change(self, place: Place, message_id: int) -> None:
        """`refuse` has the errors of the next tries, `hold_change` stops each until it is set."""
        self.changed.append((place.channel_id, message_id))
        if self.hold_change:
            self.reached.set()
            await self.hold_change.wait()
        if self.refuse.get(message_id):
            raise self.refuse[message_id].pop(0)

    async def is_editable(self, place: Place, message_id: int) -> bool:
        return bool(place.channel_id) and message_id in self.ids and message_id not in self.unchangeable

    async def prepare(self, place: Place) -> None:
        if self.unprepared and not place.is_dm:
            raise self.unprepared

    @asynccontextmanager
    async def _typing(self, place: Place) -> AsyncIterator[None]:
        self.typed.append(place.channel_id)
        yield

    def typing(self, place: Place) -> Any:
        return self._typing(place)


@dataclass
class FakeHistory:
    """The users' messages, and what was spoken, by channel; `fail` raises at every look, `broken` once for each."""

    messages: dict[int, Heard] = field(default_factory=dict)
    spoken: dict[int, list[Spoken]] = field(default_factory=dict)
    told: dict[int, list[Told]] = field(default_factory=dict)
    threads: dict[int, list[int]] = field(default_factory=dict)
    fail: TzurotError | None = None
    broken: dict[int, list[Exception]] = field(default_factory=dict)
    read: list[tuple[int, int]] = field(default_factory=list)
    read_at_once: int = 0
    hold: asyncio.Event | None = None
    _reading: int = 0

    def say(self, message_id: int, text: str, name: str = "Lilith", place: Place = NSFW) -> None:
        """Something that a personality has said there."""
        self.spoken.setdefault(place.channel_id, []).append(Spoken(message_id, text, name))

    async def message(self, place: Place, message_id: int) -> Heard | None:
        if self.fail:
            raise self.fail
        found = self.messages.get(message_id)
        return found if found and found.place.channel_id == place.channel_id else None

    async def spoken_since(self, place: Place, after_message_id: int) -> list[Spoken]:
        if self.fail:
            raise self.fail
        return [m for m in self.spoken.get(place.channel_id, []) if m.message_id > after_message_id]

    async def written_since(self, channel_id: int, after_message_id: int) -> list[Written]:
        if self.fail:
            raise self.fail
        self.read.append((channel_id, after_message_id))
        if errors := self.broken.get(channel_id):
            raise errors.pop(0)
        self._reading += 1
        self.read_at_once = max(self.read_at_once, self._reading)
        await (self.hold.wait() if self.hold else asyncio.sleep(0))
        self._reading -= 1
        heard = [m for m in self.messages.values() if m.place.channel_id == channel_id]
        written: list[Written] = [*heard, *self.spoken.get(channel_id, []), *self.told.get(channel_id, [])]
        return sorted((m for m in written if m.message_id > after_message_id), key=lambda m: m.message_id)

    def threads_of(self, channel_ids: Collection[int]) -> list[int]:
        return [thread for channel_id in channel_ids for thread in self.threads.get(channel_id, [])]


@dataclass
class FakeConfirmer:
    """Confirms, or not, and shows what stood in the database's turns at that moment."""

    store: SQLiteStore
    confirms: bool = True
    asked: list[float] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    hold: asyncio.Event | None = None
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def confirm(self, timeout_seconds: float) -> bool:
        self.asked.append(timeout_seconds)
        self.states += [row["state"] for row in await rows(self.store, "SELECT state FROM turns")]
        self.reached.set()
        if self.hold:
            await self.hold.wait()
        return self.confirms


@dataclass
class FakeHerald:
    """Records who is told what."""

    told: list[tuple[int, str]] = field(default_factory=list)

    async def tell(self, heard: Heard, error: TzurotError) -> None:
        self.told.append((heard.message_id, type(error).__name__))


@dataclass
class FakeThinker:
    """Answers with `answer(question)`, which may raise; holds questions whose content is in `hold`."""

    answer_with: Callable[[Question], str] = lambda question: f"echo {question.content}"
    questions: list[Question] = field(default_factory=list)
    hold: dict[str, asyncio.Event] = field(default_factory=dict)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, question: Question) -> str:
        self.questions.append(question)
        if question.content in self.hold:
            self.reached.set()
            await self.hold[question.content].wait()
        return self.answer_with(question)


@dataclass
class FakeProfiles:
    """Knows the profiles it is given; `fail` raises for a name."""

    known: dict[str, Profile] = field(default_factory=dict)
    fail: dict[str, TzurotError] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def fetch(self, full_name: str) -> Profile:
        self.asked.append(full_name)
        if full_name in self.fail:
            raise self.fail[full_name]
        if full_name not in self.known:
            raise NotFoundError(f"No personality is called {full_name}.")
        return self.known[full_name]


@dataclass
class FakeLogins:
    """Grants a token for each of its codes."""

    codes: dict[str, GrantedToken] = field(default_factory=dict)
    link: str = "https://service.example/authorize?app_id=1"

    async def redeem(self, code: str) -> GrantedToken:
        if code not in self.codes:
            raise NotAllowedError("A bad code.")
        return self.codes[code]


@pytest.fixture
def speaker() -> FakeSpeaker:
    return FakeSpeaker()


@pytest.fixture
def thinker() -> FakeThinker:
    return FakeThinker()


@pytest.fixture
def history() -> FakeHistory:
    return FakeHistory()


@pytest.fixture
def confirmer(store: SQLiteStore) -> FakeConfirmer:
    return FakeConfirmer(store)


@pytest.fixture
def delivery(  # noqa: PLR0917 - fixtures are passed by pytest
    store: SQLiteStore,
    policy: Policy,
    clock: Clock,
    speaker: FakeSpeaker,
    history: FakeHistory,
    confirmer: FakeConfirmer,
) -> Delivery:
    async def pause(seconds: float) -> None:
        clock.advance(seconds=seconds)

    return Delivery(
        store=store, speaker=speaker, history=history, confirmer=confirmer, policy=policy, clock=clock, pause=pause
    )


@pytest.fixture
def new_dialogue(  # noqa: PLR0917 - fixtures are passed by pytest
    store: SQLiteStore, cipher: Cipher, policy: Policy, clock: Clock, thinker: FakeThinker, delivery: Delivery
) -> Dialogue:
    """A dialogue in an empty house."""
    watermark = Watermark(store=store, interval_seconds=0.01, clock=clock)
    decider = Decider(store=store, cipher=cipher, policy=policy, clock=clock)
    proxies = Proxies(store=store, policy=policy, deletions=delivery.deletions, clock=clock)
    return Dialogue(
        store=store,
        decider=decider,
        authors=Authors(proxies=proxies, decider=decider),
        thinker=thinker,
        delivery=delivery,
        watermark=watermark,
        clock=clock,
    )


def lilith_and_her_user(cipher: Cipher, now: datetime) -> tuple[Statement, ...]:
    """Lilith, who is called by an alias, and somebody who is logged in."""
    return (
        personalities.put(Personality("lilith-tzel-shani", "Lilith", OWNER, now)),
        aliases.put(Alias("lilith", "lilith-tzel-shani", OWNER, now)),
        logins.put(Login(USER, Secret("invented-token"), now), cipher),
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    path = tmp_path / "tzurot.db"
    create_database(path)
    opened = await open_store(path, settings=load_settings({"database_path": path}, env_file=None))
    yield opened
    await opened.close()


@pytest.fixture
def cipher() -> Cipher:
    return Cipher([KEY])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def policy() -> Policy:
    return Policy(owner_id=OWNER, user_rate_limit=10_000, channel_rate_limit=10_000)


@pytest.fixture
def open_policy(policy: Policy) -> Policy:
    return replace(policy, has_login_service=False)


def answered_for_another(sent_id: int, now: datetime) -> list[Statement]:
    """Another user's message, the one before, that was answered by this one."""
    turn = Turn(sent_id - 1, NSFW.channel_id, OTHER, 1, Cause.MENTION, TurnState.DONE, now, now)
    return [turns.add(turn), turns.add_chunk(sent_id - 1, 0, sent_id)]


async def rows(store: Store, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    """The result as dictionaries, for what a test wants to see in the file."""
    return await store.fetch(Query(sql, lambda row: {key: row[key] for key in row.keys()}, parameters))  # noqa: SIM118


async def go_through(channels: ChannelRecovery, watermark: Watermark) -> Recovered:
    """Be a process that starts: what was left is found, then gone through once."""
    recovered: asyncio.Future[Recovered] = asyncio.get_running_loop().create_future()

    async def on_recovered(result: Recovered) -> None:
        recovered.set_result(result)

    recovery = Recovery(channels=channels, watermark=watermark, on_recovered=on_recovered)
    await recovery.begin()
    recovery.go_on()
    running = asyncio.create_task(recovery.run())
    try:
        async with asyncio.timeout(5):
            return await recovered
    finally:
        running.cancel()
        await asyncio.wait({running})


def heard(message_id: int, content: str, place: Place = NSFW, author_id: int = USER, **more: Any) -> Heard:
    return Heard(message_id, author_id, place, content, **more)


def token(value: str = "invented-token", expires_at: datetime | None = None) -> GrantedToken:
    return GrantedToken(Secret(value), expires_at)
