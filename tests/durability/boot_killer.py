"""Makes the volume ready once for each number that it reads, killed before the step of that number.

Each time in a process of its own, forked before anything has begun: a new interpreter would take longer than the
start. Its exit code is what this writes.
"""

import asyncio
import os
import sys

from bot.durability.boot import Boot
from bot.durability.lock import take_lock
from bot.settings import Settings, load_settings
from tests.durability.stand_in import die_before


async def prepare(settings: Settings) -> None:
    with await take_lock(settings) as lock:
        start = Boot(settings, lock, lambda _: None)
        await start.prepare()
        if start.lease is not None:
            await start.lease.release()


def main() -> None:
    settings = load_settings()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            die_before(int(line), settings.database_path.parent)
            asyncio.run(prepare(settings))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201 - its answer


if __name__ == "__main__":
    main()
