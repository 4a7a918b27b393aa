"""`kill -9` in the middle of writing: every acknowledged batch is there, no half batch is, and the file is sound."""

import random
from contextlib import closing
from pathlib import Path

import pytest

from bot.store import engine
from bot.store.driver import inspect_file
from bot.store.inspection import FileKind
from bot.store.migrate import create_database

from .writing_process import HALF, write_until_killed

DEFAULT_KILLS = 16


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills", DEFAULT_KILLS) or DEFAULT_KILLS)


def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "tzurot.db"
    create_database(path)
    moments = random.Random(kills)  # noqa: S311 - repeatable, not secret
    acknowledged: set[int] = set()
    first = 0
    for _ in range(kills):
        told = write_until_killed(path, first, moments.randrange(1, 400))
        assert told
        acknowledged.update(told)
        with closing(engine.connect_reader(path, 1)) as connection:
            found = {row[0] for row in connection.execute("SELECT user_id FROM auto_responses")}
        assert acknowledged <= found
        assert {number for number in found if number < HALF} == {number - HALF for number in found if number >= HALF}
        first = max(number for number in found if number < HALF) + 1
    report = inspect_file(path, full=True)
    assert (report.kind, report.problems) == (FileKind.OK, ())
