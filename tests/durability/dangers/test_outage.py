"""The bucket goes away while the bot runs, and comes back: writes go on, and nothing is missing afterwards."""

import os
import signal
from typing import Any

import obstore
import pytest

from bot.errors import ExitCode
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.store.driver import open_store
from tests.durability.conftest import Container, aside
from tests.durability.dangers.conftest import objects, off_site
from tests.durability.test_boot import ADD, replicating


async def test_writes_go_on_through_an_outage_and_are_off_site_after_it(
    container: Container, proxy: FaultProxy
) -> None:
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint, SYNC_TIMEOUT_SECONDS="0.5")
    pid = (await aside(container.event))["pid"]
    await proxy.set(Mode.REFUSE)
    written = await aside(write_one_more, container, pid)
    assert written["failure"]
    await proxy.set(Mode.PASS)
    while written["failure"]:
        written = await aside(write_one_more, container, pid)
    assert await aside(off_site, container) == written["rows"]
    assert await aside(container.stop, process) == 0


def write_one_more(container: Container, pid: int) -> dict[str, Any]:
    os.kill(pid, signal.SIGUSR1)
    return container.event()


@pytest.mark.parametrize("is_running", [False, True], ids=["between two runs", "under the running bot"])
async def test_a_bucket_that_was_emptied_gets_a_whole_copy_of_the_volume_again_once_that_is_allowed(
    container: Container, server: BucketSandbox, prefix: str, *, is_running: bool
) -> None:
    settings = container.settings()
    async with replicating(settings) as replication:
        store = await open_store(settings.database_path, settings=settings)
        await replication.flush()
        if is_running:
            await empty(server, prefix)
        await store.write(ADD)
        await replication.flush()
        await store.close()
    if not is_running:
        await empty(server, prefix)
    code, said = await aside(lambda: container.run(ALLOW_INIT=""))
    assert code == ExitCode.PROTECTED
    assert f"ALLOW_INIT={prefix}" in said
    assert container.rows == 1
    assert (await aside(container.live))["rows"] == 4
    assert await aside(off_site, container) == 5


async def empty(server: BucketSandbox, prefix: str) -> None:
    await obstore.delete_async(server.store(), list(await objects(server, prefix)))
