"""How a run may end: what `litestream replicate -exec` loses then, our own two children do not lose.

Litestream looks at the database once a minute here, so nothing but the supervisor's own uploads counts.
"""

import os
import signal
from contextlib import closing
from pathlib import Path

import pytest

from bot.errors import ExitCode
from bot.sandbox.bucket import FaultProxy, Mode
from bot.store.engine import connect
from tests.durability.conftest import Container, aside, children, until
from tests.durability.dangers.conftest import off_site
from tests.durability.stand_in import ADD

SELDOM = {"REPLICA_INTERVAL_SECONDS": "60", "STAND_IN_CONFIRMS": "no"}


@pytest.mark.parametrize(
    ("changes", "rows"),
    [({"STAND_IN_STOP_ROWS": "20"}, 23), ({"STAND_IN_ON_STOP": "die"}, 3)],
    ids=["the bot writes 20 rows", "the bot dies of it"],
)
def test_a_stop_before_litestreams_first_look_loses_no_row(
    container: Container, changes: dict[str, str], rows: int
) -> None:
    process = container.start(**SELDOM, **changes)
    container.event()
    assert container.stop(process) == 0
    assert "Everything is in the bucket" in container.log
    assert off_site(container) == rows


@pytest.mark.parametrize(
    ("number", "code", "rows"), [(signal.SIGKILL, -9, 3), (signal.SIGUSR2, 0, 4)], ids=["crash", "by itself"]
)
def test_the_rows_of_a_bot_that_ended_are_off_site_before_it_starts_again(
    container: Container, number: signal.Signals, code: int, rows: int
) -> None:
    container.start(**SELDOM, RESTART_DELAY_SECONDS="60")
    os.kill(container.event()["pid"], number)
    until(lambda: f"The bot ended with code {code}; it starts again in" in container.log, "the supervisor's word")
    until(lambda: "Everything is in the bucket" in container.log, "the upload")
    assert off_site(container) == rows


def test_a_bot_killed_between_a_commits_frames_and_their_index_leaves_a_copy_that_goes_on(container: Container) -> None:
    process = container.start(REPLICA_INTERVAL_SECONDS="60")
    bot = container.event(rows=3)["pid"]
    commit_without_index(container.database)
    os.kill(bot, signal.SIGKILL)
    assert container.event()["failure"] is None
    assert container.stop(process) == 0, container.log
    assert off_site(container) == container.rows == 3 + 1 + 3 + 1


def commit_without_index(database: Path) -> None:
    """A row whose frames are in the WAL, and of which the WAL's index knows nothing: where a kill in a commit falls."""
    index = Path(f"{database}-shm")
    before = index.read_bytes()
    with closing(connect(database, "rw", 1)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0").fetchall()
        connection.execute(ADD.sql)
    with index.open("r+b") as file:
        file.write(before)


@pytest.mark.parametrize("mode", [Mode.REFUSE, Mode.BUSY])
async def test_a_stop_without_the_bucket_is_no_success_and_the_next_start_uploads_the_rest(
    container: Container, proxy: FaultProxy, mode: Mode
) -> None:
    process = container.start(
        REPLICA_ENDPOINT=proxy.endpoint, SHUTDOWN_SYNC_TIMEOUT_SECONDS="0.5", LITESTREAM_STOP_TIMEOUT_SECONDS="0.4"
    )
    await aside(container.event)
    await proxy.set(mode)
    assert await aside(container.stop, process) == ExitCode.FAILED
    assert "are on the volume ONLY" in container.log.splitlines()[-1]
    assert await aside(off_site, container) == 3
    assert (await aside(container.live))["rows"] == 7
    assert await aside(off_site, container) == 8


def test_a_sigterm_to_every_process_at_once_loses_no_row(container: Container) -> None:
    process = container.start(**SELDOM, STAND_IN_STOP_ROWS="20", SHUTDOWN_SYNC_TIMEOUT_SECONDS="8")
    container.event()
    for pid in (process.pid, *children(process.pid)):
        os.kill(pid, signal.SIGTERM)
    assert process.wait(9) == 0
    assert off_site(container) == 23
