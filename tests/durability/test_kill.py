import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.durability.lease import MEMORY_NAME
from bot.durability.presence import LOCK_NAME
from bot.durability.volume import STAGING_NAME, local_txid
from tests.durability.conftest import Container, until
from tests.durability.test_boot import boot, live, rows

ROOT = Path(__file__).parents[2]
BROKEN = b"\x07" * 5000
MANY_STEPS = 10
LAST_STEP = 100


@pytest.fixture
def stride(request: pytest.FixtureRequest) -> int:
    """How many steps further each start is killed than the one before; a prime, so that no kind is always left out."""
    return 1 if request.config.getoption("--every-step") else 7


def start_until_killed(container: Container, step: int) -> subprocess.Popen[bytes] | None:
    """Start with a kill before a step; the process if it came as far as the bot before."""
    seen = len(container.events)
    process = container.start(STAND_IN_STEPS=str(step))
    until(lambda: process.poll() is not None or len(container.events) > seen, f"step {step} or the bot")
    if process.poll() is None:
        return process
    assert process.returncode == -signal.SIGKILL, container.log
    return None


def test_a_start_killed_at_one_step_after_the_other_ends_with_every_row(container: Container, stride: int) -> None:
    """A damaged database is quarantined and restored, and each start gets some steps further than the one before."""
    container.live()
    container.database.write_bytes(BROKEN)
    container.environment["STAND_IN_ROWS"] = "0"
    steps = iter(range(2, LAST_STEP, 2 * stride + 1))
    while (process := start_until_killed(container, next(steps))) is None:
        pass
    assert container.event()["rows"] == 4
    until(lambda: container.marker and not container.marker.is_pending, "the new epoch's confirmation")
    assert container.stop(process) == 0
    assert [file.read_bytes() for file in container.volume.glob("quarantine-*/tzurot.db")] == [BROKEN]
    container.lose_volume()
    assert container.live()["rows"] == 5


@dataclass(frozen=True)
class Killer:
    """Kills one start after the other on the same volume, which is as before each time."""

    process: subprocess.Popen[str]
    container: Container
    before: Path

    def start(self, step: int) -> int:
        self._put_back()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(step, file=self.process.stdin, flush=True)
        return int(self.process.stdout.readline())

    def _put_back(self) -> None:
        for path in self.container.volume.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in (LOCK_NAME, MEMORY_NAME):  # with them it remains the volume that has the lease
                path.unlink()
        kept = shutil.ignore_patterns(LOCK_NAME, MEMORY_NAME)
        shutil.copytree(self.before, self.container.volume, ignore=kept, dirs_exist_ok=True)


@contextmanager
def killing(container: Container, before: Path) -> Iterator[Killer]:
    variables = {name: os.environ[name] for name in ("PATH", "HOME")} | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("boot_killer.py"))],
        env=variables | container.variables(),
        cwd=container.volume.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Killer(process, container, before)


@pytest.mark.timeout(600)
async def test_a_quarantine_and_restore_killed_at_any_step_are_completed(
    container: Container, tmp_path: Path, stride: int
) -> None:
    await live(container.settings())
    container.database.write_bytes(BROKEN)
    container.copy_volume(tmp_path / "damaged")
    with killing(container, tmp_path / "damaged") as killer:
        for step in range(1, LAST_STEP, stride):
            code = killer.start(step)
            await boot(container.settings())
            assert rows(container.settings()) == 3
            assert [file.read_bytes() for file in container.volume.glob("quarantine-*/tzurot.db")] == [BROKEN]
            assert not (container.volume / STAGING_NAME).exists()
            if code == 0:
                break
            assert code == -signal.SIGKILL
    assert step > MANY_STEPS


@pytest.mark.timeout(600)
async def test_a_volume_accepted_on_order_and_killed_at_any_step_begins_its_epoch_with_nothing_of_the_old_one(
    container: Container, tmp_path: Path, stride: int
) -> None:
    await live(container.settings())
    container.copy_volume(tmp_path / "yesterday")
    await live(container.settings())
    container.environment["RESTORE_MODE"] = "accept-volume"
    with killing(container, tmp_path / "yesterday") as killer:
        for step in range(1, LAST_STEP, stride):
            code = killer.start(step)
            marker = (await boot(container.settings())).marker
            assert marker is not None
            assert marker.is_pending
            assert rows(container.settings()) == 3
            assert local_txid(container.database) is None
            if code == 0:
                break
            assert code == -signal.SIGKILL
    assert step > 1
