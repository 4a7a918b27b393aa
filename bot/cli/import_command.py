"""`tzurot import`: a data folder of the JavaScript original into the database."""

import re
from collections import Counter
from pathlib import Path

import click

from bot.cli.options import common_options, print_json, private_files, read_settings, run_to_end, start_logging
from bot.cli.printing import print_table, printable, show
from bot.cli.progress import ConsoleProgress
from bot.cli.proof_text import show_differences, verdict
from bot.durability.lock import VolumeLock, held_error
from bot.errors import ProtectedError
from bot.settings import Settings
from bot.store.engine import require_engine
from bot.store.legacy.importer import ImportOptions, import_folder, import_into_new, rejects_path
from bot.store.legacy.record import Reject
from bot.store.legacy.report import ImportReport

LOCAL = "local"
INTERRUPTED = 130
SHOWN_REASONS = 15
SHOWN_IGNORED = 15
NAMES = re.compile(r"""'[^']*'|"[^"]*"|entry \d+""")


@click.command("import")
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--dry-run", is_flag=True, help="Do everything, then roll back: shows what an import would do.")
@click.option("--skip-unreadable", is_flag=True, help="Leave out files that can't be read, and import the rest.")
@common_options
def command(folder: Path, database: Path | None, *, dry_run: bool, skip_unreadable: bool, as_json: bool) -> int | None:
    """Read a data folder of the JavaScript original into the database, all of it or nothing.

    FOLDER is only read. Running it twice changes nothing; what the bot has changed since, stays. The bot must not
    be running. A file that can't be read stops the import before anything is written. At the end every record of both
    sides is compared, and what that found is kept in the database with each file's hash.

    A folder that this program has written (in json, dual or shadow mode, or by export) becomes the database as it is,
    and what it does not have is deleted; but only while the database has nothing that is newer. Else it is merged.
    """
    require_engine()
    settings = read_settings(database)
    start_logging(settings.log_level)
    progress = ConsoleProgress(settings.progress_interval_seconds, "Reading the folder")
    options = ImportOptions(settings, is_dry_run=dry_run, may_skip_unreadable=skip_unreadable, progress=progress)
    try:
        with progress.shown(), private_files():
            report = _import(folder, settings, options)
    except (KeyboardInterrupt, SystemExit) as ended:
        code = int(ended.code or 0) if isinstance(ended, SystemExit) else INTERRUPTED
        if as_json:
            print_json({"error": "Interrupted: nothing was written.", "remedy": "", "exit_code": code})
        click.echo("tzurot: Interrupted: nothing was written.", err=True)
        return code
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report, folder, settings.database_path)
    return None


def _import(folder: Path, settings: Settings, options: ImportOptions) -> ImportReport:
    path = settings.database_path
    if path.exists():
        with _lock(path.parent):
            return run_to_end(import_folder(folder, path, options))
    if options.is_dry_run:
        return run_to_end(import_folder(folder, path, options))
    _require_new_allowed(settings)
    with _lock(path.parent):
        return run_to_end(import_into_new(folder, path, options))


def _lock(folder: Path) -> VolumeLock:
    lock = VolumeLock.try_take(folder)
    if lock is None:
        raise held_error(folder, 0)
    return lock


def _require_new_allowed(settings: Settings) -> None:
    path = settings.database_path
    if settings.is_replicated:
        raise ProtectedError(
            f"There is no database at {path}, and a new one could take the place of the copy in the bucket.",
            remedy="Set IMPORT_DIR to the folder and start `tzurot run`, which looks into the bucket first;"
            f" or fetch the copy with `tzurot restore --to {path}`, then import.",
        )
    if settings.allow_init != LOCAL:
        raise ProtectedError(
            f"There is no database at {path}; one is made only where you say that nothing can be lost.",
            remedy="Set ALLOW_INIT=local to make a new one without a copy in a bucket, or mend DATABASE_PATH.",
        )


def _show(report: ImportReport, folder: Path, database_path: Path) -> None:
    rows = [
        (name, f"{count.read:,}", f"{count.imported:,}", f"{count.unchanged:,}", f"{count.rejected:,}")
        for name, count in report.tables.items()
    ]
    print_table(("table", "read", "imported", "unchanged", "rejected"), rows, frozenset({1, 2, 3, 4}))
    for sentence in (*report.skipped, *report.remarks, *_noted(report)):
        show(sentence)
    if report.rejects:
        show("")
        _show_rejects(report.rejects)
    if report.ignored:
        show("")
        print_table(("file left aside", "why"), [(one.file, one.reason) for one in report.ignored[:SHOWN_IGNORED]])
        if len(report.ignored) > SHOWN_IGNORED:
            show(f"… and {len(report.ignored) - SHOWN_IGNORED} more; --json lists them all.")
    show("")
    if report.comparison:
        show_differences(report.comparison)
        show(verdict(report.comparison, folder))
    for sentence in _what_next(report, folder, database_path):
        show(sentence)


def _noted(report: ImportReport) -> list[str]:
    notes = report.notes
    sentences = {
        f"{notes.expired:,} logins are past their date: these users log in again.": notes.expired,
        f"{notes.kept:,} records are older than what the database has, which stayed.": notes.kept,
        f"{notes.conflicts:,} records gave way to a newer generation's record of the same user.": notes.conflicts,
        f"{notes.placeholders:,} removed personalities were made, because old messages name them.": notes.placeholders,
        f"{notes.deleted:,} rows were deleted, because the folder does not have them.": notes.deleted,
    }
    return [sentence for sentence, count in sentences.items() if count]


def _show_rejects(rejects: list[Reject]) -> None:
    groups = Counter((reject.file, NAMES.sub("…", reject.reason)) for reject in rejects)
    examples = {(reject.file, NAMES.sub("…", reject.reason)): reject.key for reject in reversed(rejects)}
    rows = [
        (f"{count:,}", group[0], printable(group[1]), printable(examples[group]))
        for group, count in groups.most_common(SHOWN_REASONS)
    ]
    print_table(("rejected", "file", "reason", "for example"), rows, frozenset({0}))


def _what_next(report: ImportReport, folder: Path, database_path: Path) -> list[str]:
    if report.is_dry_run:
        return ["Dry run: nothing was written. Run it again without --dry-run to import."]
    imported = report.count("imported")
    done = f"{imported:,} records imported into {database_path}; {folder} was only read."
    if not report.rejects:
        return [done]
    listed = f"Each rejected record is listed in {rejects_path(database_path)}."
    return [done, listed + " Mend it in a copy of the folder and import again: the rest stays as it is."]
