"""`tzurot restore`: fetch the database, as it is or as it was, to a new place."""

import tempfile
import time
from datetime import datetime
from pathlib import Path

import click

from bot.cli import contents
from bot.cli.moment import EXAMPLES, Moment
from bot.cli.options import common_options, print_json, private_files, read_settings, run_to_end, start_logging
from bot.durability.history import restore_state
from bot.durability.restore import Source
from bot.errors import ConfigurationError, ProtectedError
from bot.settings import Settings
from bot.store.columns import to_text
from bot.store.engine import require_engine


@click.command("restore")
@click.option("--at", type=Moment(), metavar="TIME", help=f"The state of that time, UTC unless it says: {EXAMPLES}.")
@click.option(
    "--epoch", type=click.IntRange(min=1), metavar="N", help="Only epoch N, with what was written to it after its end."
)
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="PATH",
    help="Where the database goes; nothing may be there yet.",
)
@common_options
def command(at: datetime | None, epoch: int | None, target: Path, database: Path | None, *, as_json: bool) -> None:
    """Fetch the database from the bucket to PATH, the newest state or that of any time of the last 7 days.

    PATH can't be the live database: `tzurot run` restores that by itself when it is lost. The copy is checked in
    full before it gets its name. `tzurot diff PATH` then shows what differs from now; to take back one thing,
    `tzurot undo` is shorter.
    """
    require_engine()
    settings = read_settings(database)
    start_logging("WARNING")
    _require_bucket(settings)
    _require_other_place(target, settings.database_path)
    started = time.monotonic()
    with private_files():
        source = run_to_end(_restore(settings, at, epoch, target.absolute()))
    made = contents.look_into(contents.report_on(target), time.monotonic() - started)
    if as_json:
        print_json({**contents.as_object(made), "prefix": source.prefix, "at": to_text(at) if at else None})
    else:
        contents.show("Restored to", made)


async def _restore(settings: Settings, at: datetime | None, epoch: int | None, target: Path) -> Source:
    """Work in a folder of its own beside the target: a start of the bot may be restoring on the same volume."""
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".tzurot-restore-") as folder:
        prepared = Path(folder) / target.name
        source = await restore_state(settings, at, prepared, epoch)
        contents.make_single_file(prepared)
        contents.publish(prepared, target)
    return source


def _require_bucket(settings: Settings) -> None:
    if settings.replica_bucket is None:  # in json mode too there is what was copied before
        raise ConfigurationError(
            "No bucket is configured, so there is nothing to restore from.",
            remedy="Set REPLICA_BUCKET and what belongs to it.",
        )


def _require_other_place(target: Path, live: Path) -> None:
    if target.resolve() == live.resolve():
        raise ProtectedError(
            f"{target} is the place of the live database.",
            remedy="Restore to another path, look at it, and let `tzurot run` restore a lost database by itself.",
        )
    contents.require_free(target)
    if live.exists():
        contents.require_space(target, live.stat().st_size)
