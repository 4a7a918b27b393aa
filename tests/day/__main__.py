"""A day of conversations in fast motion: `python -m tests.day`.

50 people write in 20 places to 66 personalities for 24 hours of a clock that jumps from one moment to the next. Discord
and the AI service fail now and then, connections are lost, the bot is restarted and killed. A small model of its own
says of each message who must answer it, or why nobody may; at the end each must have become just that: answered exactly
once, in order, by the right personality, with the person's own login. Exit code 1 if one has not, 130 after Ctrl-C.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from tests.day.judging import Difference, Judge
from tests.day.performance import Performance
from tests.day.plan import Plan, plan_day
from tests.day.report import Progress, introduce, report, show_plan
from tests.day.stage import opened

HOURS_LIMIT = 24.0
INTERRUPTED = 130


def main() -> int:
    """Read the arguments, live the day, say how it was."""
    parser = argparse.ArgumentParser(prog="python -m tests.day", description=__doc__)
    parser.add_argument("--hours", type=_hours, default=HOURS_LIMIT, help="how much of the day, up to 24 (24)")
    parser.add_argument("--seed", type=int, default=1, help="which day: the same number, the same day (1)")
    parser.add_argument("--plan", action="store_true", help="print what will happen and what must come of it, and end")
    parser.add_argument("--log", type=Path, help="a file for what the bot logs, which is thrown away otherwise")
    arguments = parser.parse_args()
    console = Console(highlight=False, markup=False)
    progress = Progress(console)
    try:
        plan = plan_day(arguments.seed, arguments.hours)
        introduce(console, plan)
        if arguments.plan:
            show_plan(console, plan)
            return 0
        _log_to(arguments.log)
        return asyncio.run(_live(console, plan, progress))
    except KeyboardInterrupt:
        console.print(f"Stopped at {progress.reached}; nothing was judged.")
        return INTERRUPTED
    finally:
        progress.close()


async def _live(console: Console, plan: Plan, progress: Progress) -> int:
    started = time.monotonic()
    progress.begin(plan)
    with tempfile.TemporaryDirectory(prefix="tzurot-day-") as folder:
        async with opened(Path(folder)) as stage:
            performance = Performance(stage)
            stuck = await _perform(plan, performance, progress)
    progress.close()
    judgement = Judge(plan.oracle, performance).judge()
    judgement.differences[:0] = [Difference(0, f"the day ends at {progress.reached}: {error}") for error in stuck]
    report(console, plan, judgement, time.monotonic() - started)
    return 1 if judgement.differences else 0


async def _perform(plan: Plan, performance: Performance, progress: Progress) -> list[TimeoutError]:
    """Live the day until its end, or until something that must happen does not."""
    for moment in plan.moments:
        progress.reach(moment)
        try:
            await performance.perform(moment)
        except TimeoutError as error:
            return [error]
    return []


def _hours(text: str) -> float:
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0 < hours <= HOURS_LIMIT:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours; give one above 0 and up to 24, such as 1")
    return hours


def _log_to(path: Path | None) -> None:
    handler = logging.NullHandler() if path is None else logging.FileHandler(path, mode="w")
    logging.basicConfig(handlers=[handler], level=logging.INFO)


if __name__ == "__main__":
    sys.exit(main())
