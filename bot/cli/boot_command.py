"""`tzurot boot`: make the volume ready for a start, or explain what a start would do and why."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from bot.cli import explanation
from bot.cli.options import common_options, print_json, private_files, read_settings, run_to_end, start_logging
from bot.cli.printing import show
from bot.durability.boot import Boot, Prepared
from bot.durability.decision import Action
from bot.durability.explain import explain
from bot.durability.lock import take_files_lock, take_lock
from bot.durability.preflight import require_litestream
from bot.durability.volume import require_mounted
from bot.errors import ExitCode
from bot.settings import Settings
from bot.store.engine import require_engine

NEXT = {
    Action.DEGRADED: "The bucket did not answer, so nothing was done; `tzurot run` would start without it.",
    Action.ALONE: "Nothing had to be done; there is no copy of this database.",
    Action.CONTINUE: "Nothing had to be done.",
    Action.FILES: "Nothing had to be done; the files are all there is, and nothing is copied.",
}


@click.command("boot")
@click.option("--explain", "explains", is_flag=True, help="Say what a start would do and why, and change nothing.")
@common_options
def command(database: Path | None, *, explains: bool, as_json: bool) -> int:
    """Make the volume ready: restore, create or refuse, as `tzurot run` would, without starting anything.

    With --explain nothing is changed and no lock is taken: it shows everything that the decision depends on. The exit
    code is the one that a start would end with if it refuses.
    """
    require_engine()
    settings = read_settings(database)
    start_logging("WARNING" if explains else settings.log_level)
    require_mounted(settings)
    require_litestream(settings)
    if explains:
        return _explain(settings, as_json=as_json)
    with private_files():
        prepared = run_to_end(_prepare(settings))
    if as_json:
        print_json(_as_object(prepared))
    else:
        _show_prepared(prepared)
    return ExitCode.DONE


async def _prepare(settings: Settings) -> Prepared:
    with await take_lock(settings) as lock, await take_files_lock(settings) or nullcontext():
        boot = Boot(settings, lock, lambda _: None)
        try:
            return await boot.prepare()
        finally:
            if boot.lease is not None:
                await boot.lease.release()


def _as_object(prepared: Prepared) -> dict[str, Any]:
    marker = prepared.marker
    return {
        "action": prepared.action,
        "reason": prepared.reason,
        "epoch": marker.epoch if marker else None,
        "prefix": marker.prefix if marker else None,
        "is_migration_pending": prepared.is_migration_pending,
    }


def _show_prepared(prepared: Prepared) -> None:
    show(f"{prepared.action}, because {prepared.reason}.")
    show(f"{NEXT.get(prepared.action, 'The database is in its place.')} `tzurot run` goes on from here.")


def _explain(settings: Settings, *, as_json: bool) -> int:
    found = run_to_end(explain(settings))
    if as_json:
        print_json(explanation.as_object(settings, found))
    else:
        explanation.show(settings, found)
    return explanation.exit_code(found)
