"""From the start of a process to the first alias answered, with few and with very many personalities."""

import subprocess
import sys
from pathlib import Path
from time import perf_counter

from .filling import open_filled
from .measure import Goal, Samples, Section, ratio

COUNTS = (66, 10_000, 100_000)

PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.settings import Settings
from bot.store import personalities
from bot.store.driver import open_store

async def main():
    store = await open_store(Path(sys.argv[1]), settings=Settings(_env_file=None))
    [found] = await store.look_up(personalities.find_by_name(sys.argv[2]))
    print(found.full_name, flush=True)
    await store.close()

asyncio.run(main())
"""


def _start(path: Path, count: int) -> float:
    command = [sys.executable, "-c", PROGRAM, str(path), f"alias {count - 1}"]
    started = perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        answer = process.stdout.readline()
        seconds = perf_counter() - started
    assert answer.decode().strip() == f"personality-{count - 1}"
    return seconds


async def measure_startup(folder: Path, rounds: int) -> Section:
    """Starts of real processes, one size after the other."""
    paths = {count: folder / f"start-{count}.db" for count in COUNTS}
    for count, path in paths.items():
        await (await open_filled(path, count)).close()
    samples = [Samples(f"{count:,} personalities") for count in COUNTS]
    for _ in range(rounds):
        for (count, path), sample in zip(paths.items(), samples, strict=True):
            seconds = _start(path, count)
            sample.rates.append(1 / seconds)
            sample.latencies_us.append(seconds * 1e6)
    few, middle, many = samples
    goals = [
        Goal("10,000 personalities / 66", ratio(few, middle), most=1.5),
        Goal("100,000 personalities / 66", ratio(few, many), most=1.5),
    ]
    return Section("Start of the process to the first alias answered", samples, goals)
