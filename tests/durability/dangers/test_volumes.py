"""Volumes and copies that do not fit together: whichever has more is kept, and nobody has to guess what was decided."""

import os
import shutil
import signal
from pathlib import Path

import obstore

from bot.errors import ExitCode
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from tests.durability.conftest import Container, aside
from tests.durability.dangers.conftest import objects, off_site
from tests.durability.test_boot import live

OLD_FORMAT = Path(__file__).with_name("litestream-0.3")
"""Two rows of this program's `blacklist`, as Litestream 0.3.11 wrote them."""


async def test_a_volume_ahead_of_its_copy_after_an_outage_and_a_kill_uploads_the_rest(
    container: Container, proxy: FaultProxy
) -> None:
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint, STAND_IN_CONFIRMS="no")
    event = await aside(container.event)
    await proxy.set(Mode.REFUSE)
    os.kill(event["pid"], signal.SIGUSR1)
    await aside(lambda: container.event(rows=4))
    process.kill()
    process.wait()
    assert (await aside(lambda: container.live(STAND_IN_ROWS="0")))["rows"] == 4
    assert "Decision: continue" in container.log
    assert await aside(off_site, container) == 5


async def test_a_volume_without_litestreams_folder_is_not_trusted_until_asked_for_and_then_copied_anew(
    container: Container,
) -> None:
    await live(container.settings())
    shutil.rmtree(container.volume / ".tzurot.db-litestream")
    code, said = await aside(container.run)
    assert code == ExitCode.PROTECTED
    assert "Litestream's folder is missing" in said
    assert (await aside(lambda: container.live(RESTORE_MODE="accept-volume")))["rows"] == 6
    assert await aside(off_site, container) == 7


async def put_old_format(server: BucketSandbox, prefix: str) -> None:
    for file in OLD_FORMAT.rglob("*.lz4"):
        await obstore.put_async(server.store(), f"{prefix}/{file.relative_to(OLD_FORMAT)}", file.read_bytes())


async def test_an_older_litestreams_copy_is_no_empty_bucket(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    await put_old_format(server, prefix)
    code, said = await aside(lambda: container.run(ALLOW_INIT=""))
    assert code == ExitCode.PROTECTED
    assert f"{prefix}/generations" in said
    assert not container.database.exists()


async def test_an_older_litestreams_copy_beside_the_epochs_is_left_alone(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    await live(container.settings())
    await put_old_format(server, prefix)
    before = await objects(server, f"{prefix}/generations")
    container.lose_volume()
    assert (await aside(container.live))["rows"] == 6
    assert await objects(server, f"{prefix}/generations") == before


async def test_an_older_litestreams_copy_in_an_epoch_is_not_restored_in_its_place(
    container: Container, server: BucketSandbox, prefix: str
) -> None:
    await live(container.settings())
    await put_old_format(server, f"{prefix}/e000001")
    container.lose_volume()
    code, said = await aside(container.run)
    assert code == ExitCode.PROTECTED
    assert f"{prefix}/e000001/generations" in said
    assert not container.database.exists()
