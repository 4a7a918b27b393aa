"""The receipt of each kind of end, from the real processes."""

import signal

from tests.e2e.conftest import Installation


async def test_a_deploy_and_a_kill_leave_receipts_that_nothing_is_lost(installation: Installation) -> None:
    await installation.start_and_connect()
    await installation.prepare()
    assert await installation.stop() == 0

    await installation.start_and_connect()
    deploy = await installation.receipt()
    assert (deploy["start"], deploy["ended_how"], deploy["lost"]) == ("continue", "handover", {})
    assert deploy["rows_before"]["personalities"] == deploy["rows_after"]["personalities"] == 1
    assert 0 < deploy["down_seconds"] < 20

    assert installation.process is not None
    installation.process.send_signal(signal.SIGKILL)
    await installation.process.wait()
    await installation.start_and_connect()
    crash = await installation.receipt()
    assert (crash["start"], crash["ended_how"], crash["lost"]) == ("continue", "crash", {})
    assert crash["rows_before"] is None
    assert "in the same file, 0 lost" in crash["text"]
    assert await installation.stop() == 0


async def test_a_volume_lost_after_a_stop_lost_nothing_and_one_lost_under_the_bot_names_the_window(
    installation: Installation,
) -> None:
    await installation.start_and_connect()
    assert await installation.stop() == 0
    installation.lose_volume()
    await installation.start_and_connect()
    moved = await installation.receipt()
    assert (moved["start"], moved["ended_how"], moved["lost"]) == ("restore", "handover", {})
    assert "Restored as handed over at" in moved["text"]

    await installation.until_confirmed()
    installation.lose_volume()
    assert await installation.end() == 1
    await installation.start_and_connect()
    lost = await installation.receipt()
    assert (lost["start"], lost["ended_how"], lost["lost"]) == ("restore", "crash", None)
    assert "whatever was confirmed as saved is here" in lost["text"]
    assert await installation.stop() == 0
