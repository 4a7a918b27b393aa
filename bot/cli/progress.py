"""Progress of long commands."""

import sys
import time
from contextlib import nullcontext

import click
from rich.console import Console
from rich.status import Status


class ConsoleProgress:
    """How far a long command is, on standard error: a line that changes on a terminal, else one every few seconds."""

    def __init__(self, interval_seconds: float, beginning: str) -> None:
        self._interval_seconds = interval_seconds
        self._told_at = time.monotonic()
        self._status: Status | None = None
        if sys.stderr.isatty():
            self._status = Console(stderr=True).status(beginning)

    def shown(self) -> "Status | nullcontext[None]":
        """Show it until the block ends."""
        return self._status or nullcontext()

    def __call__(self, stage: str, done: int) -> None:
        """Say what is being done; may be called from any thread."""
        if self._status is not None:
            self._status.update(f"{stage}: {done:,}")
        elif time.monotonic() - self._told_at >= self._interval_seconds:
            self._told_at = time.monotonic()
            click.echo(f"{stage}: {done:,}", err=True)
