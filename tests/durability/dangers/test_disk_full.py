"""The volume fills up under the running bot: it says so, keeps what it acknowledged, and goes on when there is room."""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.durability.conftest import Container
from tests.durability.dangers.conftest import off_site

UNSHARED = ("unshare", "--user", "--map-root-user", "--mount")
MOUNT = 'mount -t tmpfs -o size=16m none "$0" && exec "$@"'
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in it is made by tempfile
SMALL_BYTES = 200_000_000


@pytest.fixture
def small(container: Container) -> Iterator[Container]:
    """A container on a file system of a few megabytes: its own, or where mounting is forbidden, Docker's small one."""
    mounted = (*UNSHARED, "sh", "-c", MOUNT, str(container.volume))
    if subprocess.run([*mounted, "true"], check=False, capture_output=True).returncode == 0:
        container.wrapper = mounted
        yield container
        return
    assert shutil.disk_usage(SHARED_MEMORY).free < SMALL_BYTES, "neither a mount of one's own nor a small file system"
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as folder:
        container.volume.rmdir()
        container.volume.symlink_to(folder)
        yield container


def fill(volume: Path) -> Path:
    """Take up all that is free; the file that does."""
    ballast = volume / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1_000_000
        while size:
            try:
                file.write(bytes(size))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                size //= 4
    return ballast


def write_until_refused(container: Container, pid: int) -> int:
    """Have the bot write row after row; how many it acknowledged."""
    acknowledged = 0
    while True:
        os.kill(pid, signal.SIGUSR1)
        event = container.event()
        if event["event"] == "refused":
            assert "The disk is full" in event["failure"]
            return acknowledged
        acknowledged = event["rows"]


def test_a_full_disk_costs_no_acknowledged_row_and_is_over_as_soon_as_there_is_room(
    small: Container,
) -> None:
    process = small.start(SYNC_TIMEOUT_SECONDS="0.5")
    event = small.event()
    inside = Path(f"/proc/{process.pid}/root{small.volume}")
    ballast = fill(inside)
    acknowledged = write_until_refused(small, event["pid"]) or event["rows"]
    assert process.poll() is None
    ballast.unlink()
    os.kill(event["pid"], signal.SIGUSR1)
    assert small.event()["rows"] == acknowledged + 1
    assert small.stop(process) == 0, small.log
    assert off_site(small) == acknowledged + 2
