"""What the kill tests kill: writes batches of two rows and prints a batch's number when it is acknowledged.

python -m tests.store.writing_process FOLDER MODE FIRST
"""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.store.driver import SQLiteStore
from bot.store.statement import Statement
from tests.store.modes import ModeBackend, settings_of

ROOT = Path(__file__).parent.parent.parent
CALLERS = 16
HALF = 1_000_000_000
INSERT = (
    "INSERT INTO blacklist (user_id, guild_id, reason, blacklisted_at)"
    " VALUES (:id, 4, :text, '2026-03-04T05:06:07.000Z')"
)


def write_until_killed(folder: Path, mode: str, first: int, enough: int) -> list[int]:
    """The numbers acknowledged by a process that is killed after about `enough` of them."""
    command = [sys.executable, "-m", "tests.store.writing_process", str(folder), mode, str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(enough)]
        finally:
            process.kill()
        lines += process.stdout.readlines()
    return [int(line) for line in lines if line.endswith(b"\n")]


async def write_on(store: SQLiteStore, numbers: Iterator[int]) -> None:
    for number in numbers:
        text = "x" * (number % 700)
        await store.write(
            Statement(INSERT, {"id": number, "text": text}), Statement(INSERT, {"id": number + HALF, "text": text})
        )
        os.write(1, b"%d\n" % number)


async def main(folder: Path, mode: str, first: int) -> None:
    opened = await ModeBackend(settings_of(folder, mode)).open()
    numbers = itertools.count(first)
    await asyncio.gather(*(write_on(opened.store, numbers) for _ in range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
