"""A commit that dies at any step leaves the old state or the new one: never a mix, never a torn file."""

import shutil
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import MODE_FILE, FolderState
from tests.store.files.folder.dying import DeadError, change, dying, raise_dead

ROOT = Path(__file__).parents[4]
OLD = {
    "aliases.json": b'{"a": "b"}',
    "conversations.json": b'{"1-2": {}}',
    "avatars/metadata.json": b"{}",
    "blacklist.json": b'{"old": true}',
}
NEW = {
    "aliases.json": b'{"new": "x"}',
    "conversations.json": b'{"new": "y"}',
    "avatars/metadata.json": b"{}",
    "auth.json": b"{}",
    ".tzurot/turns.json": b"[1, 2]",
}


def files(folder: JsonFolder) -> dict[str, bytes]:
    paths = (path for path in folder.path.rglob("*") if path.is_file() and path.name != MODE_FILE)
    return {str(path.relative_to(folder.path)): path.read_bytes() for path in paths}


def require_whole(folder: JsonFolder) -> int:
    """The counter of the state that the folder is in, which must be exactly the old or the new one."""
    state = folder.read()
    assert state is not None
    assert files(folder) == {1: OLD, 2: NEW}[state.counter]
    assert folder.changed(state) == ()
    return state.counter


def copy_of(folder: JsonFolder, path: Path) -> JsonFolder:
    shutil.copytree(folder.path, path)
    return JsonFolder(path)


def tear(folder: JsonFolder, at_step: int) -> bool:
    """Let the change die at the step; False if it has no such step any more."""
    try:
        with dying(at_step, raise_dead) as step:
            change(folder, step)
    except DeadError:
        return True
    return False


def test_a_death_at_any_step_leaves_one_of_the_two_states(
    folder: JsonFolder, written: FolderState, tmp_path: Path
) -> None:
    found = []
    for at_step in count(1):
        torn = copy_of(folder, tmp_path / f"torn-{at_step}")
        is_torn = tear(torn, at_step)
        # Whoever only looks sees the same state as whoever recovers.
        looked = torn.read()
        assert looked is not None
        assert torn.changed(looked) == ()
        torn.recover()
        found.append(require_whole(torn))
        assert found[-1] == looked.counter
        torn.recover()
        assert require_whole(torn) == found[-1]
        if not is_torn:
            break
    assert found == sorted(found)
    assert found.count(1) > 20
    assert found.count(2) > 10


def test_a_death_while_recovering_is_recovered_from(folder: JsonFolder, written: FolderState, tmp_path: Path) -> None:
    deaths = 0
    for at_step in range(1, 60, 3):
        torn = copy_of(folder, tmp_path / f"torn-{at_step}")
        tear(torn, at_step)
        looked = torn.read()
        assert looked is not None
        for again in count(1):
            twice = copy_of(torn, tmp_path / f"twice-{at_step}-{again}")
            try:
                with dying(again, raise_dead):
                    twice.recover()
            except DeadError:
                deaths += 1
                twice.recover()
                assert require_whole(twice) == looked.counter
            else:
                break
    assert deaths > 50


def test_the_next_commit_recovers_by_itself(folder: JsonFolder, written: FolderState, tmp_path: Path) -> None:
    for at_step in (5, 25, 40):
        torn = copy_of(folder, tmp_path / f"torn-{at_step}")
        assert tear(torn, at_step)
        with dying(10_000, raise_dead) as step:
            change(torn, step)
        assert require_whole(torn) == 2


@pytest.mark.parametrize("at_step", [3, 17, 28, 36])
def test_a_killed_process_leaves_one_of_the_two_states(folder: JsonFolder, written: FolderState, at_step: int) -> None:
    command = [sys.executable, "-m", "tests.store.files.folder.dying", str(folder.path), str(at_step)]
    done = subprocess.run(command, cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    folder.recover()
    require_whole(folder)
