"""The part of `tzurot status` about the storage mode, the JSON folder and what was compared."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from rich.text import Text

from bot.cli.printing import printable
from bot.errors import TzurotError
from bot.rules.operation.standing import Imported, Mismatched, Standing
from bot.rules.operation.standing_text import Level, describe
from bot.settings import Settings
from bot.store import drills, mismatches, storage
from bot.store.census import Census
from bot.store.columns import to_text, to_text_or_none
from bot.store.console import Console
from bot.store.files.modes.switch import require_switch
from bot.store.files.standing import Stored, last_import

STYLES = {Level.PLAIN: "", Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}


def read_stored(console: Console, census: Census) -> Stored:
    """What the database says, as far as its schema has the tables."""
    if "storage" not in census.rows:
        return Stored()
    return Stored(
        console.first(storage.get()),
        console.fetch(mismatches.list_all()),
        console.first(last_import()),
        console.first(drills.latest()),
    )


def with_refusal(standing: Standing, settings: Settings) -> Standing:
    """Say too why the next start would refuse; of use only where no bot runs."""
    try:
        require_switch(settings)
    except TzurotError as error:
        return replace(standing, refusal=str(error))
    return standing


def as_pairs(standing: Standing, now: datetime) -> dict[str, Text]:
    """One line for each thing that is known."""
    return {line.name: Text(printable(line.text), STYLES[line.level]) for line in describe(standing, now)}


def as_object(standing: Standing) -> dict[str, Any]:
    """The standing as it stands in JSON; these names are a contract."""
    folder, kept = standing.folder, standing.kept
    return {
        "mode": standing.mode,
        "served_mode": standing.served,
        "counter": standing.counter,
        "switched_at": to_text_or_none(standing.switched_at),
        "folder": standing.path,
        "folder_problem": standing.folder_problem or None,
        "folder_mode": folder.mode if folder else None,
        "format": folder.format if folder else None,
        "folder_counter": folder.counter if folder else None,
        "folder_written_at": to_text(folder.written_at) if folder else None,
        "changed_files": list(standing.changed),
        "is_current": standing.is_current,
        "refusal": standing.refusal or None,
        "due_since": to_text_or_none(standing.failed_at),
        "files_error": standing.error,
        "days_left": kept.days_left if kept else None,
        "may_retire": kept.may_retire if kept else None,
        "shadow": {
            "compared": standing.compared,
            "compared_at": to_text_or_none(standing.compared_at),
            "mismatches": [_mismatch_as_object(one) for one in standing.mismatches],
        },
        "import": _import_as_object(standing.imported) if standing.imported else None,
    }


def _mismatch_as_object(one: Mismatched) -> dict[str, Any]:
    return {
        "table": one.table,
        "reads": one.reads,
        "first_key": one.first_key,
        "first_at": to_text(one.first_at),
        "last_at": to_text(one.last_at),
    }


def _import_as_object(one: Imported) -> dict[str, Any]:
    return {
        "imported_at": to_text(one.at),
        "folder": one.folder,
        "records": one.records,
        "rejected": one.rejected,
        "differences": one.differences,
        "is_equal": not one.differences,
    }
