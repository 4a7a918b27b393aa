"""A process that dies at a numbered step of what it does to the disk; also run as a program of its own."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from bot.store.files.folder.json_folder import JsonFolder
from tests.store.files.conftest import contents

STEPS = ("open", "fsync", "replace", "unlink", "mkdir", "rename")


class DeadError(BaseException):
    """Nothing that the process had still meant to do happens."""


@contextmanager
def dying(at_step: int, die: Callable[[], Any]) -> Iterator[Callable[[], bool]]:
    """Die instead of the numbered step, counted from 1; gives the step that contents take for themselves."""
    done = 0

    def step() -> bool:
        nonlocal done
        done += 1
        if done >= at_step:
            die()
        return True

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            step()
            # Where a death is only an exception, the disk's own time would be the test's.
            return None if real is REAL_SYNC else real(*args, **more)

        return call

    with ExitStack() as patches:
        for name in STEPS:
            patches.enter_context(mock.patch.object(os, name, counted(getattr(os, name))))
        yield step


REAL_SYNC = os.fsync


def raise_dead() -> None:
    """Die by an exception that comes again at every further step."""
    raise DeadError


def kill() -> None:
    """Die for real."""
    os.kill(os.getpid(), signal.SIGKILL)


def change(folder: JsonFolder, step: Callable[[], bool]) -> None:
    """The commit that is torn: a new file, a changed one, one that goes, one in a new folder."""
    state = folder.read()
    assert state is not None

    def stepwise() -> Iterator[Any]:
        new = contents(aliases={"new": "x"}, conversations={"new": "y"}, auth={}, **{".tzurot__turns": [1, 2]})
        for name, pieces in new:
            yield name, (piece for piece in pieces if step())

    folder.commit(stepwise(), replace(state, counter=2), drop=("blacklist.json",))


def main() -> None:
    """Change the folder that is named, and die for real at the step that is named."""
    with dying(int(sys.argv[2]), kill) as step:
        change(JsonFolder(Path(sys.argv[1])), step)


if __name__ == "__main__":
    main()
