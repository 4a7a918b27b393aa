"""`tzurot retire`: the JSON files of before the switch out of the way, once nothing needs them any more."""

from pathlib import Path
from typing import Any

import click

from bot.cli.options import common_options, ending_cleanly, print_json, private_files, read_settings
from bot.cli.printing import show, size
from bot.errors import NotFoundError, ProtectedError
from bot.model import utc_now
from bot.rules.operation.retirement import Retirement, decide
from bot.settings import Settings
from bot.store.engine import connect_reader, opened, require_engine
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.retire import Retired, look_at_retirement, retire
from bot.store.migrate import require_current
from bot.store.translate import translated


@click.command("retire")
@click.argument(
    "folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path, exists=True, file_okay=False)
)
@click.option(
    "--to",
    "target",
    metavar="PATH",
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder to move them to; default retired-json-<date> beside them.",
)
@common_options
def command(folder: Path | None, target: Path | None, database: Path | None, *, as_json: bool) -> None:
    """Move the JSON files of before the switch away; DIR is the folder they lie in, by default JSON_DIR.

    Only once the database has served alone for 30 days (JSON_RETENTION_SECONDS), a restore drill of the bot has passed
    since the switch, and the files are still exactly what was imported or written last. Else it refuses, says what is
    missing, and touches nothing. Nothing is deleted: the files are copied, checked and then taken away all together,
    and what is killed in between can be run again.
    """
    require_engine()
    settings = read_settings(database)
    if folder is not None:
        settings = settings.model_copy(update={"json_dir": folder})
    with ending_cleanly(), private_files():
        done = _retire(settings, target)
    if as_json:
        print_json(_as_object(done))
    else:
        _show(done)


def _retire(settings: Settings, target: Path | None) -> Retired:
    path = settings.database_path
    if not path.exists():
        raise NotFoundError(f"There is no database at {path}.", remedy="Name it with --database or set DATABASE_PATH.")
    require_current(path)
    with translated(), opened(connect_reader(path, settings.busy_timeout_seconds)) as connection:
        _require_allowed(decide(look_at_retirement(connection, settings), utc_now()), settings)
        return retire(JsonFolder(settings.json_folder), connection, target, utc_now())


def _require_allowed(found: Retirement, settings: Settings) -> None:
    if not found.is_allowed:
        raise ProtectedError(
            f"The files in {settings.json_folder} stay where they are. {' '.join(found.missing)}",
            remedy="`tzurot status` counts the days down.",
        )


def _as_object(done: Retired) -> dict[str, Any]:
    return {
        "folder": str(done.folder.absolute()),
        "target": str(done.target.absolute()) if done.target else None,
        "files": {name: {"sha256": one.sha256, "bytes": one.size_bytes} for name, one in done.files.items()},
    }


def _show(done: Retired) -> None:
    if done.target is None:
        show(f"All files of {done.folder} had been moved before; that is finished now.")
        return
    total = sum(one.size_bytes for one in done.files.values())
    show(f"{len(done.files):,} files ({size(total)}) moved from {done.folder} to {done.target}; none was deleted.")
    show("They hold the users' tokens in plain text: keep them as safe as the keys, or delete them yourself.")
