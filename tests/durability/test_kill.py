import signal
import subprocess

import pytest

from tests.durability.conftest import Container, until


def start_until_killed(container: Container, step: int) -> subprocess.Popen[bytes] | None:
    """Start with a kill before a step; the process if it came as far as the bot before."""
    seen = len(container.events)
    process = container.start(STAND_IN_STEPS=str(step))
    until(lambda: process.poll() is not None or len(container.events) > seen, f"step {step} or the bot")
    if process.poll() is None:
        return process
    assert process.returncode == -signal.SIGKILL, container.log
    return None


@pytest.mark.parametrize("first", [1, 2, 3])
def test_a_start_killed_at_one_step_after_the_other_ends_with_every_row(container: Container, first: int) -> None:
    """A damaged database is set aside and restored, and each start gets three steps further than the one before."""
    container.live()
    broken = b"\x07" * 5000
    container.database.write_bytes(broken)
    container.environment["STAND_IN_ROWS"] = "0"
    steps = iter(range(first, 60, 3))
    while (process := start_until_killed(container, next(steps))) is None:
        pass
    assert container.event()["rows"] == 4
    until(lambda: container.marker and not container.marker.is_pending, "the new epoch's confirmation")
    assert container.stop(process) == 0
    assert [file.read_bytes() for file in container.volume.glob("quarantine-*/tzurot.db")] == [broken]
    container.lose_volume()
    assert container.live()["rows"] == 5
