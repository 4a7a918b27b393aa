"""Puts together how the database and its JSON folder stand to each other, for both kinds of status."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.errors import UnreadableError
from bot.model import Clock, utc_now
from bot.rules.operation.drill import Latest
from bot.rules.operation.retirement import RetirementFacts, decide
from bot.rules.operation.standing import Folder, Imported, Kept, Mismatched, Standing
from bot.settings import Settings
from bot.store.columns import from_json, to_time
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.statement import Query, Row
from bot.store.storage import Storage

TRIES = 5
DIFFERENCES = ("only_in_folder", "only_in_database", "different")


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says; no `storage` in one that has not been migrated yet."""

    storage: Storage | None = None
    mismatches: Sequence[Mismatched] = ()
    imported: Imported | None = None
    drill: Latest | None = None


def last_import() -> Query[Imported]:
    """What the last import left on record."""
    return Query("SELECT imported_at, folder, manifest FROM imports ORDER BY id DESC LIMIT 1", _read_import)


def _read_import(row: Row) -> Imported:
    manifest = from_json(row["manifest"]) or {}
    counts, tables = manifest.get("counts", {}), manifest.get("comparison", {}).get("tables", {})
    return Imported(
        at=to_time(row["imported_at"]),
        folder=row["folder"],
        records=sum(count["read"] for count in counts.values()),
        rejected=sum(count["rejected"] for count in counts.values()),
        differences=sum(table[kind] for table in tables.values() for kind in DIFFERENCES),
    )


def find_standing(settings: Settings, stored: Stored, clock: Clock = utc_now) -> Standing:
    """Look at the folder too; blocks. What the database says must be older, for the files only follow it."""
    standing = Standing(
        mode=settings.mode,
        path=str(settings.json_folder),
        mismatches=stored.mismatches,
        imported=stored.imported,
        kept=_find_kept(settings, stored, clock()),
    )
    return _with_folder(_with_storage(standing, stored.storage) if stored.storage else standing, settings)


def _find_kept(settings: Settings, stored: Stored, now: datetime) -> Kept | None:
    """How long the files of before the switch stay; None where there are none, or something needs them."""
    storage = stored.storage
    if storage is None or not "database" == storage.mode == settings.mode or not _has_files(settings):
        return None
    verified_at = stored.drill.verified_at if stored.drill else None
    facts = RetirementFacts(storage.switched_at, verified_at, timedelta(seconds=settings.json_retention_seconds))
    return Kept(decide(facts, now).days_left, facts.has_drill)


def _has_files(settings: Settings) -> bool:
    try:
        return JsonFolder(settings.json_folder).has_data()
    except UnreadableError:  # told elsewhere
        return False


def _with_storage(standing: Standing, storage: Storage) -> Standing:
    return replace(
        standing,
        served=storage.mode,
        lineage=storage.lineage,
        counter=storage.counter,
        switched_at=storage.switched_at,
        failed_at=storage.files_failed_at,
        error=storage.files_error,
        compared=storage.reads_compared,
        compared_at=storage.compared_at,
    )


def _with_folder(standing: Standing, settings: Settings) -> Standing:
    folder = JsonFolder(settings.json_folder)
    try:
        state, changed = folder.read(), find_changed(folder) if standing.follows else ()
    except UnreadableError as error:
        return replace(standing, folder_problem=str(error))
    if state is None:
        return standing
    found = Folder(state.lineage, state.mode, state.counter, state.format, state.is_final, state.written_at)
    return replace(standing, folder=found, changed=changed)


def find_changed(folder: JsonFolder) -> tuple[str, ...]:
    """The files that another program has written, also beside the bot; none where that can't be told for sure."""
    state = folder.read()
    for _ in range(TRIES):
        changed = folder.changed(state) if state else ()
        before, state = state, folder.read()
        if not changed or state == before:
            return changed
    return ()
