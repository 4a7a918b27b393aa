import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from bot.durability.bucket import Bucket
from bot.durability.child import Child, Program
from bot.durability.decision import Action
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.history import restore_state
from bot.durability.lineage import Current, Past, now_utc, read_marker
from bot.durability.litestream import Litestream
from bot.durability.old_epochs import OldEpoch, examine, look_after, prune
from bot.errors import NotFoundError
from bot.sandbox.bucket import BucketSandbox
from bot.settings import Settings
from bot.store.engine import connect, opened
from bot.store.inspection import inspect_file
from tests.durability.conftest import Container, aside, until
from tests.durability.test_boot import boot, live, replicating, rows

Make = Callable[[dict[str, str]], Container]
INSERT = (
    "INSERT INTO blacklist (user_id, blacklisted_at)"
    " SELECT 1 + coalesce(max(user_id), 0), '2026-11-23T19:00:00.000Z' FROM blacklist"
)
SHORT = {"REPLICA_RETENTION_SECONDS": "0.001", "UPKEEP_INTERVAL_SECONDS": "0.05", "CANARY_INTERVAL_SECONDS": "0.05"}


def write_row(settings: Settings) -> None:
    with opened(connect(settings.database_path, "rw", 5)) as connection:
        connection.execute(INSERT)


@asynccontextmanager
async def zombie(settings: Settings, prefix: str) -> AsyncIterator[Litestream]:
    """A Litestream that knows of no lease and goes on writing to an epoch."""
    socket = settings.database_path.parent / "zombie.sock"
    arguments = [litestream_program(), "replicate", "-config", str(settings.litestream_config)]
    child = await Child.start(Program(arguments, litestream_environment(settings, prefix, socket)))
    client = Litestream(socket, settings.database_path)
    try:
        await aside(until, lambda: asyncio.run(client.is_up()), "Litestream's socket")
        yield client
    finally:
        await child.kill()


async def current_of(settings: Settings) -> Current:
    version = await Bucket(settings).read_current()
    assert version is not None
    return version.current


async def old_epochs(settings: Settings) -> list[OldEpoch]:
    return await examine(settings, Bucket(settings), await current_of(settings))


async def second_life(container: Container) -> None:
    """The volume is lost, and its copy goes on as epoch 2."""
    await live(container.settings())
    container.lose_volume()
    await live(container.settings(), rows=1)


async def prune_at(settings: Settings, now: datetime) -> None:
    bucket = Bucket(settings)
    version = await bucket.read_current()
    assert version is not None
    await prune(settings, bucket, version, now)


async def objects(server: BucketSandbox, prefix: str) -> list[str]:
    return [item["path"] for item in await obstore.list(server.store(), prefix).collect_async()]


async def rows_at(settings: Settings, target: Path, at: datetime | None = None, epoch: int | None = None) -> int:
    await restore_state(settings, at, target, epoch)
    return inspect_file(target, full=True).rows["blacklist"]


async def test_an_epoch_that_nobody_wrote_to_any_more_has_no_tail(container: Container) -> None:
    await second_life(container)
    (old,) = await old_epochs(container.settings())
    assert old.past.epoch == 1
    assert old.past.txid is not None
    assert old.tail == 0


async def test_a_tail_is_told_kept_and_never_taken_for_what_was_current(
    containers: Make, container: Container, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = container.settings(), containers(container.environment).settings()
    prefix = container.environment["REPLICA_PREFIX"]
    await live(first)
    async with zombie(first, f"{prefix}/e000001") as writer, replicating(second) as successor:
        began = datetime.now(UTC)
        for _ in range(2):
            write_row(first)
            await writer.sync(5)
        between = datetime.now(UTC) + timedelta(seconds=1)
        await asyncio.sleep(1)
        await successor.flush()
        write_row(second)
        await successor.flush()
    (old,) = await old_epochs(second)
    assert old.tail == 2
    assert old.tail_at is not None
    assert old.tail_at >= began.replace(microsecond=0)
    task = asyncio.create_task(look_after(second, Bucket(second)))
    await aside(until, lambda: "2 transactions were written to" in caplog.text, "a word about the tail")
    task.cancel()
    assert "`tzurot restore --epoch 1 --to PATH`" in caplog.text
    assert await rows_at(second, tmp_path / "tail.db", epoch=1) == 5
    assert await rows_at(second, tmp_path / "now.db") == 4
    assert await rows_at(second, tmp_path / "between.db", at=between) == 3
    assert "Attempt" not in caplog.text


async def test_an_epoch_whose_time_is_over_is_deleted_and_remembered(
    container: Container, server: BucketSandbox, prefix: str, tmp_path: Path
) -> None:
    await second_life(container)
    settings = container.settings(**SHORT)
    before = now_utc()
    await prune_at(settings, datetime.now(UTC) + timedelta(seconds=2))
    assert await objects(server, f"{prefix}/e000001") == []
    assert len(await objects(server, f"{prefix}/control")) >= 3  # both claims and the record
    (past,) = (await current_of(settings)).history
    assert past.is_pruned
    with pytest.raises(NotFoundError, match=r"epoch 1, which ended .* was deleted"):
        await restore_state(settings, before - timedelta(days=1), tmp_path / "x.db")
    with pytest.raises(NotFoundError, match="Epoch 1 is gone"):
        await restore_state(settings, None, tmp_path / "x.db", 1)
    with pytest.raises(NotFoundError, match=r"There is no epoch 7 .* It has: .*2"):
        await restore_state(settings, None, tmp_path / "x.db", 7)
    container.lose_volume()
    assert (await boot(settings)).action is Action.RESTORE
    assert rows(settings) == 4


async def test_an_epoch_whose_time_is_not_over_stays(container: Container, server: BucketSandbox, prefix: str) -> None:
    await second_life(container)
    settings = container.settings()
    await prune_at(settings, datetime.now(UTC) + timedelta(days=6, hours=23))
    assert await objects(server, f"{prefix}/e000001")
    assert not (await current_of(settings)).history[0].is_pruned


async def test_a_deletion_that_was_cut_off_is_completed(
    container: Container, server: BucketSandbox, prefix: str, caplog: pytest.LogCaptureFixture
) -> None:
    await second_life(container)
    settings = container.settings(**SHORT)
    later = datetime.now(UTC) + timedelta(seconds=2)
    await prune_at(settings, later)
    await obstore.put_async(server.store(), f"{prefix}/e000001/0000/left.ltx", b"left")
    caplog.set_level("INFO")
    for _ in range(2):
        await prune_at(settings, later)
    assert await objects(server, f"{prefix}/e000001") == []
    (said,) = (record.message for record in caplog.records if record.message.startswith("Deleted"))
    assert f"Deleted {prefix}/e000001, 1 object: epoch 1 ended" in said


async def test_only_epochs_of_the_history_under_the_own_prefix_are_deleted(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    await second_life(container)
    settings = container.settings(**SHORT)
    bucket = Bucket(settings)
    version = await bucket.read_current()
    assert version is not None
    stranger = Past.model_validate(
        {"epoch": 7, "prefix": f"{prefix}-other/e000007", "from": now_utc(), "to": now_utc()}
    )
    history = (*version.current.history, stranger)
    await bucket.write_current(version.current.model_copy(update={"history": history}), version)
    for path in (f"{prefix}-other/e000007/x", f"{prefix}/e000009/x", f"{prefix}/e0000011/x"):
        await obstore.put_async(server.store(), path, b"not ours to delete")
    await prune_at(settings, datetime.now(UTC) + timedelta(seconds=2))
    assert await objects(server, f"{prefix}/e000001") == []
    for folder in (f"{prefix}-other", f"{prefix}/e000009", f"{prefix}/e0000011", f"{prefix}/e000002"):
        assert await objects(server, folder)


async def test_the_epoch_before_stays_until_the_new_one_is_confirmed(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    await second_life(container)
    container.lose_volume()
    settings = container.settings(**SHORT)
    async with replicating(settings) as replication:
        task = asyncio.create_task(look_after(settings, Bucket(settings)))
        await asyncio.sleep(0.3)
        assert await objects(server, f"{prefix}/e000001")
        assert await objects(server, f"{prefix}/e000002")
        await replication.flush()
        store = server.store()
        await aside(until, lambda: not store.list(f"{prefix}/e000002").collect(), "the end of epoch 2")
        task.cancel()
    marker = read_marker(settings.database_path)
    assert marker is not None
    assert await objects(server, marker.prefix)
    assert await objects(server, f"{prefix}/e000001") == []


async def test_a_marker_that_can_not_be_read_is_told_and_ends_nothing(
    container: Container, caplog: pytest.LogCaptureFixture
) -> None:
    settings = container.settings(**SHORT)
    await live(settings)
    (container.volume / ".tzurot-lineage.json").write_bytes(b"{")
    task = asyncio.create_task(look_after(settings, Bucket(settings)))
    await aside(until, lambda: caplog.text.count("could not be looked after") > 1, "a second try")
    assert not task.done()
    task.cancel()
