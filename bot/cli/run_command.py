"""`tzurot run`: the bot with its replication, as a container runs it."""

import asyncio
import sys
from pathlib import Path

import click

from bot.cli.options import common_options, private_files, read_settings, start_logging
from bot.durability.supervisor import Supervisor
from bot.settings import Settings


@click.command("run")
@common_options
def command(database: Path | None, *, as_json: bool) -> None:
    """Start the bot with its replication: restore if the volume is empty, replicate, supervise, stop in order."""
    del as_json
    settings = read_settings(database)
    start_logging(settings.log_level)
    with private_files():
        sys.exit(asyncio.run(_run(settings)))


async def _run(settings: Settings) -> int:
    return await Supervisor(settings).run()
