"""`tzurot certify`: kill everything, again and again, and say what was lost."""

import asyncio
import logging
import signal
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom

import click
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.cli.certificate import mortal
from bot.cli.certificate.examiner import StoreExaminer
from bot.cli.main import INTERRUPTED
from bot.cli.options import print_json, start_logging
from bot.errors import ExitCode
from bot.sandbox.certificate import report
from bot.sandbox.certificate.outcome import Outcome
from bot.sandbox.certificate.plan import KINDS
from bot.sandbox.certificate.report import Heading
from bot.sandbox.certificate.series import Ground, Series, machine

RUNS = 500
SEED_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    seed: int
    numbers: Sequence[int]
    jobs: int
    folder: Path


@click.command()
@click.option("--runs", type=click.IntRange(min=1), default=RUNS, show_default=True, help="How many runs.")
@click.option("--each", is_flag=True, help=f"One run of each kind of fault instead, {len(KINDS)} in all.")
@click.option("--seed", type=click.IntRange(min=0), help="The same seed plans the same runs. Default: by lot.")
@click.option("--only", type=click.IntRange(min=1), metavar="K", help="Nothing but run K of the seed.")
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="How many runs side by side.")
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the report goes, and what failed runs leave. Default: a new temporary folder.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object on standard output.")
def command(
    *, runs: int, each: bool, seed: int | None, only: int | None, jobs: int, folder: Path | None, as_json: bool
) -> None:
    """Prove the promise: kill the real processes under load at every point there is, and balance the books.

    Each run starts the bot with its replication on a Discord, an AI service and a bucket on loopback, lets people talk
    and give commands, sends SIGKILL, deletes the volume in half of the runs, spoils the way to the bucket or starts a
    second instance in some, starts everything again and looks for every answer and every acknowledged write.
    Exit code 1 if a run broke the promise. Ctrl-C reports the runs so far.
    """
    start_logging("ERROR")
    # A port that was another sandbox's a moment ago may still get that one's requests, in protocols of their own.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    wish = Wish(
        seed=SystemRandom().randrange(SEED_LIMIT) if seed is None else seed,
        numbers=[only] if only else range(1, (len(KINDS) if each else runs) + 1),
        jobs=jobs,
        folder=_made(folder),
    )
    raise SystemExit(_certify(wish, as_json=as_json))


def _made(folder: Path | None) -> Path:
    """The report's folder, made before the first run: hours later would be late to hear that it can't be."""
    if folder is None:
        return Path(tempfile.mkdtemp(prefix="certificate-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise click.BadParameter(f"{folder} can't be made: {error.strerror}.", param_hint="--report") from None
    return folder


def _certify(wish: Wish, *, as_json: bool) -> int:
    """Play the series and report it, as far as it got, whatever ends it."""
    console, began_at = Console(stderr=as_json), datetime.now(UTC)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task(f"Seed {wish.seed}", total=len(wish.numbers))

        def show(outcome: Outcome) -> None:
            progress.advance(bar)
            for sentence in outcome.broken():
                progress.console.print(f"run {outcome.plan.number}, {outcome.plan.kind}: {sentence}", markup=False)

        series = Series(wish.seed, wish.numbers, show)
        try:
            is_whole = _play(series, wish)
        finally:
            heading = Heading(wish.seed, len(wish.numbers), began_at, series.seconds, machine())
            report.write(wish.folder, heading, series.outcomes)
    if as_json:
        print_json(report.as_json(heading, series.outcomes))
    else:
        Console().print(Markdown(report.as_markdown(heading, series.outcomes, has_picture=False)))
    click.echo(f"The report is in {wish.folder}.", err=as_json)
    return _exit_code(series.outcomes, is_whole=is_whole)


def _play(series: Series, wish: Wish) -> bool:
    """Whether it was played to its end."""
    with tempfile.TemporaryDirectory(prefix="certify-") as scratch:
        ground = Ground(Path(scratch), wish.folder, StoreExaminer(), mortal.MODULE)
        return asyncio.run(_until_interrupted(series, ground, wish.jobs))


async def _until_interrupted(series: Series, ground: Ground, jobs: int) -> bool:
    """Play; the first SIGINT or SIGTERM ends it in order, and further ones change nothing about that."""
    playing = asyncio.create_task(series.play(ground, jobs))

    def interrupt() -> None:
        if not playing.cancelling():
            playing.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, interrupt)
    await asyncio.wait({playing})
    if playing.cancelled():
        return False
    playing.result()
    return True


def _exit_code(outcomes: Sequence[Outcome], *, is_whole: bool) -> int:
    if any(outcome.broken() for outcome in outcomes):
        return ExitCode.FAILED
    return ExitCode.DONE if is_whole else INTERRUPTED
