"""`python -m tests.bench [--json] [--quick]`, from the project's root; exit code 1 if a goal is missed.

With `--quick` the repetitions are too few to judge by, so a missed goal is shown and does not count.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.store.driver import engine_version

from .dual import measure_dual
from .durability import measure_durability
from .measure import Section
from .reads import measure_reads
from .startup import measure_startup
from .writes import measure_writes


async def _measure(rounds: int, seconds: float, trials: int) -> list[Section]:
    # Beside the project and not in /tmp, which may be memory: there a durable commit costs nothing.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder:
        return [
            *await measure_writes(Path(folder), rounds, seconds),
            await measure_reads(Path(folder), rounds * 2),
            await measure_startup(Path(folder), rounds),
            *await measure_dual(Path(folder), max(rounds // 3, 3), 4 * seconds),
            *await measure_durability(Path(folder), rounds, seconds, trials),
        ]


def _print(sections: list[Section]) -> None:
    console = Console()
    for section in sections:
        table = Table("", "per second", "p50", "p99", title=section.title, title_justify="left")
        for sample in section.samples:
            percentiles = (_duration(sample.percentile_us(share)) for share in (0.5, 0.99))
            table.add_row(sample.name, f"{sample.rate:,.0f}", *percentiles)
        console.print(table)
        for goal in section.goals:
            verdict = (
                "" if goal.wanted.startswith("(") else f"  goal {goal.wanted} {'met' if goal.is_met else 'MISSED'}"
            )
            console.print(f"  {goal.name}: {goal.value:.2f} ×{verdict}")
        console.print()


def _duration(microseconds: float) -> str:
    return f"{microseconds / 1000:,.1f} ms" if microseconds >= 10_000 else f"{microseconds:,.0f} µs"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of tables")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter repetitions, no verdict")
    arguments = parser.parse_args()
    rounds, seconds, trials = (5, 0.15, 2) if arguments.quick else (15, 0.3, 10)
    sections = asyncio.run(_measure(rounds, seconds, trials))
    if arguments.json:
        report = {
            section.title: {
                "alternatives": [sample.as_json() for sample in section.samples],
                "goals": [goal.as_json() for goal in section.goals],
            }
            for section in sections
        }
        json.dump({"engine": engine_version(), "sections": report}, sys.stdout, indent=2)
    else:
        _print(sections)
    return 0 if arguments.quick or all(goal.is_met for section in sections for goal in section.goals) else 1


if __name__ == "__main__":
    sys.exit(main())
