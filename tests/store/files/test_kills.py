"""`kill -9` in the middle of writing, in each mode: every acknowledged batch is there, no half one, no torn file."""

import math
import random
from pathlib import Path

import orjson
import pytest

from bot.store.driver import inspect_file
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.inspection import FileKind
from tests.store.modes import MODES, ModeBackend, Rows, rows_of, rows_of_files, settings_of
from tests.store.writing_process import HALF, write_until_killed

DEFAULT_KILLS = 10
SHARES = 2
"""On how many installations a mode's kills are spread, so that they may run beside each other."""


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return math.ceil(int(request.config.getoption("--kills", DEFAULT_KILLS) or DEFAULT_KILLS) / SHARES)


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.timeout(3600)
async def test_nothing_acknowledged_is_lost_and_nothing_is_half_there(
    tmp_path: Path, kills: int, mode: str, share: int
) -> None:
    backend = ModeBackend(settings_of(tmp_path, mode))
    backend.create()
    moments = random.Random(f"{mode} {kills} {share}")  # noqa: S311 - repeatable, not secret
    acknowledged: set[int] = set()
    first = 0
    for _ in range(kills):
        told = write_until_killed(tmp_path, mode, first, moments.randrange(1, 100))
        assert told
        acknowledged.update(told)
        if mode != "database":
            require_whole_files(backend.settings.json_folder)
        found = numbers(rows_of_files(backend.settings) if mode == "json" else rows_of(backend.path))
        assert acknowledged <= found
        assert {number for number in found if number < HALF} == {number - HALF for number in found if number >= HALF}
        first = max(number for number in found if number < HALF) + 1
    await require_files_catch_up(backend, found)
    if mode != "json":
        report = inspect_file(backend.path, full=True)
        assert (report.kind, report.problems) == (FileKind.OK, ())


def numbers(rows: Rows) -> set[int]:
    return {user_id for user_id, *_ in rows["blacklist"]}


def require_whole_files(path: Path) -> None:
    """Every file is whole before anything is mended, and all of them together are what the mode file says."""
    for file in path.rglob("*.json"):
        if ".tzurot-new" not in file.parts:
            orjson.loads(file.read_bytes())
    state = JsonFolder(path).read()
    assert state is None or JsonFolder(path).changed(state) == ()


async def require_files_catch_up(backend: ModeBackend, found: set[int]) -> None:
    """The next start goes on with what was there, and its stop leaves the files equal to the database."""
    opened = await backend.open()
    kept = numbers(rows_of(backend.path))
    await opened.close()
    assert kept == found
