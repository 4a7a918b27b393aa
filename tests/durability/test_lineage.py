"""Which database goes on when volume and bucket do not fit together, against a real bucket and a real Litestream."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.durability import boot as boot_module
from bot.durability.bucket import Bucket
from bot.durability.decision import Action
from bot.durability.lineage import read_marker
from bot.durability.volume import local_txid
from bot.errors import ExitCode
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.settings import Settings
from bot.store.engine import connect, opened
from tests.durability.conftest import Container, aside, until
from tests.durability.test_boot import beside, boot, live, refused, replicating, rows

Make = Callable[[dict[str, str]], Container]


class Killed(BaseException):
    """The end of a process at a step that a test chose."""


@pytest.fixture
def settings(container: Container) -> Settings:
    return container.settings()


async def test_a_zero_byte_file_is_quarantined_and_the_copy_restored(settings: Settings) -> None:
    await live(settings)
    settings.database_path.write_bytes(b"")
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 3
    (folder,) = settings.database_path.parent.glob("quarantine-*")
    assert (folder / "tzurot.db").stat().st_size == 0


async def test_a_zero_byte_file_without_a_copy_stays_and_nothing_starts(settings: Settings) -> None:
    settings.database_path.write_bytes(b"")
    assert "zero bytes" in await refused(settings)
    assert settings.database_path.exists()


def damage(settings: Settings, how: str) -> bytes:
    content = settings.database_path.read_bytes()
    broken = {
        "garbage": b"\x07" * 5000,
        "torn": content[: len(content) // 2],
        "without its header": bytes(100) + content[100:],
    }[how]
    settings.database_path.write_bytes(broken)
    for suffix in ("-wal", "-shm"):
        beside(settings, suffix).unlink(missing_ok=True)
    return broken


@pytest.mark.parametrize("how", ["garbage", "torn", "without its header"])
async def test_a_damaged_file_is_quarantined_and_its_copy_restored(
    settings: Settings, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    await live(settings)
    broken = damage(settings, how)
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 3
    (folder,) = settings.database_path.parent.glob("quarantine-*")
    assert (folder / "tzurot.db").read_bytes() == broken
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert any(str(folder) in said for said in warnings)
    assert any("may lack what was committed after transaction" in said for said in warnings)


async def test_a_damaged_file_that_was_ahead_of_its_copy_says_how_much_is_missing(
    container: Container, proxy: FaultProxy, caplog: pytest.LogCaptureFixture
) -> None:
    settings = container.settings(REPLICA_ENDPOINT=proxy.endpoint)
    await live(settings)
    async with replicating(settings) as replication:
        taken = (await replication.sync(5)).txid
        await proxy.set(Mode.REFUSE)
        with opened(connect(settings.database_path, "rw", 1)) as connection:
            connection.execute("DELETE FROM blacklist")
        await aside(until, lambda: (local_txid(settings.database_path) or 0) > taken, "Litestream's own record")
    damage(settings, "garbage")
    await proxy.set(Mode.PASS)
    assert (await boot(settings)).action is Action.RESTORE
    assert any("that had not reached the bucket" in record.message for record in caplog.records)


async def test_a_damaged_file_that_the_copy_may_not_be_of_stays_until_asked_for(container: Container) -> None:
    settings = container.settings()
    await live(settings)
    broken = damage(settings, "garbage")
    (container.volume / ".tzurot-lineage.json").unlink()
    assert "RESTORE_MODE=prefer-replica" in await refused(settings)
    assert settings.database_path.read_bytes() == broken
    assert not list(container.volume.glob("quarantine-*"))
    assert (await boot(container.settings(RESTORE_MODE="prefer-replica"))).action is Action.RESTORE
    assert rows(settings) == 3


async def test_a_damaged_file_is_not_touched_while_the_bucket_is_away(container: Container, proxy: FaultProxy) -> None:
    await live(container.settings())
    broken = damage(container.settings(), "torn")
    await proxy.set(Mode.REFUSE)
    said = await refused(container.settings(REPLICA_ENDPOINT=proxy.endpoint), ExitCode.FAILED)
    assert "damaged" in said
    assert container.database.read_bytes() == broken
    assert (await boot(container.settings())).action is Action.RESTORE


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
    (folder,) = settings.database_path.parent.glob("quarantine-*")
    assert (folder / "tzurot.db-wal").read_bytes() == stale


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
    assert list(container.volume.glob("quarantine-*/tzurot.db"))


async def test_a_volume_of_another_installation_is_refused_whatever_is_asked_for(
    containers: Make, container: Container, server: BucketSandbox
) -> None:
    other = containers(server.environment("tests/foreign") | {"ALLOW_INIT": "tests/foreign"})
    await live(container.settings())
    await live(other.settings())
    other.bring_back(container.volume)
    assert "another installation" in await refused(other.settings())
    for mode in ("prefer-replica", "accept-volume"):
        assert "another installation" in await refused(other.settings(RESTORE_MODE=mode))


async def test_a_copy_moves_to_a_prefix_that_the_operator_allows(
    containers: Make, container: Container, prefix: str
) -> None:
    await live(container.settings())
    settings = container.settings(REPLICA_PREFIX=f"{prefix}-new", ALLOW_INIT="")
    said = await refused(settings)
    assert f"copy is at {prefix}/e000001" in said
    settings = container.settings(REPLICA_PREFIX=f"{prefix}-new", ALLOW_INIT=f"{prefix}-new")
    await live(settings)
    assert container.marker is not None
    assert container.marker.prefix == f"{prefix}-new/e000001"
    assert (await Bucket(container.settings()).look_at(f"{prefix}/e000001")).has_files
    container.lose_volume()
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 6


@pytest.mark.parametrize("step", ["write_marker", "forget_replication"])
async def test_a_move_that_is_cut_off_is_completed(
    container: Container, prefix: str, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    await live(container.settings())
    settings = container.settings(REPLICA_PREFIX=f"{prefix}-new", ALLOW_INIT=f"{prefix}-new")

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(boot_module, step, die)
        with pytest.raises(Killed):
            await boot(settings)
    await live(settings)
    container.lose_volume()
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 6


async def test_the_first_of_two_restored_volumes_that_comes_back_too_late_waits_for_an_order(
    container: Container, tmp_path: Path
) -> None:
    settings = container.settings()
    await live(settings)
    container.lose_volume()
    assert (await boot(settings)).action is Action.RESTORE
    container.copy_volume(tmp_path / "first")
    container.lose_volume()
    await live(settings)
    container.bring_back(tmp_path / "first")
    assert "began epoch 2 from epoch 1, but before that was confirmed epoch 3" in await refused(settings)
    await live(container.settings(RESTORE_MODE="prefer-replica"), rows=0)
    assert rows(settings) == 6


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
