import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import obstore
import pytest

from bot.durability.boot import Boot, Prepared
from bot.durability.bucket import Bucket
from bot.durability.decision import Action
from bot.durability.lineage import read_marker
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
ADD = Statement("INSERT INTO blacklist (blacklisted_at) VALUES ('2026-11-23T19:00:00.000Z')")


async def boot(settings: Settings) -> Prepared:
    """A start up to where Litestream would be started."""
    with VolumeLock.take(settings.database_path.parent, 0) as lock:
        return await Boot(settings, lock, lambda _: None).prepare()


async def refused(settings: Settings, code: ExitCode = ExitCode.PROTECTED) -> str:
    with pytest.raises(TzurotError) as caught:
        await boot(settings)
    assert caught.value.exit_code == code
    return str(caught.value)


@asynccontextmanager
async def replicating(settings: Settings) -> AsyncIterator[Replication]:
    """A start with Litestream, stopped without a last upload of its own."""
    with VolumeLock.take(settings.database_path.parent, 0) as lock:
        start = Boot(settings, lock, lambda _: None)
        marker = (await start.prepare()).marker
        assert start.bucket is not None
        assert marker is not None
        replication = Replication(settings, lock, start.bucket)
        try:
            await replication.start(marker)
            yield replication
        finally:
            await replication.stop()


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
    said = await refused(container.settings(REPLICA_PREFIX=f"{prefix}x"))
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


async def test_a_zero_byte_file_is_set_aside_and_the_copy_restored(settings: Settings) -> None:
    await live(settings)
    settings.database_path.write_bytes(b"")
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 3
    (folder,) = settings.database_path.parent.glob("set-aside-*")
    assert (folder / "tzurot.db").stat().st_size == 0


async def test_a_zero_byte_file_without_a_copy_stays_and_nothing_starts(settings: Settings) -> None:
    settings.database_path.write_bytes(b"")
    assert "zero bytes" in await refused(settings)
    assert settings.database_path.exists()


@pytest.mark.parametrize("damage", ["garbage", "torn"])
async def test_a_damaged_file_is_not_touched_until_asked_for(container: Container, damage: str) -> None:
    settings = container.settings()
    await live(settings)
    content = settings.database_path.read_bytes()
    broken = b"\x07" * 5000 if damage == "garbage" else content[: len(content) // 2]
    settings.database_path.write_bytes(broken)
    for suffix in ("-wal", "-shm"):
        beside(settings, suffix).unlink(missing_ok=True)
    assert "RESTORE_MODE=prefer-replica" in await refused(settings)
    assert settings.database_path.read_bytes() == broken
    assert (await boot(container.settings(RESTORE_MODE="prefer-replica"))).action is Action.RESTORE
    assert rows(settings) == 3
    (folder,) = settings.database_path.parent.glob("set-aside-*")
    assert (folder / "tzurot.db").read_bytes() == broken


async def test_an_old_wal_without_its_database_does_not_get_into_the_restored_one(settings: Settings) -> None:
    await live(settings)
    wal = beside(settings, "-wal")
    with opened(connect(settings.database_path, "rw", 1)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("DELETE FROM blacklist")
        connection.commit()
        stale = wal.read_bytes()
    settings.database_path.unlink()
    wal.write_bytes(stale)
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 3
    (folder,) = settings.database_path.parent.glob("set-aside-*")
    assert (folder / "tzurot.db-wal").read_bytes() == stale


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


async def test_a_volume_that_was_rolled_back_waits_for_an_order(container: Container, tmp_path: Path) -> None:
    settings = container.settings()
    await live(settings)
    container.copy_volume(tmp_path / "yesterday")
    await live(settings)
    container.bring_back(tmp_path / "yesterday")
    assert "rolled back" in await refused(settings)
    assert rows(settings) == 3
    await live(container.settings(RESTORE_MODE="prefer-replica"), rows=0)
    assert rows(settings) == 6
    assert container.marker is not None
    assert container.marker.epoch == 2
    assert list(container.volume.glob("set-aside-*/tzurot.db"))


async def test_a_volume_accepted_as_it_is_begins_an_epoch_and_keeps_the_other(
    container: Container, tmp_path: Path
) -> None:
    settings = container.settings()
    await live(settings)
    container.copy_volume(tmp_path / "yesterday")
    await live(settings)
    container.bring_back(tmp_path / "yesterday")
    await live(container.settings(RESTORE_MODE="accept-volume"), rows=1)
    container.lose_volume()
    await boot(settings)
    assert rows(settings) == 4
    version = await Bucket(settings).read_current()
    assert version is not None
    assert [past.epoch for past in version.current.history] == [1]
    assert (await Bucket(settings).look_at(version.current.history[0].prefix)).has_files


async def test_until_the_first_upload_is_confirmed_a_lost_volume_comes_from_the_parent(
    container: Container, prefix: str
) -> None:
    settings = container.settings()
    await live(settings)
    container.lose_volume()
    assert (await boot(settings)).action is Action.RESTORE
    assert (await boot(settings)).action is Action.CONTINUE
    container.lose_volume()
    prepared = await boot(settings)
    assert prepared.action is Action.RESTORE
    assert prepared.marker is not None
    assert prepared.marker.parent is not None
    assert (prepared.marker.prefix, prepared.marker.parent.prefix) == (f"{prefix}/e000003", f"{prefix}/e000001")
    await live(settings)
    version = await Bucket(settings).read_current()
    assert version is not None
    assert version.current.prefix == f"{prefix}/e000003"
    marker = read_marker(settings.database_path)
    assert marker is not None
    assert (marker.is_pending, marker.is_restored) == (False, True)


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


async def test_of_two_volumes_restored_at_once_only_one_becomes_current(containers: Make, container: Container) -> None:
    await live(container.settings())
    first, second = containers(container.environment).settings(), containers(container.environment).settings()
    async with replicating(first) as one, replicating(second) as other:
        await one.flush()
        with pytest.raises(ProtectedError, match="Another instance"):
            await other.flush()
    assert "RESTORE_MODE" in await refused(second)


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
