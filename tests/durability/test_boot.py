import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import obstore
import pytest

from bot.durability.boot import Boot, Prepared
from bot.durability.bucket import Bucket
from bot.durability.decision import Action
from bot.durability.lock import VolumeLock
from bot.durability.replication import Replication
from bot.errors import ConfigurationError, ExitCode, ProtectedError, TzurotError, UnavailableError, UnreadableError
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.settings import Settings
from bot.store.driver import open_store
from bot.store.engine import connect, opened
from bot.store.inspection import inspect_file
from bot.store.statement import Statement
from tests.durability.conftest import Container

Make = Callable[[dict[str, str]], Container]
ADD = Statement(
    "INSERT INTO blacklist (user_id, blacklisted_at)"
    " SELECT 1 + coalesce(max(user_id), 0), '2026-11-23T19:00:00.000Z' FROM blacklist"
)


async def boot(settings: Settings) -> Prepared:
    """A start up to where Litestream would be started."""
    with VolumeLock.take(settings.database_path.parent, 0) as lock:
        start = Boot(settings, lock, lambda _: None)
        try:
            return await start.prepare()
        finally:
            await end(start)


async def end(start: Boot) -> None:
    """Let the next start go on at once, as a stop does."""
    if start.lease is not None:
        await start.lease.release()


async def refused(settings: Settings, code: ExitCode = ExitCode.PROTECTED) -> str:
    with pytest.raises(TzurotError) as caught:
        await boot(settings)
    assert caught.value.exit_code == code
    return str(caught.value)


@asynccontextmanager
async def replicating(settings: Settings, kind: type[Bucket] = Bucket) -> AsyncIterator[Replication]:
    """A start with Litestream, stopped without a last upload of its own."""
    with VolumeLock.take(settings.database_path.parent, 0) as lock:
        start = Boot(settings, lock, lambda _: None)
        marker = (await start.prepare()).marker
        assert start.lease is not None
        assert marker is not None
        replication = Replication(settings, lock, kind(settings), start.lease)
        try:
            await replication.start(marker)
            yield replication
        finally:
            await replication.stop()
            await end(start)


async def live(settings: Settings, rows: int = 3) -> None:
    """One whole life: start, write, upload, confirm."""
    async with replicating(settings) as replication:
        store = await open_store(settings.database_path, settings=settings)
        for _ in range(rows):
            await store.write(ADD)
        await replication.flush()
        await store.close()


def beside(settings: Settings, suffix: str) -> Path:
    return Path(f"{settings.database_path}{suffix}")


def rows(settings: Settings) -> int:
    report = inspect_file(settings.database_path, full=True)
    assert report.problems == ()
    return report.rows["blacklist"]


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings()


async def test_a_mistyped_prefix_is_refused_and_names_what_is_there(container: Container, prefix: str) -> None:
    await live(container.settings())
    container.lose_volume()
    # All tests share the bucket, and each folder in it is one more question.
    said = await refused(container.settings(REPLICA_PREFIX=f"{prefix}x", REPLICA_TIMEOUT_SECONDS="9"))
    assert prefix in said.replace(f"{prefix}x", "")
    assert not container.database.exists()


async def test_wrong_keys_are_named(settings: Settings, container: Container) -> None:
    said = await refused(container.settings(LITESTREAM_ACCESS_KEY_ID="wrong"), ExitCode.MISUSED)
    assert "LITESTREAM_ACCESS_KEY_ID" in said
    said = await refused(container.settings(LITESTREAM_SECRET_ACCESS_KEY="wrong"), ExitCode.MISUSED)
    assert "LITESTREAM_SECRET_ACCESS_KEY" in said
    assert "wrong" not in said


async def test_a_wrong_bucket_is_named(container: Container) -> None:
    assert "REPLICA_BUCKET" in await refused(container.settings(REPLICA_BUCKET="nowhere"), ExitCode.MISUSED)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.BLACK_HOLE, Mode.GARBAGE])
async def test_an_empty_volume_does_not_start_without_an_answer(
    container: Container, proxy: FaultProxy, mode: Mode
) -> None:
    await proxy.set(mode)
    said = await refused(container.settings(REPLICA_ENDPOINT=proxy.endpoint), ExitCode.FAILED)
    assert "does not start empty" in said
    assert not container.database.exists()


async def test_a_wal_beside_its_database_is_not_touched_by_the_check(settings: Settings) -> None:
    await live(settings)
    store = await open_store(settings.database_path, settings=settings)
    await store.write(ADD)
    copy = settings.database_path.parent / "killed"
    shutil.copytree(settings.database_path.parent, copy, ignore=shutil.ignore_patterns("killed"))
    await store.close()
    killed = settings.model_copy(update={"database_path": copy / "tzurot.db"})
    before = beside(killed, "-wal").read_bytes()
    assert before
    assert (await boot(killed)).action is Action.CONTINUE
    assert beside(killed, "-wal").read_bytes() == before
    assert rows(killed) == 4


async def test_a_crash_between_confirmation_and_marker_is_no_other_instance(settings: Settings) -> None:
    await live(settings)
    settings.database_path.unlink()
    async with replicating(settings) as replication:
        pending = (settings.database_path.parent / ".tzurot-lineage.json").read_bytes()
        await replication.flush()
    (settings.database_path.parent / ".tzurot-lineage.json").write_bytes(pending)
    async with replicating(settings) as replication:
        await replication.flush()
    assert (await boot(settings)).action is Action.CONTINUE


async def test_an_epoch_that_was_begun_without_the_lease_is_not_overwritten(settings: Settings) -> None:
    await live(settings)
    settings.database_path.unlink()
    bucket = Bucket(settings)
    version = await bucket.read_current()
    assert version is not None
    other = version.current.model_copy(update={"epoch": 9, "prefix": "another", "claim": "another's"})
    async with replicating(settings) as replication:
        await bucket.write_current(other, version)
        with pytest.raises(ProtectedError, match="Another instance"):
            await replication.flush()
    assert "RESTORE_MODE" in await refused(settings)


async def test_a_copy_that_can_not_be_restored_leaves_the_place_empty(
    settings: Settings, server: BucketSandbox
) -> None:
    await live(settings)
    shutil.rmtree(settings.database_path.parent)
    version = await Bucket(settings).read_current()
    assert version is not None
    listed = await obstore.list(server.store(), version.current.prefix).collect_async()
    for item in listed:
        await obstore.put_async(server.store(), item["path"], b"garbage")
    with pytest.raises(UnavailableError, match="can't be restored"):
        await boot(settings)
    assert not settings.database_path.exists()


async def test_a_record_of_epochs_that_is_damaged_is_not_taken_for_none(
    settings: Settings, server: BucketSandbox, prefix: str
) -> None:
    await obstore.put_async(server.store(), f"{prefix}/control/current.json", b"{")
    assert "current.json" in await refused(settings)


async def test_a_damaged_marker_is_not_taken_for_none(settings: Settings) -> None:
    await live(settings)
    (settings.database_path.parent / ".tzurot-lineage.json").write_bytes(b"")
    assert "marker" in await refused(settings)


async def test_a_database_of_a_newer_version_is_refused_before_anything_is_done(settings: Settings) -> None:
    await live(settings)
    with opened(connect(settings.database_path, "rw", 1)) as connection:
        connection.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('tzurot', '9999_later', '')"
        )
        connection.commit()
    assert "9999_later" in await refused(settings)


async def test_a_volume_without_a_copy_gets_one(containers: Make, replica: dict[str, str]) -> None:
    container = containers({"ALLOW_INIT": "local"})
    assert (await boot(container.settings())).action is Action.CREATE
    assert (await boot(container.settings())).action is Action.ALONE
    await live(container.settings(**replica))
    container.lose_volume()
    assert (await boot(container.settings(**replica))).action is Action.RESTORE
    assert rows(container.settings()) == 3


async def test_an_old_folder_is_imported_before_the_first_upload(container: Container) -> None:
    (container.volume / "personalities.json").write_text(
        '{"night-owl": {"fullName": "night-owl", "displayName": "Night Owl", "addedBy": "300000000000000001"}}'
    )
    settings = container.settings(IMPORT_DIR=str(container.volume))
    assert (await boot(settings)).action is Action.IMPORT
    assert inspect_file(settings.database_path, full=True).rows["personalities"] == 1
    assert (await boot(settings)).action is Action.CONTINUE


async def test_an_old_folder_that_can_not_be_read_leaves_no_database(container: Container) -> None:
    (container.volume / "personalities.json").write_text('{"night-owl": ')
    with pytest.raises(UnreadableError):
        await boot(container.settings(IMPORT_DIR=str(container.volume)))
    assert not container.database.exists()
    assert container.marker is None


async def test_a_folder_to_import_that_is_not_there_is_a_wrong_setting(container: Container) -> None:
    with pytest.raises(ConfigurationError, match="IMPORT_DIR names nothing to import"):
        await boot(container.settings(IMPORT_DIR="/not/there"))
    assert not container.database.exists()


async def test_what_an_interrupted_start_was_preparing_is_removed(settings: Settings) -> None:
    await live(settings)
    staging = settings.database_path.parent / ".tzurot-staging"
    staging.mkdir()
    (staging / "tzurot.db").write_bytes(b"half")
    await boot(settings)
    assert not staging.exists()
