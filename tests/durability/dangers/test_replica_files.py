"""Files in the bucket that broke, vanished or do not belong there: named, never guessed around, nothing overwritten."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import obstore
import pytest
import pytest_asyncio

from bot.durability.bucket import Bucket
from bot.durability.history import restore_state
from bot.errors import ExitCode
from bot.sandbox.bucket import BucketSandbox
from bot.store.driver import SQLiteStore, open_store
from bot.store.inspection import inspect_file
from tests.durability.conftest import PATIENCE_SECONDS, Container, aside
from tests.durability.dangers.conftest import objects, off_site, read
from tests.durability.test_boot import ADD, replicating

Damage = Callable[[BucketSandbox, list[str]], Awaitable[None]]


async def one_by_one(container: Container, count: int) -> None:
    """A life in which every row has a file of its own in the bucket."""
    settings = container.settings()
    async with replicating(settings) as replication:
        store: SQLiteStore = await open_store(settings.database_path, settings=settings)
        await replication.flush()
        for _ in range(count):
            await store.write(ADD)
            await replication.flush()
        await store.close()


async def flip(server: BucketSandbox, path: str) -> None:
    content = bytearray(await read(server, path))
    content[len(content) // 2] ^= 1
    await obstore.put_async(server.store(), path, bytes(content))


async def flip_a_byte(server: BucketSandbox, files: list[str]) -> None:
    await flip(server, files[2])


async def write_garbage(server: BucketSandbox, files: list[str]) -> None:
    await obstore.put_async(server.store(), files[2], b"\x07" * 5000)


async def empty(server: BucketSandbox, files: list[str]) -> None:
    await obstore.put_async(server.store(), files[2], b"")


async def truncate(server: BucketSandbox, files: list[str]) -> None:
    content = await read(server, files[2])
    await obstore.put_async(server.store(), files[2], content[: len(content) // 2])


async def delete(server: BucketSandbox, files: list[str]) -> None:
    await obstore.delete_async(server.store(), files[2])


@pytest_asyncio.fixture
async def files(container: Container, server: BucketSandbox, prefix: str) -> list[str]:
    """The files of an epoch with four rows, the oldest first."""
    await one_by_one(container, 4)
    return sorted(await objects(server, f"{prefix}/e000001"))


@pytest.mark.parametrize("damage", [flip_a_byte, write_garbage, empty, truncate, delete])
async def test_a_copy_with_a_broken_file_is_not_restored_and_nothing_is_changed(
    container: Container, server: BucketSandbox, prefix: str, files: list[str], damage: Damage
) -> None:
    await damage(server, files)
    before = await objects(server, prefix)
    container.lose_volume()
    code, said = await aside(container.run)
    assert code == ExitCode.FAILED
    assert f"{prefix}/e000001 can't be restored" in said
    assert "tzurot restore --at" in said
    assert not container.database.exists()
    assert await objects(server, prefix) == before


async def test_the_state_before_a_broken_file_can_be_put_back_by_hand(
    container: Container, server: BucketSandbox, prefix: str, tmp_path: Path
) -> None:
    await one_by_one(container, 2)
    await asyncio.sleep(1.1)  # S3 dates its objects to the second
    before = datetime.now(UTC)
    await one_by_one(container, 3)
    await delete(server, sorted(await objects(server, f"{prefix}/e000001"))[2:])
    container.lose_volume()
    await restore_state(container.settings(), before, tmp_path / "before.db")
    assert inspect_file(tmp_path / "before.db", full=True).rows["blacklist"] == 2
    (tmp_path / "before.db").rename(container.database)
    code, said = await aside(container.run)
    assert (code, "RESTORE_MODE=accept-volume" in said) == (ExitCode.PROTECTED, True)
    assert (await aside(lambda: container.live(RESTORE_MODE="accept-volume")))["rows"] == 5
    assert await aside(off_site, container) == 6


async def test_files_with_other_names_in_a_copy_are_left_alone(
    container: Container, server: BucketSandbox, prefix: str, files: list[str]
) -> None:
    names = ("notes.txt", "0000/README", f"0000/{Path(files[1]).name}.bak")
    foreign = [f"{prefix}/e000001/{name}" for name in names]
    for path in foreign:
        await obstore.put_async(server.store(), path, b"not ours")
    container.lose_volume()
    assert (await aside(container.live))["rows"] == 7
    assert await aside(off_site, container) == 8
    assert [await read(server, path) for path in foreign] == [b"not ours"] * 3


@pytest_asyncio.fixture
async def stray(server: BucketSandbox, files: list[str]) -> str:
    """A file for a transaction that no volume ever had."""
    folder = files[-1].rpartition("/")[0]
    path = f"{folder}/{4096:016x}-{4096:016x}.ltx"
    await obstore.put_async(server.store(), path, await read(server, files[-1]))
    return path


async def test_a_stray_file_ahead_of_the_volume_is_named_and_the_volume_goes_on_in_an_epoch_without_it(
    container: Container, server: BucketSandbox, stray: str
) -> None:
    code, said = await aside(container.run)
    assert code == ExitCode.PROTECTED
    assert stray in said
    assert "RESTORE_MODE=accept-volume" in said
    assert (await aside(lambda: container.live(RESTORE_MODE="accept-volume")))["rows"] == 7
    assert await aside(off_site, container) == 8
    assert await read(server, stray)


async def test_a_stray_file_ahead_of_a_lost_volume_stops_the_restore_until_it_is_taken_away(
    container: Container, server: BucketSandbox, stray: str
) -> None:
    container.lose_volume()
    code, said = await aside(container.run)
    assert code == ExitCode.FAILED
    assert "next file starts at 0000000000001000" in said
    assert not container.database.exists()
    await obstore.delete_async(server.store(), stray)
    assert (await aside(container.live))["rows"] == 7


async def test_a_copy_without_its_last_file_is_not_taken_for_the_newest_state_until_asked_for(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    assert (await aside(container.live))["rows"] == 3
    sighting = await Bucket(container.settings()).read_lease()
    assert sighting is not None
    assert sighting.lease.confirmed is not None
    for name in await objects(server, f"{prefix}/e000001"):
        # Ending, Litestream may write one more file than was confirmed; and every 30 s one of a higher level.
        if int(name[-20:-4], 16) >= sighting.lease.confirmed.txid:
            await obstore.delete_async(server.store(), name)
    container.lose_volume()
    code, said = await aside(container.run)
    assert code == ExitCode.PROTECTED
    assert "was confirmed there" in said
    assert not container.database.exists()
    event = await aside(lambda: container.live(RESTORE_MODE="prefer-replica"))
    assert event["rows"] == 6  # without the one that was written at the stop
    assert "was confirmed there" in container.log.split("Decision")[-1]


async def test_a_copy_with_a_broken_snapshot_is_not_restored_in_part(
    container: Container, server: BucketSandbox, prefix: str, tmp_path: Path
) -> None:
    often = tmp_path / "litestream.yml"
    often.write_text(container.settings().litestream_config.read_text().replace("interval: 6h", "interval: 1s"))
    snapshots: dict[str, str | None] = {}
    async with replicating(container.settings(LITESTREAM_CONFIG=str(often))) as replication:
        await replication.flush()
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (snapshots := await objects(server, f"{prefix}/e000001/0009")):  # noqa: ASYNC110 - no event
                await asyncio.sleep(0.05)
    for snapshot in snapshots:
        await flip(server, snapshot)
    container.lose_volume()
    code, said = await aside(container.run)
    assert code == ExitCode.FAILED
    assert f"{prefix}/e000001 can't be restored" in said
    assert "tzurot restore --at" in said
    assert not container.database.exists()
