"""`tzurot diff`: what differs between the live database and another one, such as a restored copy."""

from pathlib import Path
from typing import Any

import click

from bot.cli.options import common_options, ending_cleanly, print_json, read_settings
from bot.cli.printing import print_table, show
from bot.cli.progress import ConsoleProgress
from bot.cli.readable_database import readable_database
from bot.errors import ExitCode, NotFoundError
from bot.settings import Settings
from bot.store.comparison import Comparison, Difference, Key, compare, open_side
from bot.store.engine import require_engine


@click.command("diff")
@click.argument("other", metavar="PATH", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--table", metavar="NAME", help="Only this table.")
@common_options
def command(other: Path, table: str | None, database: Path | None, *, as_json: bool) -> int:
    """Show what differs between the live database (here) and the one at PATH (there).

    PATH is a copy that `tzurot restore` or `tzurot backup` made, of this or an earlier version. Per table: rows
    that only one of them has and rows that changed, with the first few keys and the names of the changed columns;
    never what is in them. Reads only, and may run beside the bot; in json mode the files are the live side.
    The bookkeeping of a running bot (canary, gateway_marks) is compared only where --table names it.

    Exit code 0: nothing differs; 1: something does, or it failed and says why.
    """
    require_engine()
    settings = read_settings(database)
    with ending_cleanly(), readable_database(settings, database) as path:
        found = _compare(settings, path, other, table)
    if as_json:
        print_json(as_object(found))
    else:
        _show(found)
    return ExitCode.DONE if found.is_equal else ExitCode.FAILED


def _compare(settings: Settings, path: Path, other: Path, table: str | None) -> Comparison:
    if not path.exists():
        raise NotFoundError(
            f"There is no database at {path}.", remedy="Give its path with --database or set DATABASE_PATH."
        )
    progress, wait = ConsoleProgress(settings.progress_interval_seconds, "Comparing"), settings.busy_timeout_seconds
    with open_side(path, wait) as here, open_side(other, wait) as there:
        if table is not None and table not in {*here.tables, *there.tables}:
            raise click.BadParameter(f"there is no table {table!r} on either side.", param_hint="--table")
        with progress.shown():
            return compare(here, there, table, progress)


def as_object(found: Comparison) -> dict[str, Any]:
    """The comparison as it stands in JSON; these names are a contract."""
    return {
        "is_equal": found.is_equal,
        "here": _side(found.here.path, found.here.migrations),
        "there": _side(found.there.path, found.there.migrations),
        "tables_only_here": list(found.tables_only_here),
        "tables_only_there": list(found.tables_only_there),
        "tables": {name: _table(difference) for name, difference in found.tables.items()},
    }


def _side(path: Path, migrations: tuple[str, ...]) -> dict[str, Any]:
    return {"path": str(path.absolute()), "schema": migrations[-1] if migrations else None}


def _table(difference: Difference) -> dict[str, Any]:
    def named(key: Key) -> dict[str, Any]:
        return {name: str(value) for name, value in zip(difference.key, key, strict=True)}

    return {
        "only_here": difference.only_here,
        "only_there": difference.only_there,
        "changed": difference.changed,
        "columns_only_here": list(difference.columns_only_here),
        "columns_only_there": list(difference.columns_only_there),
        "examples": {
            "only_here": [named(key) for key in difference.keys_only_here],
            "only_there": [named(key) for key in difference.keys_only_there],
            "changed": [{"key": named(key), "columns": names} for key, names in difference.keys_changed],
        },
    }


def _show(found: Comparison) -> None:
    if found.is_equal:
        show(f"Nothing differs between {found.here.path} and {found.there.path}.")
        return
    show(f"here:  {found.here.path}")
    show(f"there: {found.there.path}")
    show("")
    differing = {name: one for name, one in found.tables.items() if not one.is_none}
    rows = [(name, f"{d.only_here:,}", f"{d.only_there:,}", f"{d.changed:,}") for name, d in differing.items()]
    print_table(("table", "only here", "only there", "changed"), rows, frozenset({1, 2, 3}))
    show("")
    for name, difference in differing.items():
        _show_examples(name, difference)
    for names, where in ((found.tables_only_here, "here"), (found.tables_only_there, "there")):
        if names:
            show(f"Only {where} there is: {', '.join(names)}.")
    same = len(found.tables) - len(differing)
    if same:
        show(f"The other {same} tables are the same." if same > 1 else "The other table is the same.")


def _show_examples(name: str, difference: Difference) -> None:
    for names, where in ((difference.columns_only_here, "here"), (difference.columns_only_there, "there")):
        if names:
            show(f"{name} has only {where}: {', '.join(names)}")
    for keys, count, what in (
        (difference.keys_only_here, difference.only_here, "only here"),
        (difference.keys_only_there, difference.only_there, "only there"),
    ):
        if keys:
            show(f"{name} {what}: {', '.join(map(_spelled, keys))}{_and_more(count, keys)}")
    if difference.keys_changed:
        told = [f"{_spelled(key)} ({', '.join(names)})" for key, names in difference.keys_changed]
        show(f"{name} changed: {', '.join(told)}{_and_more(difference.changed, told)}")


def _spelled(key: Key) -> str:
    return " ".join(map(str, key))


def _and_more(count: int, shown: list[Any]) -> str:
    return f" and {count - len(shown):,} more" if count > len(shown) else ""
