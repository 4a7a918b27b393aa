"""Restores on trial against the real Litestream and a real bucket: each outcome, and nothing left behind."""

import asyncio
import base64
import json
import os
import shutil
import sys
import tempfile
import uuid
from collections import namedtuple
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.durability.drill import SCRATCH, Rehearsal, scratch_folder
from bot.durability.drill_child import drill_aside, from_object, to_object
from bot.durability.lineage import read_marker, write_marker
from bot.durability.litestream import SyncResult
from bot.durability.replication import Replication
from bot.durability.volume import forget_replication
from bot.durability.witness import Mark, Witness, find_witness
from bot.errors import ConfigurationError, UnavailableError
from bot.model import Login, ReplicationState, Secret, utc_now
from bot.rules.operation.drill import Bracket, Drill, Outcome, Scope
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.settings import Settings
from bot.store import canary, logins, personalities
from bot.store.cipher import Cipher, cipher_from
from bot.store.digest import digest_tables
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import connect, opened
from bot.store.statement import Query, Statement
from tests.durability.conftest import Container
from tests.durability.dangers.conftest import objects
from tests.durability.dangers.test_replica_files import flip
from tests.durability.test_boot import ADD, Make, replicating

PERSON = """
INSERT INTO personalities (full_name, name_lower, display_name, added_at)
VALUES ('lilith', 'lilith', 'Lilith', '2026-11-23T19:00:00.000Z')
"""
STEPS = ["mark", "restore", "digests", "boot", "second restore", "second digests"]


PATIENT = {
    "BUCKET_REQUEST_TIMEOUT_SECONDS": "5",
    "RESTORE_TIMEOUT_SECONDS": "20",
    "SYNC_TIMEOUT_SECONDS": "5",
}
"""A busy machine is no finding."""


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings(**PATIENT)


@pytest_asyncio.fixture
async def running(settings: Settings) -> AsyncIterator[Replication]:
    """A replicated database with a personality, a login and a few rows, all of it confirmed."""
    async with begun(settings) as replication:
        yield replication


@asynccontextmanager
async def begun(settings: Settings) -> AsyncIterator[Replication]:
    async with replicating(settings) as replication:
        store = await open_store(settings.database_path, settings=settings)
        login = Login(user_id=900, token=Secret("invented"), created_at=utc_now())
        await store.write(Statement(PERSON), ADD, ADD, logins.put(login, cipher_from(settings)))
        await store.close()
        await replication.flush()
        yield replication


async def drill(settings: Settings, witness: Witness | None = None, cipher: Cipher | None = None) -> Drill:
    """Hold one beside a bot that writes its canary when the drill waits for it, and nothing else."""
    beats: list[asyncio.Task[None]] = []

    def tell(step: str) -> None:
        if step == "mark":
            beats.append(asyncio.create_task(beat(settings)))

    witness = witness or find_witness(settings)
    found = await Rehearsal(settings, cipher or cipher_from(settings), witness, tell).hold()
    await asyncio.gather(*beats)
    return found


async def beat(settings: Settings) -> None:
    statement = canary.put(uuid.uuid4().hex, utc_now(), ReplicationState(is_configured=True))
    with opened(connect(settings.database_path, "rw", 5)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute(statement.sql, statement.parameters)


def left() -> list[Path]:
    return list(Path(tempfile.gettempdir()).glob(f"{SCRATCH}{os.getpid()}-*"))


async def test_a_copy_that_holds_what_was_just_written_is_verified(settings: Settings, running: Replication) -> None:
    found = await drill(settings)
    assert (found.outcome, found.scope, found.reason) == (Outcome.VERIFIED, Scope.LIVE, "")
    assert found.txid is not None
    assert int(found.txid, 16) > 0
    assert len(found.txid) == 16
    assert list(found.steps) == STEPS
    assert set(found.digests) > {"personalities", "auth_tokens", "_sqlite_migrations"}
    assert found.row_count is not None
    assert found.row_count > 4
    assert left() == []


async def test_without_a_bot_the_newest_copy_is_checked_by_itself_and_nothing_is_written(settings: Settings) -> None:
    async with begun(settings):
        pass
    found = await drill(settings)
    assert (found.outcome, found.scope) == (Outcome.VERIFIED, Scope.COPY)
    assert found.txid is not None
    assert list(found.steps) == STEPS[1:]


async def test_a_drill_on_another_machine_needs_no_volume(settings: Settings, containers: Make, replica: Any) -> None:
    async with begun(settings):
        pass
    elsewhere = containers(replica)
    found = await drill(elsewhere.settings())
    assert (found.outcome, found.scope) == (Outcome.VERIFIED, Scope.COPY)
    assert list(elsewhere.volume.iterdir()) == []


async def break_all(server: BucketSandbox, prefix: str) -> None:
    """Whichever files a restore takes: the same transactions are in files of several levels."""
    for path in await objects(server, prefix):
        await flip(server, path)


async def test_a_flipped_byte_in_the_bucket_fails_it_and_an_accepted_volume_begins_a_copy_that_is_right(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    async with begun(container.settings(**PATIENT)):
        pass  # and no further: a running Litestream soon puts a sound file of a higher level over a broken one
    await break_all(server, f"{prefix}/e000001")
    found = await drill(container.settings(**PATIENT))
    assert found.outcome is Outcome.FAILED
    assert "can't be restored" in found.reason
    assert left() == []
    forget_replication(container.database)
    accepting = container.settings(RESTORE_MODE="accept-volume", **PATIENT)
    async with replicating(accepting) as replication:
        await replication.flush()
        found = await drill(accepting)
    assert (found.outcome, found.prefix) == (Outcome.VERIFIED, f"{prefix}/e000002")


async def test_a_copy_without_the_confirmed_write_fails_it(settings: Settings, running: Replication) -> None:
    done = await running.sync(5)

    class Liar:
        async def sync(self, timeout_seconds: float) -> SyncResult:
            del timeout_seconds
            return done

    found = await drill(settings, Witness(settings, Liar()))
    assert (found.outcome, found.reason) == (
        Outcome.FAILED,
        "The copy lacks the write that was confirmed to be in it.",
    )


class OtherCount(Witness):
    """A live database that has one row more than what was uploaded."""

    is_quiet = True

    async def mark(self) -> Mark:
        mark = await super().mark()
        rows = dict(mark.bracket.before) | {"blacklist": mark.bracket.before["blacklist"] + 1}
        return replace(mark, bracket=Bracket(rows, rows, self.is_quiet))


async def test_a_row_that_the_live_database_has_and_the_copy_has_not_fails_it(
    settings: Settings, running: Replication
) -> None:
    found = await drill(settings, OtherCount(settings, running.client))
    assert found.outcome is Outcome.FAILED
    assert found.reason == "The copy differs from the live database in blacklist (3 rows, the copy 2)."


async def test_the_same_beside_a_bot_that_wrote_meanwhile_proves_nothing(
    settings: Settings, running: Replication
) -> None:
    witness = OtherCount(settings, running.client)
    witness.is_quiet = False
    found = await drill(settings, witness)
    assert (found.outcome, found.reason) == (
        Outcome.INCONCLUSIVE,
        "The bot wrote to blacklist while it was counted.",
    )


async def test_beside_a_bot_that_writes_all_the_time_it_is_verified_by_the_bracket(
    settings: Settings, running: Replication
) -> None:
    store = await open_store(settings.database_path, settings=settings)
    writing = asyncio.create_task(write_on(store))
    try:
        found = await drill(settings)
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await store.close()
    assert (found.outcome, found.reason) == (Outcome.VERIFIED, "")


async def write_on(store: SQLiteStore) -> None:
    while True:
        await store.write(ADD)


async def test_a_key_that_is_missing_fails_it_and_is_named(settings: Settings, running: Replication) -> None:
    other = Cipher([SecretStr(base64.b64encode(bytes([7]) * 32).decode())])
    found = await drill(settings, cipher=other)
    assert found.outcome is Outcome.FAILED
    assert cipher_from(settings).key_ids[0] in found.reason
    assert "is not in ENCRYPTION_KEYS" in found.reason


async def test_a_secret_that_does_not_open_fails_it(settings: Settings, running: Replication) -> None:
    with opened(connect(settings.database_path, "rw", 5)) as connection:
        connection.execute("UPDATE auth_tokens SET user_id = 901")
    found = await drill(settings)
    assert (found.outcome, found.reason) == (
        Outcome.FAILED,
        "A secret in auth_tokens was changed, or comes from another row.",
    )


async def test_a_personality_that_no_message_would_find_fails_it(
    settings: Settings, running: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(personalities, "first_name", lambda: Query("SELECT 'nobody' AS n", lambda row: str(row["n"])))
        found = await drill(settings)
    assert (found.outcome, found.reason) == (
        Outcome.FAILED,
        "The copy knows the personality nobody, and a message would not find it.",
    )
    with opened(connect(settings.database_path, "rw", 5)) as connection:
        connection.execute("UPDATE personalities SET added_at = 'yesterday'")
    assert (await drill(settings)).reason == "The copy's personality lilith can't be read."


@pytest_asyncio.fixture
async def behind_proxy(container: Container, proxy: FaultProxy) -> AsyncIterator[tuple[Settings, Replication]]:
    settings = container.settings(REPLICA_ENDPOINT=proxy.endpoint, SYNC_TIMEOUT_SECONDS="1", RESTORE_ATTEMPTS="1")
    async with begun(settings) as replication:
        yield settings, replication


async def test_a_bucket_that_is_away_proves_nothing(
    behind_proxy: tuple[Settings, Replication], proxy: FaultProxy
) -> None:
    settings, _ = behind_proxy
    await proxy.set(Mode.REFUSE)
    found = await drill(settings)
    await proxy.set(Mode.PASS)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert list(found.steps) == ["mark"]


async def test_a_bucket_that_goes_away_during_the_restore_proves_nothing(
    behind_proxy: tuple[Settings, Replication], proxy: FaultProxy
) -> None:
    settings, replication = behind_proxy
    settings = settings.model_copy(update={"restore_timeout_seconds": 0.5})

    class GoneAfterwards(Witness):
        async def mark(self) -> Mark:
            mark = await super().mark()
            await proxy.set(Mode.BLACK_HOLE)
            return mark

    found = await drill(settings, GoneAfterwards(settings, replication.client))
    await proxy.set(Mode.PASS)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "can't be reached" in found.reason
    assert left() == []


async def test_an_epoch_that_ended_meanwhile_proves_nothing(settings: Settings, running: Replication) -> None:
    class Elsewhere(Witness):
        async def mark(self) -> Mark:
            mark = await super().mark()
            return replace(mark, prefix=f"{mark.prefix}9")

    found = await drill(settings.model_copy(update={"restore_attempts": 1}), Elsewhere(settings, running.client))
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, "Another epoch began meanwhile.")


async def test_an_epoch_that_the_bucket_does_not_name_yet_proves_nothing(
    settings: Settings, running: Replication
) -> None:
    marker = read_marker(settings.database_path)
    assert marker is not None
    write_marker(settings.database_path, marker.model_copy(update={"is_pending": True}))
    found = await drill(settings)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "does not yet name" in found.reason


async def test_a_bot_that_writes_no_canary_proves_nothing(settings: Settings, running: Replication) -> None:
    hasty = settings.model_copy(update={"canary_interval_seconds": 0.1, "sync_timeout_seconds": 0.1})
    found = await Rehearsal(hasty, cipher_from(settings), find_witness(hasty), lambda _: None).hold()
    assert (found.outcome, found.reason) == (Outcome.INCONCLUSIVE, "The bot wrote no canary within 0.3 s.")


async def test_a_disk_without_room_proves_nothing(
    settings: Settings, running: Replication, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 0, 10))
    found = await drill(settings)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "10 bytes free" in found.reason


def test_the_volume_is_no_place_for_a_trial(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(settings.database_path.parent))
    with pytest.raises(ConfigurationError, match="TMPDIR"), scratch_folder(settings):
        pass


def test_what_a_killed_drill_left_goes_and_a_running_ones_stays(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    with scratch_folder(settings) as alive:
        # A container that is started again gives the next drill the same process id, too.
        (tmp_path / "scratch" / f"{SCRATCH}{os.getpid()}-x" / "first").mkdir(parents=True)
        with scratch_folder(settings) as another:
            assert set((tmp_path / "scratch").iterdir()) == {alive, another}
        assert list((tmp_path / "scratch").iterdir()) == [alive]


async def test_broken_off_it_leaves_nothing_behind(settings: Settings, running: Replication) -> None:
    restoring = asyncio.Event()
    rehearsal = Rehearsal(settings, cipher_from(settings), None, lambda _: restoring.set())
    task = asyncio.create_task(rehearsal.hold())
    await restoring.wait()
    assert len(left()) == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert left() == []


async def test_as_a_child_it_gives_its_result_in_json(
    settings: Settings, container: Container, running: Replication
) -> None:
    code = "import sys; print(sys.argv[1])"
    moment = utc_now().replace(microsecond=0)
    made = Drill(
        outcome=Outcome.FAILED,
        scope=Scope.LIVE,
        started_at=moment,
        finished_at=moment,
        reason="It broke.",
        txid="00000000000000ff",
        steps={"mark": 1.5},
    )
    assert to_object(made)["txid"] == 255
    text = json.dumps(to_object(made))
    assert await drill_aside(settings, (sys.executable, "-c", code, text)) == made
    assert from_object(to_object(made)) == made


async def test_a_child_that_says_nothing_or_takes_too_long_is_no_result(settings: Settings) -> None:
    with pytest.raises(UnavailableError, match=r"without a result\. It broke"):
        await drill_aside(settings, (sys.executable, "-c", "import sys; sys.exit('It broke')"))
    hasty = settings.model_copy(update={"drill_timeout_seconds": 0.1})
    with pytest.raises(UnavailableError, match=r"longer than 0\.1 s"):
        await drill_aside(hasty, (sys.executable, "-c", "import time; time.sleep(60)"))


def test_the_digest_of_a_table_does_not_depend_on_where_its_rows_lie(settings: Settings, tmp_path: Path) -> None:
    tables = (
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b BLOB, t TEXT)",
        "CREATE TABLE w (x, y, PRIMARY KEY (y, x)) WITHOUT ROWID",
    )
    for name, order in (("one", (1, 2, 3)), ("two", (3, 1, 2))):
        with opened(connect(tmp_path / name, "rwc", 5)) as connection:
            for statement in tables:
                connection.execute(statement)
            for number in order:
                connection.execute("INSERT INTO a VALUES (?, ?, ?)", (number, bytes([number, 0]), "ä'"))
                connection.execute("INSERT INTO w VALUES (?, ?)", (number, -number))
    first, second = digest_tables(tmp_path / "one"), digest_tables(tmp_path / "two")
    assert first == second
    with opened(connect(tmp_path / "two", "rw", 5)) as connection:
        connection.execute("UPDATE a SET b = 'x' WHERE id = 2")
    changed = digest_tables(tmp_path / "two")
    assert (changed["w"], changed["a"] != first["a"]) == (first["w"], True)
