"""Move a bot that is talked to from JSON files to the database and back: `python -m tests.e2e.switch_over`.

People talk to the real processes all the time, and newcomers change things, while an operator goes from json to dual,
shadow and database, back to json by an export, to the database once more, and back to json by way of dual. After each
stop everything that was acknowledged must be there, and `tzurot verify` must find nothing, where files follow also
beside the running bot; at the end every question must have had its one answer by the right personality. Exit code 1 if
any of it is not so.
"""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.e2e.switch_over.journey import Journey, Stage, Wish, begun


async def travel(journey: Journey) -> None:
    """There on Friday, back on Saturday, twice; each start that would serve old data is tried and refused."""
    kills = journey.wish.kills
    await journey.serve("json", kills=kills)
    await journey.serve("dual", kills=kills)
    await journey.serve("shadow", kills=kills)
    await journey.serve("database", kills=kills)
    await journey.refuse("json", "tzurot export")
    await journey.export("--format", "gen2")
    await journey.serve("json")
    await journey.refuse("database", "tzurot import")
    await journey.order("import", journey.machine.volume)
    await journey.serve("database")
    await journey.serve("dual")
    await journey.serve("json", is_last=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.switch_over", description=__doc__)
    parser.add_argument("--users", type=int, default=20, help="how many talk all the time (20)")
    parser.add_argument("--seconds-per-mode", type=float, default=6.0, help="how long each mode serves (6)")
    kills = "how often each of the first four is killed with SIGKILL while it starts, and again while it serves (2)"
    parser.add_argument("--kills", type=int, default=2, help=kills)
    parser.add_argument("--folder", type=Path, help="a new folder for all of it, which stays for whoever wants to look")
    arguments = parser.parse_args()
    wish = Wish(arguments.users, seconds_per_mode=arguments.seconds_per_mode, kills=arguments.kills)
    if arguments.folder:
        arguments.folder.mkdir(parents=True)
        return asyncio.run(_travel(wish, arguments.folder))
    with tempfile.TemporaryDirectory(prefix="tzurot-switch-over-") as folder:
        return asyncio.run(_travel(wish, Path(folder)))


async def _travel(wish: Wish, folder: Path) -> int:
    console = Console()
    async with begun(folder, wish) as journey:
        try:
            await travel(journey)
        finally:
            report(console, journey)
    return 1 if journey.broken() else 0


def report(console: Console, journey: Journey) -> None:
    """Say it all, as far as it got."""
    names = ("mode", "SIGKILLs", "start (s)", "questions", "answered", "changes", "verify", "reads compared")
    table = Table(*names, title=f"{journey.wish.users} users talk; the figures add up", title_justify="left")
    for stage in journey.stages:
        table.add_row(*_shown(stage))
    console.print(table)
    for sentence in journey.refusals:
        console.print(f"refused: {sentence}", markup=False, highlight=False)
    broken = journey.broken()
    for sentence in broken:
        console.print(f"BROKEN: {sentence}", markup=False, highlight=False)
    kept = (
        "No answer was lost, doubled or by the wrong personality, and every acknowledged change is there at each step."
    )
    console.print("The promise was broken." if broken else kept)


def _shown(stage: Stage) -> tuple[str, ...]:
    counts = (stage.questions, stage.answered, stage.changes)
    reads = f"{stage.reads:,}" if stage.reads else ""
    figures = (f"{stage.start_seconds:.1f}", *(f"{each:,}" for each in counts))
    return (stage.mode, f"{stage.kills}", *figures, stage.verify, reads)


if __name__ == "__main__":
    sys.exit(main())
