"""`tzurot bot`: the bot process, as the supervisor starts it, or alone on a database that is there."""

import asyncio
import logging
import os
import sys
from pathlib import Path

import click

from bot.app import Inherited, run_bot
from bot.cli.options import accept_older_option, common_options, read_settings, start_logging
from bot.durability.last_words import say_last
from bot.errors import TzurotError


@click.command("bot")
@common_options
@accept_older_option
@click.option("--lock-fd", type=int, hidden=True, help="The volume's lock, as the supervisor's open file.")
@click.option("--files-lock-fd", type=int, hidden=True, help="The JSON folder's lock, as the same.")
@click.option("--listen-fd", type=int, hidden=True, help="The listening socket for probes, as an open file.")
@click.option("--words-fd", type=int, hidden=True, help="Where the supervisor is told why this process ends.")
def command(
    database: Path | None, words_fd: int | None, *, as_json: bool, accept_older: bool, **inherited: int | None
) -> None:
    """Be the bot; `tzurot run` adds the start decision and the copy in the bucket."""
    del as_json
    settings = read_settings(database)
    start_logging(settings.log_level)
    logging.getLogger("discord.client").addFilter(_without_traceback)
    with asyncio.Runner() as runner:
        try:
            code = runner.run(run_bot(settings, Inherited(**inherited), accept_older=accept_older))
        except TzurotError as error:
            if words_fd is None:
                raise
            say_last(words_fd, str(error))
            code = error.exit_code
        _leave(code)


def _without_traceback(record: logging.LogRecord) -> bool:
    """An outage is one line, not one stack a try."""
    if record.exc_info and record.exc_info[0]:
        record.msg = f"{record.msg} ({record.exc_info[0].__name__})"
        record.exc_info = None
    return True


def _leave(code: int) -> None:
    """End now: everything is closed, and the runner would wait for name look-ups that an outage keeps hanging."""
    logging.shutdown()
    sys.stdout.flush()
    os._exit(code)
