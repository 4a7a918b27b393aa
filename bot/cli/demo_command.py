"""`tzurot demo`: the promise, shown on this machine."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from bot.cli.options import print_json, read_settings
from bot.errors import ExitCode
from bot.sandbox.demo.keep import keep_up
from bot.sandbox.demo.rehearsal import Rehearsal, require_copy
from bot.sandbox.demo.report import Report
from bot.sandbox.demo.story import Story
from bot.sandbox.world import Outside, Sandbox
from bot.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the figures as one JSON object on standard output.")
@click.option(
    "--rehearse", is_flag=True, help="Serve a copy of your own data instead, in the mode that is set, and stop."
)
@click.option("--keep", is_flag=True, help="Leave the sandbox up at the end and talk in it, until Ctrl-C.")
def command(*, as_json: bool, keep: bool, rehearse: bool) -> None:
    """Show the whole promise on this machine: a Discord, an AI service and a bucket on loopback, and the real bot.

    It imports 66 personalities from JSON, plays a day on Discord, kills every process with SIGKILL, deletes
    the volume, starts again and goes on talking. No token, no network, under a minute; nothing is left behind.
    Exit code 1 if anything was lost.

    With --rehearse the real bot starts on what DATABASE_PATH, STORAGE_MODE and ENCRYPTION_KEYS name, which should be a
    copy: someone logs in, adds a personality and talks, and that stays there. Nothing reaches Discord or a bucket.
    """
    if keep and rehearse:
        raise click.UsageError("--keep goes on with the demo's own data, so it does not go together with --rehearse.")
    console = Console(stderr=as_json, quiet=as_json)
    with tempfile.TemporaryDirectory(prefix="tzurot-demo-") as folder:
        if rehearse:
            asyncio.run(_rehearse(Path(folder), Report(console), read_settings(), as_json=as_json))
        else:
            sys.exit(asyncio.run(_demo(Path(folder), console, as_json=as_json, keep=keep)))


async def _demo(folder: Path, console: Console, *, as_json: bool, keep: bool) -> int:
    report = Report(console)
    async with Sandbox(folder / "sandbox") as sandbox:
        story = Story(sandbox, folder, report)
        try:
            lost = await story.play()
            report.conclude(lost)
            if as_json:
                print_json(report.figures.as_json())
            if keep:
                await keep_up(story, console)
        finally:
            await story.bot.kill()
    return ExitCode.FAILED if lost else ExitCode.DONE


async def _rehearse(folder: Path, report: Report, settings: Settings, *, as_json: bool) -> None:
    require_copy(settings)
    async with Outside() as outside:
        rehearsal = Rehearsal(outside, folder, report, settings)
        try:
            await rehearsal.play()
        finally:
            await rehearsal.bot.kill()
    if as_json:
        print_json({"mode": settings.mode, "steps": report.figures.as_json()["steps"]})
