"""A real store, and small stand-ins for the ports that record and fail on demand."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.errors import NotAllowedError, NotFoundError, TzurotError
from bot.model import GrantedToken, Heard, Member, Place, Profile, Question, Secret, Voice
from bot.services.policy import Policy
from bot.settings import load_settings
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.migrate import create_database
from bot.store.statement import Query

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
    numbers: Any = field(default_factory=lambda: count(1))

    async def say(self, place: Place, voice: Voice, text: str) -> int:
        number = next(self.numbers)
        if number in self.hold:
            self.reached.set()
            await self.hold[number].wait()
        if number in self.fail:
            raise self.fail[number]
        self.said.append((place.channel_id, voice.display_name, text))
        self.ids.append(600_000_000_000_000_000 + number)
        return self.ids[-1]

    @asynccontextmanager
    async def _typing(self, place: Place) -> AsyncIterator[None]:
        self.typed.append(place.channel_id)
        yield

    def typing(self, place: Place) -> Any:
        return self._typing(place)


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
    return Policy(owner_id=OWNER)


@pytest.fixture
def open_policy(policy: Policy) -> Policy:
    return replace(policy, has_login_service=False)


async def rows(store: SQLiteStore, sql: str, **parameters: Any) -> list[dict[str, Any]]:
    """The result as dictionaries, for what a test wants to see in the file."""
    return await store.fetch(Query(sql, lambda row: {key: row[key] for key in row.keys()}, parameters))  # noqa: SIM118


def heard(message_id: int, content: str, place: Place = NSFW, author_id: int = USER, **more: Any) -> Heard:
    return Heard(message_id, author_id, place, content, **more)


def token(value: str = "invented-token", expires_at: datetime | None = None) -> GrantedToken:
    return GrantedToken(Secret(value), expires_at)
