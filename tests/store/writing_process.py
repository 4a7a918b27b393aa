"""What the kill tests kill: writes batches of two rows and prints a batch's number when it is acknowledged.

python -m tests.store.writing_process DATABASE FIRST
"""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bot.settings import Settings
from bot.store.driver import SQLiteStore, open_store
from bot.store.statement import Statement

ROOT = Path(__file__).parent.parent.parent
CALLERS = 16
HALF = 1_000_000_000
INSERT = "INSERT INTO auto_responses (user_id, enabled_at) VALUES (:id, :text)"


def write_until_killed(path: Path, first: int, enough: int) -> list[int]:
    """The numbers acknowledged by a process that is killed after about `enough` of them."""
    command = [sys.executable, "-m", "tests.store.writing_process", str(path), str(first)]
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


async def main(path: Path, first: int) -> None:
    store = await open_store(path, settings=Settings(_env_file=None))
    numbers = itertools.count(first)
    await asyncio.gather(*(write_on(store, numbers) for _ in range(CALLERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
