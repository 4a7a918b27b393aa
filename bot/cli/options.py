"""What every subcommand shares: `--database`, `--json`, settings and logs."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
import orjson

from bot.settings import Settings, load_settings

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")

TALKATIVE = ("discord", "aiosqlite")
"""Libraries whose debug lines hold message texts and tokens, so LOG_LEVEL=DEBUG does not reach them."""


def common_options(function: F) -> F:
    """Add `--database PATH` and `--json`."""
    database = click.option(
        "--database",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The database file; default DATABASE_PATH, else tzurot.db on the Railway volume, else data/tzurot.db.",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
    return database(as_json(function))


def accept_older_option(function: F) -> F:
    """Add `--accept-older`."""
    return click.option(
        "--accept-older",
        is_flag=True,
        help="Serve the storage mode's data although the other side (database or JSON files) has newer; warns.",
    )(function)


def read_settings(database: Path | None = None, **overrides: object) -> Settings:
    """The environment's settings, with what the command line gave in their place."""
    if database is not None:
        overrides["database_path"] = database
    return load_settings(overrides)


def start_logging(level: str) -> None:
    """Log to standard error, one line an event, times in UTC."""
    handler = logging.StreamHandler(sys.stderr)
    formatter = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.getLogger().level, logging.INFO))


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Let SIGTERM unwind the block as Ctrl-C does, so that nothing half-done stays behind."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    previous = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def run_to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run it on an event loop; SIGTERM cancels it, as Ctrl-C does, so that nothing half-done stays behind."""

    async def run() -> T:
        task = asyncio.ensure_future(work)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await task

    try:
        return asyncio.run(run())
    except asyncio.CancelledError:
        raise SystemExit(128 + signal.SIGTERM) from None


@contextmanager
def private_files() -> Iterator[None]:
    """Make files in the block readable by their owner only: a copy holds who talks to whom."""
    previous = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(previous)


def print_json(value: object) -> None:
    """One JSON object on standard output."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
