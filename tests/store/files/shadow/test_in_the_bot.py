"""shadow mode as a whole, on real files: quiet where they are right, and loud where they are not."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from bot.model import (
    EVERY_PERSONALITY,
    Activation,
    Alias,
    Ban,
    Conversation,
    Heard,
    Login,
    Mapping,
    Personality,
    Place,
    Secret,
    Verification,
)
from bot.rules.operation.standing import Mismatched
from bot.settings import Settings
from bot.store import (
    activations,
    aliases,
    blacklist,
    conversations,
    logins,
    messages,
    mismatches,
    overview,
    personalities,
    situation,
    storage,
    verifications,
)
from bot.store.changes import Action, Edit, Kind, login_subject
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from bot.store.engine import RawConnection
from bot.store.files.all_plans import all_plans
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import REST_FOLDER
from bot.store.files.modes import backend as backends
from bot.store.files.modes.backend import Backend, open_backend
from bot.store.files.modes.scratch import make_private
from bot.store.files.plan import FileContent, Plan
from bot.store.files.shadow.mode import Workspace
from bot.store.files.standing import find_changed
from bot.store.migrate import create_database
from tests.store.conftest import NOW

USERS = range(900_000_000_000_000_001, 900_000_000_000_000_021)
CHANNEL = 800_000_000_000_000_001
LILITH = Personality("lilith", "Lilith", USERS[0], NOW)


@pytest.fixture(params=["gen1", "gen2"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    return Settings(
        _env_file=None,
        database_path=tmp_path / "tzurot.db",
        json_dir=tmp_path / "json",
        json_format=request.param,
        storage_mode="shadow",
        shadow_interval_seconds=0.000_001,
    )


@pytest.fixture
async def backend(settings: Settings, cipher: Cipher) -> AsyncIterator[Backend]:
    create_database(settings.database_path)
    made = await open_backend(settings, cipher)
    await made.store.write(
        personalities.put(LILITH), aliases.put(Alias("lil", "lilith", USERS[0], NOW)), blacklist.put(Ban(1, 0, NOW))
    )
    yield made
    await made.close()
    assert not Workspace(settings.json_folder).path.exists()


async def compare(backend: Backend) -> list[Mismatched]:
    """One round of the files, and what the comparison after it has found by now."""
    assert backend.behind
    assert backend.shadow
    await backend.behind.catch_up()
    await backend.shadow.compare_next()
    return await backend.store.fetch(mismatches.list_all())


async def talk(store: SQLiteStore, cipher: Cipher, user: int, numbers: Iterator[int]) -> None:
    """What a user does all the time, and what is read for that."""
    for number in numbers:
        message = 1_400_000_000_000_000_000 + number * 2**22
        heard = Heard(message, user, Place(CHANNEL + number % 3, 1), "@lil", replied_to_id=message)
        await store.write(
            Edit(user, NOW).record(Kind.LOGIN, Action.PUT, login_subject(user)),
            logins.put(Login(user, Secret(f"invented {number}"), NOW), cipher),
            verifications.put(Verification(user, number % 2 == 0, NOW)),
            conversations.go_on(Conversation(CHANNEL + number % 3, user, "lilith", NOW, NOW), 1),
            messages.put(Mapping(message, user, CHANNEL, 1)),
            activations.put(Activation(CHANNEL + number % 5, "lilith", user, NOW)),
        )
        await store.write(logins.touch(user, EVERY_PERSONALITY, NOW))
        await store.look_up(situation.find(heard, NOW, ("lil",)))
        await store.first(messages.get(message))
        await store.fetch(logins.find_by_user(user, cipher))
        await store.fetch(overview.count_rows(("personalities", "message_mappings")))


async def test_it_is_quiet_while_twenty_users_talk(backend: Backend, cipher: Cipher) -> None:
    numbers = count()
    talking = [asyncio.create_task(talk(backend.store, cipher, user, numbers)) for user in USERS]
    found = [await compare(backend) for _ in range(5)]
    for task in talking:
        task.cancel()
    await asyncio.gather(*talking, return_exceptions=True)
    noted = await backend.store.first(storage.get())
    assert found == [[]] * 5
    assert noted
    assert noted.reads_compared > 100


async def test_one_value_that_somebody_changes_in_a_file_is_found_and_named(
    backend: Backend, settings: Settings
) -> None:
    await backend.store.fetch(personalities.get("lilith"))
    assert await compare(backend) == []
    path = settings.json_folder / "personalities.json"
    path.write_bytes(path.read_bytes().replace(b'"Lilith"', b'"Lily"'))
    await backend.store.fetch(personalities.get("lilith"))
    [found] = await compare(backend)
    assert (found.table, found.reads, found.first_key) == ("personalities", 1, "lilith")
    assert find_changed(JsonFolder(settings.json_folder)) == ("personalities.json",)


async def test_what_a_kill_left_of_a_comparison_is_cleared_by_the_next_start(
    settings: Settings, cipher: Cipher
) -> None:
    work = Workspace(settings.json_folder)
    make_private(work.path.parent)
    work.path.mkdir()
    create_database(settings.database_path)
    made = await open_backend(settings.model_copy(update={"storage_mode": "database"}), cipher)
    assert not work.path.exists()
    await made.close()


async def test_a_file_that_somebody_breaks_is_found(backend: Backend, settings: Settings) -> None:
    await backend.store.fetch(personalities.get("lilith"))
    await compare(backend)
    (settings.json_folder / "personalities.json").write_bytes(b"{")
    await backend.store.fetch(personalities.get("lilith"))
    [found] = await compare(backend)
    assert "personalities.json can't be read" in found.first_key


def faulty(plan: Plan) -> Plan:
    """The plan with a fault in the original's files: it takes one letter for another."""

    def write(connection: RawConnection, cipher: Cipher) -> Iterator[FileContent]:
        for name, pieces in plan.write(connection, cipher):
            wrong = b'"spam"' if name.startswith(REST_FOLDER) else b'"sqam"'
            yield name, (piece.replace(b'"spam"', wrong) for piece in pieces)

    return replace(plan, write=write)


async def test_a_fault_of_the_codec_is_found(
    settings: Settings, cipher: Cipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backends, "all_plans", lambda style: tuple(map(faulty, all_plans(style))))
    create_database(settings.database_path)
    made = await open_backend(settings, cipher)
    await made.store.write(blacklist.put(Ban(1, 2, NOW, reason="eggs")), blacklist.put(Ban(7, 2, NOW, reason="spam")))
    for user in (1, 7):
        await made.store.fetch(blacklist.get(user))
    [found] = await compare(made)
    await made.close()
    assert (found.table, found.reads, found.first_key) == ("blacklist", 1, "7 0")
