"""Writing the database as a folder that the original starts with, into a place where nothing can be lost by it."""

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bot.errors import ProtectedError, UnreadableError
from bot.model import Clock, utc_now
from bot.rules.operation.switching import fault_of
from bot.settings import Settings
from bot.store import storage
from bot.store.cipher import Cipher, cipher_from
from bot.store.engine import RawConnection, connect_reader, connect_writer, opened, snapshot
from bot.store.files.all_plans import all_plans
from bot.store.files.folder.commit import STAGING
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.modes.facts import look
from bot.store.files.plan import FileContent, Format
from bot.store.files.proof.records import read_records, read_rest
from bot.store.legacy.folder import IMAGES, look_through
from bot.store.progress import Progress
from bot.store.storage import Storage
from bot.store.translate import translated

REPORTED = 20_000
PASSING = (STAGING, ".tzurot.lock")
"""What may be in an empty folder: nothing of it is anybody's state."""


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to export. `is_served`: a bot runs on the database and goes on without the folder."""

    settings: Settings
    progress: Progress
    format: Format | None = None
    is_served: bool = False
    clock: Clock = utc_now


@dataclass(frozen=True, slots=True)
class Export:
    """What was written: `records` by file of the original's; `kept` are those that it has no place for, by table.

    `aside` is where copies of the files that were there before are kept, if no others are.
    """

    folder: Path
    state: FolderState
    aside: Path | None
    records: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """How many avatars came with it."""
        return sum(name.startswith(f"{IMAGES}/") for name in self.state.files)


def export(target: Path, options: ExportOptions) -> Export:
    """Write the folder, all of it or nothing; blocks.

    Raises ProtectedError where it could take the place of something else.
    """
    settings, folder = options.settings, JsonFolder(target)
    cipher = cipher_from(settings)
    is_new = not target.exists()
    if not options.is_served:
        _count(settings)
    reader = connect_reader(settings.database_path, settings.busy_timeout_seconds)
    with translated(), opened(reader) as connection, snapshot(connection):
        recorded = storage.read_from(connection)
        aside = _make_way(folder, recorded, options)
        state = _state(folder, recorded, options)
        contents = _contents(connection, cipher, state.format, options.progress)
        try:
            written = folder.commit(contents, state, drop=set(state.files))
        except BaseException:
            if is_new:
                _remove(target)
            raise
    return _read_back(Export(target, written, aside), options.progress)


def _count(settings: Settings) -> None:
    """Give what nobody counted a number: an older database that comes back must not pass for what is exported now."""
    with translated(), opened(connect_writer(settings.database_path, settings)) as connection:
        connection.execute(storage.COUNT_UNCOUNTED)


def _make_way(folder: JsonFolder, recorded: Storage, options: ExportOptions) -> Path | None:
    """Raise ProtectedError unless nothing can be lost; where the only copies are there, they are kept in a folder."""
    _require_served_last(recorded, options)
    path, settings = folder.path, options.settings
    if options.is_served and (storage.is_followed_by(recorded, path) or _is_served_from(settings, path)):
        raise ProtectedError(
            f"{path} is the running bot's own folder.", remedy="Name another folder for a snapshot, or stop the bot."
        )
    side = look(settings.model_copy(update={"json_dir": path})).folder
    fault = fault_of(side, recorded.lineage, recorded.counter)
    if fault and not side.is_imported:
        raise ProtectedError(f"Nothing was exported. {fault}", remedy="Name a new or an empty folder.")
    if side.is_empty and path.resolve() != settings.database_path.parent.resolve():
        _require_empty(path)
    # What a database was served beside is not final: that may be the original's own files.
    is_as_written = side.record is not None and side.record.is_final and not fault
    return None if side.is_empty or is_as_written else folder.set_aside(options.clock())


def _is_served_from(settings: Settings, path: Path) -> bool:
    return settings.mode == "json" and path.resolve() == settings.json_folder.resolve()


def _require_served_last(recorded: Storage, options: ExportOptions) -> None:
    if recorded.mode == "json" and options.settings.mode != "json":
        raise ProtectedError(
            f"The files in {recorded.folder} were served last, so this database is not the newest.",
            remedy=f"Bring it up to date with `tzurot import {recorded.folder}`, then export.",
        )


def _require_empty(path: Path) -> None:
    present = sorted(entry.name for entry in path.iterdir()) if path.exists() else []
    if left := [name for name in present if name not in PASSING]:
        raise ProtectedError(
            f"Nothing was exported: {path} is not empty, {left[0]} is there.", remedy="Name a new or an empty folder."
        )


def _state(folder: JsonFolder, recorded: Storage, options: ExportOptions) -> FolderState:
    before, named = folder.read(), options.format or options.settings.json_format
    return FolderState(
        lineage=recorded.lineage,
        mode=recorded.mode or options.settings.mode,
        counter=recorded.counter,
        format=Format(named) if named else folder.format(),
        is_final=not options.is_served,
        written_at=options.clock(),
        files={**(before.files if before else {}), **folder.replaceable()},
    )


def _contents(connection: RawConnection, cipher: Cipher, form: Format, progress: Progress) -> Iterator[FileContent]:
    for plan in all_plans(form):
        progress(f"writing {plan.name}", 0)
        yield from plan.write(connection, cipher)


def _remove(target: Path) -> None:
    """Take away what was begun where nothing was before; not what was committed."""
    with suppress(UnreadableError, OSError):
        if JsonFolder(target).read() is None:
            shutil.rmtree(target)


def _read_back(done: Export, progress: Progress) -> Export:
    """Count what was written, from what stands there."""
    by_file, by_table, kept = Counter[str](), Counter[str](), Counter[str]()
    for number, record in enumerate(read_records(look_through(done.folder), lambda _: None), start=1):
        by_file[record.file] += 1
        by_table[record.table] += 1
        if number % REPORTED == 0:
            progress("reading back", number)
    for record in read_rest(done.folder, {}):
        kept[Path(record.table).stem] += 1
    # What the original's records leave out of a row is kept too, but is no record of its own.
    return replace(done, records=dict(by_file), kept=dict(kept - by_table))
