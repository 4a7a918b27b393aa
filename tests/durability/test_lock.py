import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.durability.lock import VolumeLock
from bot.errors import ProtectedError, StorageError


def test_a_held_lock_is_refused_and_names_its_holder(tmp_path: Path) -> None:
    with VolumeLock.take(tmp_path, 0), pytest.raises(ProtectedError, match=f"process {os.getpid()} on .* since"):
        VolumeLock.take(tmp_path, 0.05)


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    VolumeLock.take(tmp_path, 0).release()
    VolumeLock.take(tmp_path, 0).release()


def test_a_child_that_inherited_the_lock_keeps_it(tmp_path: Path) -> None:
    lock = VolumeLock.take(tmp_path, 0)
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE, pass_fds=(lock.fd,)
    ) as child:
        lock.release()
        assert VolumeLock.try_take(tmp_path) is None
        child.communicate()
    VolumeLock.take(tmp_path, 1).release()


def test_a_folder_that_can_not_be_written_is_a_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="can't be written"):
        VolumeLock.take(tmp_path / "file", 0)
