"""`tzurot drill`: restore the copy on trial and say whether it is right."""

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import click
from rich.console import Console

from bot.cli.json_mode import refuse_in_json_mode
from bot.cli.options import common_options, print_json, private_files, read_settings, run_to_end, start_logging
from bot.cli.printing import print_pairs, print_table, show, size
from bot.durability.drill import Rehearsal
from bot.durability.drill_child import to_object
from bot.durability.lineage import parse_txid
from bot.durability.witness import find_witness
from bot.errors import ConfigurationError, ExitCode
from bot.rules.operation.drill import Drill, Outcome, Scope, describe
from bot.settings import Settings
from bot.store.cipher import cipher_from
from bot.store.engine import require_engine

GENTLE = 10
"""How much the drill that the bot starts gives way to everything else, in steps of niceness."""

NO_COPY = "nothing of it is copied to the bucket, so there is no copy to restore on trial."
STYLES = {Outcome.VERIFIED: "green", Outcome.FAILED: "bold red", Outcome.INCONCLUSIVE: "yellow"}
HELD_AGAINST = {
    Scope.LIVE: "the running bot's database, and a second restore",
    Scope.COPY: "a second restore only: no bot runs on this volume",
}


@click.command("drill")
@click.option("--gently", is_flag=True, hidden=True, help="Give way to every other process.")
@common_options
def command(database: Path | None, *, gently: bool, as_json: bool) -> int:
    """Restore the copy in the bucket on trial, twice, and check it in full; nothing is written.

    Beside the running bot the copy must hold what the bot has just written. The outcome is verified (exit code 0),
    failed (1), or inconclusive (1 too) where the bucket, the disk or a busy bot left it open.
    """
    require_engine()
    settings = read_settings(database)
    start_logging("WARNING")
    refuse_in_json_mode(settings, NO_COPY, "Copy that folder elsewhere, or keep the state in the database again.")
    _require_bucket(settings)
    if gently:
        os.nice(GENTLE)
    cipher, witness = cipher_from(settings), find_witness(settings)
    with private_files(), _progress() as tell:
        drill = run_to_end(Rehearsal(settings, cipher, witness, tell).hold())
    if as_json:
        print_json(to_object(drill))
    else:
        _show(drill)
    return ExitCode.DONE if drill.outcome is Outcome.VERIFIED else ExitCode.FAILED


def _require_bucket(settings: Settings) -> None:
    if not settings.is_replicated:
        raise ConfigurationError(
            "No bucket is configured, so there is no copy to restore.",
            remedy="Set REPLICA_BUCKET and what belongs to it.",
        )


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show the step at present, where a person looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:
        yield lambda step: status.update(step.capitalize())


def _show(drill: Drill) -> None:
    show(f"{drill.outcome.upper()}: {describe(drill)}", STYLES[drill.outcome])
    print_pairs(
        {
            "Copy": _describe_copy(drill),
            "Held against": HELD_AGAINST[drill.scope],
            "Size": size(drill.byte_count) if drill.byte_count is not None else "unknown",
        }
    )
    if drill.steps:
        click.echo()
        print_table(["step", "ms"], [(step, f"{spent:,.0f}") for step, spent in drill.steps.items()], frozenset({1}))


def _describe_copy(drill: Drill) -> str:
    if drill.txid is None:
        return drill.prefix or "none was fetched"
    return f"transaction {parse_txid(drill.txid)} of {drill.prefix}"
