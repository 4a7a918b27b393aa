import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.durability.bucket import Bucket
from bot.durability.lease import Lease
from bot.durability.lineage import now_utc
from bot.durability.restore import Source, restore_replica
from bot.errors import ExitCode
from bot.sandbox.bucket import FaultProxy, Mode
from bot.settings import Settings
from bot.store.inspection import inspect_file
from tests.durability.careless import careless_bucket
from tests.durability.conftest import Container, aside, children, is_alive, until

Make = Callable[[dict[str, str]], Container]
PATIENT_LEASE = {
    "LEASE_REQUEST_TIMEOUT_SECONDS": "3",
    "LEASE_LOSS_SECONDS": "6",
    "LEASE_TAKEOVER_SECONDS": "8",
    "LEASE_TIMEOUT_SECONDS": "9",
    "LEASE_RELEASE_TIMEOUT_SECONDS": "3",
}


@pytest.fixture
def other(containers: Make, container: Container) -> Container:
    """Another machine with the same settings, and a volume of its own."""
    return containers(container.environment)


def off_site(settings: Settings, prefix: str, scratch: Path) -> int:
    """How many rows one prefix restores to, which passes every check."""
    target = scratch / f"{prefix.rpartition('/')[2]}.db"
    asyncio.run(restore_replica(settings, Source(prefix), target))
    report = inspect_file(target, full=True)
    assert report.problems == ()
    return report.rows["blacklist"]


def test_a_second_machine_waits_and_refuses_while_the_first_goes_on(container: Container, other: Container) -> None:
    first = container.start()
    container.event()
    code, said = other.run(LEASE_TIMEOUT_SECONDS="2.6")
    assert code == ExitCode.PROTECTED
    assert f"is written by the instance on {os.uname().nodename} (since " in said
    assert not other.database.exists()
    assert not other.marker
    assert container.stop(first) == 0, container.log
    assert "lease" not in container.log


async def test_a_start_that_waits_for_another_machine_says_so_and_can_be_stopped(
    container: Container, other: Container
) -> None:
    first = container.start()
    await aside(container.event)
    second = other.start(LEASE_TIMEOUT_SECONDS="60")
    async with asyncio.timeout(5):
        while "is written by the instance on" not in (await problems(other)):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
    assert other.log.count("waiting up to 60 s") == 1
    assert await aside(other.stop, second) == 0
    assert not other.database.exists()
    assert await aside(container.stop, first) == 0


async def problems(container: Container) -> str:
    return " ".join((await container.probe("/readyz"))[1]["problems"])


def test_a_machine_that_was_stopped_is_followed_at_once(container: Container, other: Container) -> None:
    container.live()
    assert other.live()["rows"] == 7
    assert "waiting" not in other.log


def test_a_machine_that_vanished_is_followed_in_a_new_epoch_and_both_copies_are_whole(
    container: Container, other: Container, prefix: str
) -> None:
    first = container.start()
    container.event()
    second = other.start()
    until(lambda: "waiting up to" in other.log, "the second one to wait")
    first.kill()
    killed = time.monotonic()
    first.wait()
    assert other.event()["rows"] == 6
    assert time.monotonic() - killed > 2
    assert other.marker is not None
    assert other.marker.epoch == 2
    assert other.stop(second) == 0
    settings = other.settings()
    assert off_site(settings, f"{prefix}/e000001", other.scratch) == 3
    assert off_site(settings, f"{prefix}/e000002", other.scratch) == 7


def begin_copied(container: Container, other: Container) -> subprocess.Popen[bytes]:
    """An instance that runs, and a copy of its volume, made when that remembers the most."""
    process = container.start()
    container.event()
    shutil.rmtree(other.volume)
    container.copy_volume(other.volume)
    return process


def test_a_copy_of_a_volume_is_refused_while_the_original_runs(container: Container, other: Container) -> None:
    original = begin_copied(container, other)
    code, said = other.run(LEASE_TIMEOUT_SECONDS="2.6")
    assert code == ExitCode.PROTECTED
    assert "not by this one" in said
    assert container.stop(original) == 0
    assert container.rows == 4


def test_a_copy_of_a_volume_follows_the_killed_original_in_an_epoch_of_its_own(
    container: Container, other: Container, prefix: str
) -> None:
    original = begin_copied(container, other)
    original.kill()
    original.wait()
    assert other.live()["rows"] == 6
    assert "did not release its lease, so this one writes to a new epoch" in other.log
    code, said = container.run()
    assert code == ExitCode.PROTECTED
    assert "RESTORE_MODE=accept-volume to go on with the volume" in said
    assert off_site(other.settings(), f"{prefix}/e000001", other.scratch) == 3
    assert off_site(other.settings(), f"{prefix}/e000002", other.scratch) == 7


def test_the_same_volume_goes_on_at_once_in_its_epoch_after_a_kill(container: Container) -> None:
    process = container.start()
    container.event()
    process.kill()
    process.wait()
    assert container.live()["rows"] == 6
    assert container.marker is not None
    assert container.marker.epoch == 1
    assert "waiting" not in container.log
    assert "Decision: continue" in container.log


def litestream_of(supervisor: int, bot: int) -> int | None:
    return next((child for child in children(supervisor) if child != bot), None)


@pytest.mark.parametrize("mode", [Mode.BLACK_HOLE, Mode.REFUSE])
async def test_without_the_bucket_uploads_end_the_bot_goes_on_and_all_is_made_good(
    container: Container, proxy: FaultProxy, mode: Mode
) -> None:
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint, RESTART_DELAY_SECONDS="0.2")
    bot = (await aside(container.event))["pid"]
    litestream = litestream_of(process.pid, bot)
    assert litestream is not None
    await proxy.set(mode)
    await aside(until, lambda: not is_alive(litestream), "the end of Litestream")
    assert "The lease was not renewed for 2.2 s" in container.log
    os.kill(bot, signal.SIGUSR1)
    assert (await aside(lambda: container.event(rows=4)))["failure"]
    assert litestream_of(process.pid, bot) is None
    await proxy.set(Mode.PASS)
    await aside(until, lambda: container.log.count("control socket listening") == 2, "Litestream")
    os.kill(bot, signal.SIGUSR1)
    assert (await aside(lambda: container.event(rows=5)))["failure"] is None
    assert await aside(container.stop, process) == 0
    assert container.marker is not None
    assert container.marker.epoch == 1
    await aside(container.lose_volume)
    assert (await aside(container.live))["rows"] == 9


async def steal(container: Container) -> Lease:
    """Take the lease as another machine does that has waited long enough."""
    bucket = Bucket(container.settings())
    now = now_utc()
    thief = Lease(owner="thief", nonce="n", host="elsewhere", acquired_at=now, renewed_at=now)
    while not (found := await bucket.read_lease()) or not await bucket.write_lease(thief, found.e_tag):
        pass
    return thief


async def test_a_lease_taken_during_an_outage_ends_the_bot_and_uploads_nothing_more(
    container: Container, proxy: FaultProxy, prefix: str
) -> None:
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint)
    bot = (await aside(container.event))["pid"]
    await proxy.set(Mode.REFUSE)
    await aside(until, lambda: "was not renewed" in container.log, "the loss")
    os.kill(bot, signal.SIGUSR1)
    await aside(lambda: container.event(rows=4))
    uploaded = await Bucket(container.settings()).look_at(f"{prefix}/e000001")
    thief = await steal(container)
    await proxy.set(Mode.PASS)
    assert await aside(process.wait, 9) == ExitCode.PROTECTED
    assert "the instance on elsewhere" in container.log.splitlines()[-1]
    assert "the other instance does not have them" in container.log
    assert await Bucket(container.settings()).look_at(f"{prefix}/e000001") == uploaded
    found = await Bucket(container.settings()).read_lease()
    assert found is not None
    assert found.lease == thief


async def test_a_lease_taken_from_a_running_instance_ends_it_at_once(container: Container) -> None:
    process = container.start()
    family = [(await aside(container.event))["pid"], *children(process.pid)]
    await steal(container)
    assert await aside(process.wait, 5) == ExitCode.PROTECTED
    assert not any(map(is_alive, family))
    assert "Everything is in the bucket" not in container.log


async def test_a_start_without_the_bucket_yields_to_a_machine_that_wrote_meanwhile(
    container: Container, other: Container, proxy: FaultProxy
) -> None:
    await aside(container.live)
    await proxy.set(Mode.REFUSE)
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint, LEASE_TIMEOUT_SECONDS="2.6")
    await aside(container.event)
    second = other.start()
    await aside(other.event)
    await proxy.set(Mode.PASS)
    assert await aside(process.wait, 9) == ExitCode.PROTECTED
    assert "not by this one" in container.log.splitlines()[-1]
    assert container.log.count("control socket listening") == 1  # of its first life
    assert await aside(other.stop, second) == 0


async def test_a_start_without_the_bucket_begins_a_new_epoch_where_its_lease_was_not_its_own(
    container: Container, proxy: FaultProxy
) -> None:
    container.environment["REPLICA_ENDPOINT"] = proxy.endpoint
    process = container.start()
    await aside(container.event)
    process.kill()
    await aside(process.wait)
    (container.volume / ".tzurot-lease.json").unlink()  # as on another machine, which has to take it for a stranger's
    await proxy.set(Mode.REFUSE)
    process = container.start()
    bot = (await aside(container.event))["pid"]
    await proxy.set(Mode.PASS)
    await aside(until, lambda: "Decision: adopt" in container.log, "the lease")
    await aside(until, lambda: "Epoch 2 is in the bucket" in container.log, "the new epoch's confirmation")
    os.kill(bot, signal.SIGUSR1)
    assert (await aside(lambda: container.event(rows=7)))["failure"] is None
    assert await aside(container.stop, process) == 0
    assert container.marker is not None
    assert container.marker.epoch == 2
    await aside(container.lose_volume)
    assert (await aside(container.live))["rows"] == 11


async def test_writes_left_behind_are_told_to_whoever_follows_without_them(
    container: Container, other: Container, proxy: FaultProxy
) -> None:
    container.environment["REPLICA_INTERVAL_SECONDS"] = "60"  # so nothing but the last upload can take the last row
    process = container.start(**PATIENT_LEASE, REPLICA_ENDPOINT=proxy.endpoint, SHUTDOWN_SYNC_TIMEOUT_SECONDS="0.3")
    await aside(container.event)
    proxy.delay_ms = 200  # too slow for the last upload, and not for giving the lease back
    assert await aside(container.stop, process) == ExitCode.FAILED
    proxy.delay_ms = 0
    assert (await aside(other.live))["rows"] >= 6
    assert "which may have writes on its volume ONLY" in other.log


async def test_a_bucket_that_ignores_conditions_is_refused(container: Container) -> None:
    async with careless_bucket() as endpoint:
        code, said = await aside(lambda: container.run(REPLICA_ENDPOINT=endpoint))
    assert code == ExitCode.MISUSED
    assert "ignores If-None-Match and If-Match" in said
    assert "SeaweedFS" in said
    assert not container.database.exists()


def test_a_prefix_where_nothing_may_begin_is_left_without_a_trace(container: Container, prefix: str) -> None:
    container.live()
    mistyped = f"{prefix}x"
    container.lose_volume()
    code, said = container.run(REPLICA_PREFIX=mistyped)
    assert code == ExitCode.PROTECTED
    assert prefix in said
    assert asyncio.run(Bucket(container.settings(REPLICA_PREFIX=mistyped)).read_lease()) is None


def test_every_child_is_in_a_group_of_its_own(container: Container) -> None:
    process = container.start()
    container.event()
    groups = [os.getpgid(child) for child in children(process.pid)]
    assert groups == children(process.pid)
    assert container.stop(process) == 0
