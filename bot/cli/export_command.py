"""`tzurot export`: the database as a data folder that the JavaScript original starts with."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from bot.cli.options import common_options, ending_cleanly, print_json, read_settings
from bot.cli.printing import print_table, show
from bot.cli.progress import ConsoleProgress
from bot.durability.lock import VolumeLock
from bot.errors import NotFoundError
from bot.store.engine import require_engine
from bot.store.files.export import Export, ExportOptions, export
from bot.store.files.plan import Format


@click.command("export")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in Format]),
    help="Which generation of the original reads it; default JSON_FORMAT, else the folder's own, else gen2.",
)
@common_options
def command(folder: Path, form: str | None, database: Path | None, *, as_json: bool) -> None:
    """Write the database as the data folder DIR, which the JavaScript original starts with: the way back.

    DIR must be new, empty, or an export of this database that nobody has changed since. What the original has no
    place for is kept in .tzurot there, so that an import brings it back. The files hold the users' tokens in plain
    text, readable by their owner only. Beside a running bot it is a snapshot: the bot goes on without the folder.
    """
    require_engine()
    settings = read_settings(database)
    path = settings.database_path
    if not path.exists():
        raise NotFoundError(f"There is no database at {path}.", remedy="Name it with --database or set DATABASE_PATH.")
    progress = ConsoleProgress(settings.progress_interval_seconds, "Writing")
    with ExitStack() as stack:
        lock = VolumeLock.try_take(path.parent)
        if lock is not None:
            stack.enter_context(lock)
        stack.enter_context(ending_cleanly())
        stack.enter_context(progress.shown())
        options = ExportOptions(settings, progress, Format(form) if form else None, is_served=lock is None)
        done = export(folder, options)
    if as_json:
        print_json(_as_object(done))
    else:
        _show(done)


def _as_object(done: Export) -> dict[str, Any]:
    state = done.state
    return {
        "folder": str(done.folder.absolute()),
        "format": state.format,
        "is_final": state.is_final,
        "lineage": state.lineage,
        "counter": state.counter,
        "files": {
            name: {"records": count, "bytes": state.files[name].size_bytes} for name, count in done.records.items()
        },
        "images": done.images,
        "aside": str(done.aside.absolute()) if done.aside else None,
        "kept": dict(done.kept),
    }


def _show(done: Export) -> None:
    rows = [(name, f"{count:,}") for name, count in done.records.items()]
    print_table(("file", "records"), [*rows, ("avatars/images", f"{done.images:,}")], frozenset({1}))
    show("")
    if done.kept:
        kept = ", ".join(f"{count:,} {table}" for table, count in done.kept.items())
        show(f"The original has no place for these; they are kept in {done.folder / '.tzurot'}: {kept}.")
    if done.aside:
        show(f"Copies of the files that were there before are in {done.aside}.")
    show(f"The tokens of users lie in {done.folder} in plain text, readable by their owner only.")
    if not done.state.is_final:
        show("A bot is running on the database: this is a snapshot, and the bot has gone on without it.")
    show(f"Exported to {done.folder} in the format of {done.state.format}, up to change {done.state.counter:,}.")
