"""`tzurot verify`: every record of a data folder against the database."""

from pathlib import Path

import click

from bot.cli.options import common_options, ending_cleanly, print_json, read_settings
from bot.cli.progress import ConsoleProgress
from bot.cli.proof_text import show_proof
from bot.durability.presence import find_holder
from bot.errors import ExitCode, NotFoundError
from bot.settings import Settings
from bot.store.engine import require_engine
from bot.store.files.proof.comparison import compare
from bot.store.files.proof.options import ProofOptions


@click.command("verify")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, exists=True, file_okay=False))
@common_options
def command(folder: Path, database: Path | None, *, as_json: bool) -> int:
    """Compare every record of the data folder DIR with the database, by digest.

    Both sides are compared as the original's files, so unknown keys and images count too; per table, the first
    keys that differ are listed, never what is in them. Records that an import rejects are listed with the reason.
    Nothing is changed, and it may run beside the bot: where its files follow the database, they are given the time
    to catch up.

    Exit code 0: both hold the same; 1: they do not, or a file can't be read.
    """
    require_engine()
    settings = read_settings(database)
    _require_database(settings)
    progress = ConsoleProgress(settings.progress_interval_seconds, "Comparing")
    is_served = find_holder(settings.database_path.parent) is not None
    with ending_cleanly(), progress.shown():
        proof = compare(folder, ProofOptions(settings, progress, is_served=is_served))
    if as_json:
        print_json({"folder": str(folder.absolute()), **proof.as_dict()})
    else:
        show_proof(proof, folder)
    return ExitCode.DONE if proof.is_equal else ExitCode.FAILED


def _require_database(settings: Settings) -> None:
    path = settings.database_path
    if path.exists():
        return
    if settings.mode == "json":
        raise NotFoundError(
            f"There is no database at {path}: in STORAGE_MODE=json the files are all there is to compare.",
            remedy="Name a database with --database.",
        )
    raise NotFoundError(f"There is no database at {path}.", remedy="Name it with --database or set DATABASE_PATH.")
