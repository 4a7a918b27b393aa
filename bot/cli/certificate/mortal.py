"""The supervisor and the bot as they are, but that the bot kills its family before or after a commit or a sync.

`tzurot certify` starts it in place of the entry point, as `python -m bot.cli.certificate.mortal EVENT MOMENT NTH ARMED
run`; events are counted from when the file ARMED is there.
"""

import os
import signal
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from bot.cli import main, run_command
from bot.durability.litestream import Litestream
from bot.durability.supervisor import Supervisor
from bot.store.driver import SQLiteStore

P = ParamSpec("P")
T = TypeVar("T")

MODULE = "bot.cli.certificate.mortal"
OPTIONS = 4
COMMIT, SYNC = "commit", "sync"
BEFORE, AFTER = "before", "after"


@dataclass(slots=True)
class Fate:
    """When the bot dies, and its whole family with it."""

    moment: str
    nth: int
    armed: Path

    def awaits(self, act: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
        """The same act, at whose n-th time the family dies."""

        async def mortal(*args: P.args, **kwargs: P.kwargs) -> T:
            is_last = self._is_last()
            if is_last and self.moment == BEFORE:
                _strike()
            result = await act(*args, **kwargs)
            if is_last:
                _strike()
            return result

        return mortal

    def _is_last(self) -> bool:
        if not self.armed.exists():
            return False
        self.nth -= 1
        return self.nth == 0


def _strike() -> None:
    # The supervisor's other child dies with it, by the kernel's hand.
    for pid in (os.getppid(), os.getpid()):
        os.kill(pid, signal.SIGKILL)


def mortalize(event: str, fate: Fate) -> None:
    """Put the fate into the program, at the one place through which every commit or sync goes."""
    if event == COMMIT:
        SQLiteStore.write = fate.awaits(SQLiteStore.write)  # type: ignore[method-assign]
    else:
        Litestream.sync = fate.awaits(Litestream.sync)  # type: ignore[method-assign]


def run() -> None:
    """Be the supervisor or the bot, as the first argument after the options says."""
    options, rest = sys.argv[1 : 1 + OPTIONS], sys.argv[1 + OPTIONS :]
    event, moment, nth, armed = options
    if rest[0] == "bot":
        mortalize(event, Fate(moment, int(nth), Path(armed)))
    else:
        bot_command = (sys.executable, "-m", MODULE, *options, "bot")
        vars(run_command)["Supervisor"] = partial(Supervisor, bot_command=bot_command)
    sys.argv = ["tzurot", *rest]
    main.main()


if __name__ == "__main__":
    run()
