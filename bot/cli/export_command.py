"""`tzurot export`: the database as a data folder that the JavaScript original starts with."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import click

from bot.cli.options import common_options, ending_cleanly, print_json, private_files, read_settings
from bot.cli.printing import print_table, show
from bot.cli.progress import ConsoleProgress
from bot.cli.readable_database import readable_database
from bot.durability.lock import VolumeLock
from bot.durability.presence import find_holder
from bot.errors import NotFoundError, ProtectedError
from bot.settings import Settings
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
    progress = ConsoleProgress(settings.progress_interval_seconds, "Writing")
    with (
        ending_cleanly(),
        private_files(),
        progress.shown(),
        _held(settings, database) as is_held,
        readable_database(settings, database) as source,
    ):
        _require_there(source)
        if is_held:
            _require_unused(folder, settings.json_folder if _is_of_files(settings, database) else source.parent)
        read = settings.model_copy(update={"database_path": source})
        done = export(folder, ExportOptions(read, progress, Format(form) if form else None, is_served=not is_held))
    if as_json:
        print_json(_as_object(done))
    else:
        _show(done)


def _is_of_files(settings: Settings, database: Path | None) -> bool:
    """Whether the state that is exported lies in JSON files itself."""
    return database is None and settings.mode == "json"


@contextmanager
def _held(settings: Settings, database: Path | None) -> Iterator[bool]:
    """Keep a bot from starting in the block, unless one runs already."""
    is_of_files = _is_of_files(settings, database)
    folder = settings.json_folder if is_of_files else settings.database_path.parent
    is_there = folder.is_dir() if is_of_files else settings.database_path.exists()
    lock = VolumeLock.try_take(folder) if is_there else None
    with lock or nullcontext():
        yield lock is not None


def _require_unused(folder: Path, own: Path) -> None:
    """The files may be those of a bot on another database, or on none."""
    if folder.resolve() != own.resolve() and (holder := find_holder(folder)):
        raise ProtectedError(f"{folder} is in use by {holder}.", remedy="Stop it, or name another folder.")


def _require_there(source: Path) -> None:
    if not source.exists():
        raise NotFoundError(
            f"There is no database at {source}.", remedy="Name it with --database or set DATABASE_PATH."
        )


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
