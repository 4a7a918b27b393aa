"""What the demo shows: a line a step while it runs, the figures at its end."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bot.sandbox.discord.model import Message

ORIGINAL_START_MS = 521_000
"""How long the original took from process start to its first answer with 66 personalities (measured)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was done, and how long it took."""

    step: str
    ms: int


@dataclass(slots=True)
class Figures:
    """What was measured in this run."""

    rows_lost: int = 0
    personalities: int = 0
    start_to_first_answer_ms: int = 0
    empty_volume_to_first_answer_ms: int = 0
    rows_before: int = 0
    rows_after: int = 0
    steps: list[Step] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The object of `--json`."""
        return asdict(self)


class Report:
    """Tells the story to a person; silent under `--json`, but it keeps the figures all the same."""

    def __init__(self, console: Console) -> None:
        self.figures = Figures()
        self._console = console

    def act(self, title: str) -> None:
        """A new part of the story."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """One step: its time is taken, and it is ticked off when it is done."""
        started = time.monotonic()
        with self._console.status(f"{escape(text)} …"):
            yield
        ms = round((time.monotonic() - started) * 1000)
        self.figures.steps.append(Step(text, ms))
        self._console.print(f"  [green]✔[/green] {escape(text)} [dim]{ms:,} ms[/dim]", soft_wrap=True)

    def line(self, name: str, text: str, *, is_persona: bool = False) -> None:
        """What somebody said."""
        colour = "magenta" if is_persona else "cyan"
        shown = " ".join(text.split())
        self._console.print(f"    [{colour}]{escape(name)}:[/{colour}] {escape(shown)}", soft_wrap=True)

    def heard(self, message: Message) -> None:
        """What a personality or the bot said."""
        self.line(message.author_name, message.content, is_persona=message.webhook_id is not None)

    def conclude(self, lost: dict[str, int]) -> None:
        """The figures, as a table, and the verdict."""
        figures = self.figures
        faster = ORIGINAL_START_MS / max(1, figures.start_to_first_answer_ms)
        table = Table(title="Measured in this run", title_justify="left", show_header=False, box=None, padding=(0, 1))
        table.add_row("personalities", f"{figures.personalities:,}")
        table.add_row("start, with import, to first answer", f"{figures.start_to_first_answer_ms:,} ms")
        table.add_row("the original took", f"{ORIGINAL_START_MS:,} ms, {faster:,.0f} times as long")
        table.add_row("empty volume to first answer", f"{figures.empty_volume_to_first_answer_ms:,} ms")
        table.add_row("rows confirmed before the kill", f"{figures.rows_before:,}")
        table.add_row("rows after the restore", f"{figures.rows_after:,}")
        table.add_row("rows lost", f"{figures.rows_lost:,}")
        self._console.print()
        self._console.print(table)
        if lost:
            missing = ", ".join(f"{count} of {name}" for name, count in lost.items())
            self._console.print(f"\n[bold red]Lost: {escape(missing)}.[/bold red]")
        else:
            self._console.print("\n[bold green]Nothing was lost, and nobody had to log in again.[/bold green]")
