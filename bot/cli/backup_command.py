"""`tzurot backup`: a consistent, verified copy of a database that may be in use."""

import time
from pathlib import Path

import click

from bot.cli import contents
from bot.cli.options import common_options, ending_cleanly, print_json, private_files, read_settings
from bot.cli.readable_database import readable_database
from bot.errors import NotFoundError, UnreadableError
from bot.store.engine import require_engine
from bot.store.inspection import FileKind, FileReport, back_up, inspect_file


@click.command("backup")
@click.argument("target", metavar="PATH", type=click.Path(path_type=Path, dir_okay=False))
@common_options
def command(target: Path, database: Path | None, *, as_json: bool) -> None:
    """Write a verified copy of the database to PATH, also while the bot runs.

    PATH must not be there yet; it appears only when the copy is complete and checked, readable by its owner only.
    In json mode it is a database all the same, made of the files.
    """
    require_engine()
    settings = read_settings(database)
    started = time.monotonic()
    with ending_cleanly(), private_files(), readable_database(settings, database) as source:
        report = _copy(source, target)
    made = contents.look_into(report, time.monotonic() - started)
    if as_json:
        print_json(contents.as_object(made))
    else:
        contents.show("Copied to", made)


def _copy(source: Path, target: Path) -> FileReport:
    _require_source(source)
    contents.require_free(target)
    # On the volume itself, a copy that fills the disk would stop the bot's writes.
    contents.require_space(target, source.stat().st_size)
    return back_up(source, target)


def _require_source(source: Path) -> None:
    found = inspect_file(source, full=False)
    if found.kind is FileKind.MISSING:
        raise NotFoundError(
            f"There is no database at {source}.", remedy="Give its path with --database or set DATABASE_PATH."
        )
    if found.kind is not FileKind.OK:
        problems = "; ".join(found.problems) or "It has 0 bytes."
        raise UnreadableError(f"{source} can't be copied. {problems}", remedy="`tzurot restore` fetches the copy.")
