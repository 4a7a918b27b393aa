"""`tzurot run`: the bot with its replication, as a container runs it."""

import asyncio
import sys
from pathlib import Path

import click

from bot.cli.options import accept_older_option, common_options, private_files, read_settings, start_logging
from bot.durability.supervisor import Supervisor
from bot.settings import Settings


@click.command("run")
@accept_older_option
@common_options
def command(database: Path | None, *, accept_older: bool, as_json: bool) -> None:
    """Start the bot with its replication: restore if the volume is empty, replicate, supervise, stop in order."""
    del as_json
    settings = read_settings(database)
    start_logging(settings.log_level)
    with private_files():
        sys.exit(asyncio.run(_run(settings, accept_older=accept_older)))


async def _run(settings: Settings, *, accept_older: bool) -> int:
    return await Supervisor(settings, accept_older=accept_older).run()
