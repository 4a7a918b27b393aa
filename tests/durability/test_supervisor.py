import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.durability.lock import VolumeLock
from bot.errors import ExitCode
from bot.sandbox.bucket import FaultProxy, Mode
from tests.durability.conftest import Container, aside, children, is_alive, until

Make = Callable[[dict[str, str]], Container]


def test_a_first_start_creates_a_database_and_its_copy(container: Container) -> None:
    event = container.live()
    assert event["failure"] is None
    assert container.rows == 4
    assert container.marker is not None
    assert container.marker.epoch == 1
    assert not container.marker.is_pending


def test_a_second_start_goes_on_in_its_epoch(container: Container) -> None:
    container.live()
    assert container.live()["rows"] == 7
    assert container.marker is not None
    assert container.marker.epoch == 1
    assert "Decision: continue" in container.log


def test_a_lost_volume_comes_back_with_every_row_in_a_new_epoch(container: Container, prefix: str) -> None:
    container.live()
    container.lose_volume()
    process = container.start()
    assert container.event()["rows"] == 7
    until(lambda: container.marker and not container.marker.is_pending, "the new epoch's confirmation")
    assert container.stop(process) == 0
    assert container.marker is not None
    assert container.marker.prefix == f"{prefix}/e000002"
    assert container.marker.parent is not None
    assert container.marker.parent.prefix == f"{prefix}/e000001"


def test_a_kill_of_everything_loses_nothing_that_was_confirmed(container: Container) -> None:
    process = container.start()
    confirmed = container.event()["rows"]
    process.kill()
    process.wait()
    container.lose_volume()
    container.environment["STAND_IN_ROWS"] = "0"
    assert container.live()["rows"] >= confirmed


async def test_probes_are_answered_before_and_after_the_bot_starts(container: Container) -> None:
    with VolumeLock.take(container.volume, 0):
        process = container.start(LOCK_TIMEOUT_SECONDS="5")
        assert (await container.probe("/livez"))[0] == 200
        status, body = await container.probe("/readyz")
        assert status == 503
        assert body["problems"] == ["Another process still uses the volume."]
    await aside(container.event)
    assert (await container.probe("/readyz")) == (200, {"ready": True, "problems": []})
    assert await aside(container.stop, process) == 0


async def test_probes_are_answered_while_the_bot_is_down(container: Container) -> None:
    process = container.start(RESTART_DELAY_SECONDS="5", STAND_IN_CODE="7")
    await aside(container.event)
    await aside(until, lambda: "starts again in" in container.log, "the supervisor's word")
    assert (await container.probe("/livez"))[0] == 200
    assert (await container.probe("/readyz"))[0] == 503
    assert await aside(container.stop, process) == 0


def test_a_taken_port_is_a_wrong_setting(alone: Container) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = alone.run(PORT=str(taken.getsockname()[1]))
    assert code == ExitCode.MISUSED
    assert "PORT" in said


def test_without_keys_nothing_starts(alone: Container) -> None:
    code, said = alone.run(ENCRYPTION_KEYS="")
    assert code == ExitCode.MISUSED
    assert "ENCRYPTION_KEYS" in said
    assert not alone.database.exists()


def test_without_a_token_nothing_starts(alone: Container) -> None:
    code, said = alone.run(DISCORD_TOKEN="")
    assert code == ExitCode.MISUSED
    assert "DISCORD_TOKEN" in said


def test_without_a_bucket_it_runs_on_the_volume_and_says_so(alone: Container) -> None:
    assert alone.live()["rows"] == 3
    assert alone.live()["rows"] == 7
    assert "NO COPY" in alone.log


def test_a_second_instance_is_refused_and_told_who_is_there(container: Container) -> None:
    first = container.start()
    container.event()
    code, said = container.run()
    assert code == ExitCode.PROTECTED
    assert f"process {first.pid} " in said
    assert container.stop(first) == 0


def test_a_killed_supervisor_leaves_no_writer_behind(container: Container) -> None:
    process = container.start()
    container.event()
    left = children(process.pid)
    assert len(left) == 2
    process.kill()
    process.wait()
    until(lambda: not any(map(is_alive, left)), "the end of both children", seconds=2)
    assert container.live()["rows"] == 6


def test_the_lock_is_held_as_long_as_any_child_lives(container: Container) -> None:
    process = container.start()
    container.event()
    for child in children(process.pid):
        os.kill(child, signal.SIGSTOP)
    process.kill()
    process.wait()
    assert container.live()["rows"] == 6


def test_a_killed_litestream_is_started_again_and_goes_on(container: Container) -> None:
    process = container.start()
    bot = container.event()["pid"]
    (litestream,) = (child for child in children(process.pid) if child != bot)
    os.kill(litestream, signal.SIGKILL)
    until(lambda: set(children(process.pid)) - {bot, litestream}, "another Litestream")
    until(lambda: container.log.count("control socket listening") == 2, "its socket")
    os.kill(bot, signal.SIGUSR1)
    assert container.event(rows=4)["failure"] is None
    assert container.stop(process) == 0
    container.lose_volume()
    assert container.live()["rows"] == 8


@pytest.mark.parametrize("code", [ExitCode.MISUSED, ExitCode.PROTECTED])
def test_a_bot_that_can_not_start_ends_everything_with_its_code(container: Container, code: ExitCode) -> None:
    ended, said = container.run(STAND_IN_CODE=str(int(code)))
    assert ended == code
    assert "Everything is in the bucket" in said
    assert said.splitlines()[-1] == "What the bot said last."


def test_a_bot_that_crashed_is_started_again_with_growing_pauses(container: Container) -> None:
    process = container.start(STAND_IN_CODE="7")
    for _ in range(3):
        container.event(code=7)
    until(lambda: "starts again in 0.4 s" in container.log, "the third pause")
    assert "starts again in 0.1 s" in container.log
    assert container.stop(process) == 0


def test_a_killed_bot_goes_on_with_what_it_had(container: Container) -> None:
    process = container.start()
    os.kill(container.event()["pid"], signal.SIGKILL)
    assert container.event()["rows"] == 6
    assert container.stop(process) == 0


def test_signals_after_the_first_do_not_cut_the_end_short(container: Container) -> None:
    process = container.start(STAND_IN_SLOW_STOP="0.5")
    container.event()
    process.send_signal(signal.SIGTERM)
    for _ in range(3):
        until(lambda: "Stopping" in container.log, "the first signal")
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    assert container.rows == 4
    container.lose_volume()
    assert container.live()["rows"] == 7


def test_a_bot_that_ends_badly_on_sigterm_still_gets_its_last_row_off_site(container: Container) -> None:
    process = container.start(STAND_IN_STOP_CODE="5")
    container.event()
    assert container.stop(process) == 0
    container.lose_volume()
    assert container.live()["rows"] == 7


def test_a_bot_that_does_not_end_is_killed(container: Container) -> None:
    process = container.start(STAND_IN_SLOW_STOP="60", STOP_TIMEOUT_SECONDS="0.3")
    container.event()
    assert container.stop(process) == 0
    assert "The bot ended with code -9: it took longer than 0.3 s" in container.log


def test_a_stop_while_waiting_for_the_lock_ends_at_once(container: Container) -> None:
    with VolumeLock.take(container.volume, 0):
        process = container.start(LOCK_TIMEOUT_SECONDS="60")
        until(lambda: "Probes" in container.log, "the supervisor")
        assert container.stop(process) == 0
    assert not container.database.exists()


async def test_a_stop_while_the_bucket_is_waited_for_ends_at_once(container: Container, proxy: FaultProxy) -> None:
    await proxy.set(Mode.BLACK_HOLE)
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint, REPLICA_TIMEOUT_SECONDS="60")
    await aside(until, lambda: proxy.connection_count, "a request")
    assert await aside(container.stop, process) == 0
    assert not container.database.exists()


async def test_a_stop_during_a_restore_leaves_nothing_half_done(container: Container, proxy: FaultProxy) -> None:
    await aside(container.live)
    container.lose_volume()
    proxy.delay_ms = 50
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint, RESTORE_TIMEOUT_SECONDS="60")
    staging = container.volume / ".tzurot-staging"
    await aside(until, staging.exists, "the restore")
    assert await aside(container.stop, process) == 0
    assert not container.database.exists()
    assert (await aside(container.live))["rows"] == 7


async def test_a_stop_with_the_bucket_in_a_black_hole_is_in_time_and_not_a_success(
    container: Container, proxy: FaultProxy
) -> None:
    process = container.start(REPLICA_ENDPOINT=proxy.endpoint)
    await aside(container.event)
    await proxy.set(Mode.BLACK_HOLE)
    assert await aside(container.stop, process) == ExitCode.FAILED
    assert "are on the volume ONLY" in container.log.splitlines()[-1]
    await proxy.set(Mode.PASS)
    assert (await aside(container.live))["rows"] == 7


async def test_the_bucket_being_away_at_the_start_does_not_stop_an_intact_volume(
    container: Container, proxy: FaultProxy
) -> None:
    container.environment["REPLICA_ENDPOINT"] = proxy.endpoint
    await aside(container.live)
    await proxy.set(Mode.REFUSE)
    process = container.start()
    event = await aside(container.event)
    assert event["rows"] == 7
    assert event["failure"]
    assert "WITHOUT the bucket" in container.log
    assert (await container.probe("/readyz"))[0] == 503
    await proxy.set(Mode.PASS)
    await aside(until, lambda: container.log.count("control socket listening") == 2, "replication")
    os.kill(event["pid"], signal.SIGUSR1)
    assert (await aside(lambda: container.event(rows=8)))["failure"] is None
    assert await aside(container.stop, process) == 0
    container.lose_volume()
    assert (await aside(container.live))["rows"] == 12


async def test_a_volume_found_to_be_old_when_the_bucket_is_back_is_stopped(
    container: Container, proxy: FaultProxy, tmp_path: Path
) -> None:
    container.environment["REPLICA_ENDPOINT"] = proxy.endpoint
    await aside(container.live)
    container.copy_volume(tmp_path / "yesterday")
    await aside(container.live)
    container.bring_back(tmp_path / "yesterday")
    await proxy.set(Mode.REFUSE)
    process = container.start()
    await aside(container.event)
    await proxy.set(Mode.PASS)
    assert await aside(process.wait, 9) == ExitCode.PROTECTED
    assert "rolled back" in container.log
