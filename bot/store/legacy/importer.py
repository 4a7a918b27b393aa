"""Importing a data folder into a database: look through, read everything once, then one transaction."""

import asyncio
import tempfile
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import orjson

from bot.errors import ProtectedError, StorageError
from bot.model import Clock, utc_now
from bot.settings import Settings
from bot.store.cipher import cipher_from, require_keys
from bot.store.driver import open_store
from bot.store.engine import RawConnection
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.load import LoadOptions
from bot.store.files.manifest import Recorded, look_at_files
from bot.store.files.mirror import Merge, Mirror, Work
from bot.store.files.proof.options import ProofOptions
from bot.store.legacy.decode import decode
from bot.store.legacy.folder import UNFINISHED_SUFFIX, look_through, survey
from bot.store.legacy.record import Defaults
from bot.store.legacy.report import ImportReport
from bot.store.legacy.transfer import Transfer
from bot.store.migrate import SIDE_FILES, create_database, sync_folder
from bot.store.progress import Progress

REJECTS_SUFFIX = ".import-rejects.json"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to import. The settings give the keys, the owner and how long logins without a date last."""

    settings: Settings
    is_dry_run: bool = False
    may_skip_unreadable: bool = False
    progress: Progress | None = None
    clock: Clock = utc_now


class _StoppedError(Exception):
    """Whoever asked for the import does not want it any more."""


class _DryRunDone(Exception):  # noqa: N818 - nothing is wrong
    """Carries the report out of the transaction, which is rolled back by it."""

    def __init__(self, report: ImportReport) -> None:
        super().__init__()
        self.report = report


async def import_folder(folder: Path, database_path: Path, options: ImportOptions) -> ImportReport:
    """Import the folder into a database that is there, in one transaction; the folder is only read.

    Raises UnreadableError if a file can't be read, before anything is written. When it is cancelled it rolls
    back first; if it was too late for that, the cancellation is lost and the report returned. A dry run needs
    no database and leaves none behind. Whoever calls it holds the volume's lock.
    """
    stop = Event()
    task = asyncio.create_task(_import(folder, database_path, options, stop))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.wait({task})
        if task.exception() is None:
            return task.result()
        raise


async def import_into_new(folder: Path, database_path: Path, options: ImportOptions) -> ImportReport:
    """Make a database of the folder where there is none; it appears under its name when it is complete.

    So an import that fails or is killed leaves no empty database behind, which a later start would go on with.
    """
    unfinished = database_path.with_name(database_path.name + UNFINISHED_SUFFIX)
    await asyncio.to_thread(_clear, unfinished)
    await asyncio.to_thread(create_database, unfinished)
    try:
        report = await import_folder(folder, unfinished, options)
        await asyncio.to_thread(_put_in_place, unfinished, database_path)
    finally:
        await asyncio.to_thread(_clear, unfinished)
    return report


def _clear(unfinished: Path) -> None:
    for suffix in ("", *SIDE_FILES, REJECTS_SUFFIX):
        Path(f"{unfinished}{suffix}").unlink(missing_ok=True)


def _put_in_place(unfinished: Path, database_path: Path) -> None:
    left = [suffix for suffix in SIDE_FILES if Path(f"{unfinished}{suffix}").exists()]
    taken = [name for suffix in ("", *SIDE_FILES) if (name := Path(f"{database_path}{suffix}")).exists()]
    if left or taken:
        raise ProtectedError(
            f"The imported database can't be put at {database_path}: "
            + (f"{taken[0].name} is there." if taken else "it is still in use."),
            remedy="Make sure that nothing else uses the volume, then import again.",
        )
    rejects_path(unfinished).replace(rejects_path(database_path))
    unfinished.rename(database_path)
    sync_folder(database_path.parent)


def rejects_path(database_path: Path) -> Path:
    """Where the rejects of the last import stand."""
    return database_path.with_name(database_path.name + REJECTS_SUFFIX)


async def _import(folder: Path, database_path: Path, options: ImportOptions, stop: Event) -> ImportReport:
    watch = _Watch(stop, options.progress)
    with ExitStack() as until_done:
        source = await asyncio.to_thread(_Source.of, folder, until_done)
        work = await asyncio.to_thread(_plan, source, database_path, options, watch)
        if options.is_dry_run and not await asyncio.to_thread(database_path.exists):
            scratch = Path(until_done.enter_context(tempfile.TemporaryDirectory(prefix="tzurot-dry-run-")))
            create_database(scratch / database_path.name)
            return await _write(work, scratch / database_path.name, options, watch)
        report = await _write(work, database_path, options, watch)
    if not options.is_dry_run:
        _write_rejects(report, database_path)
    return report


@dataclass(frozen=True, slots=True)
class _Source:
    """The folder as it was named, and as it is read; nothing is written there, also where a kill left it unfinished."""

    named: Path
    folder: JsonFolder

    @classmethod
    def of(cls, named: Path, until_done: ExitStack) -> "_Source":
        """A copy takes the folder's place where files still wait for being renamed."""
        folder = JsonFolder(named)
        if not folder.is_settled():
            copy = until_done.enter_context(tempfile.TemporaryDirectory(prefix="tzurot-import-"))
            folder = folder.copy_to(Path(copy))
        return cls(named, folder)


def _plan(source: _Source, database_path: Path, options: ImportOptions, watch: "_Watch") -> Work:
    """What to do inside the transaction; a folder of the original's is read to its end before that begins."""
    settings, now, folder = options.settings, options.clock(), source.folder
    before = {} if options.is_dry_run else look_at_files(folder)
    defaults = Defaults.of(settings, now)
    cipher = cipher_from(settings)

    def read() -> Merge:
        found = look_through(folder.path, database_path)
        readable = survey(found, may_skip=options.may_skip_unreadable, watch=watch.read)
        return Merge(Transfer(decode(readable, defaults), cipher, now, watch.placed), source.named)

    loading = LoadOptions(cipher, defaults, now, watch.placed)
    state = folder.read()
    work = read() if state is None else Mirror(folder, state, folder.changed(state), loading, read)
    if options.is_dry_run:
        return work
    return Recorded(work, source.named, folder, before, ProofOptions(settings, watch.placed), now)


async def _write(work: Work, path: Path, options: ImportOptions, watch: "_Watch") -> ImportReport:
    store = await open_store(path, settings=options.settings, hook=_count_nothing)
    try:
        await require_keys(store, cipher_from(options.settings))
        return await store.transact(lambda connection: _run(work, connection, options, watch))
    except _DryRunDone as done:
        return done.report
    finally:
        await store.close()


def _count_nothing(_connection: RawConnection, _tables: frozenset[str]) -> AbstractContextManager[None]:
    """An import says itself which change the database is at."""
    return nullcontext()


def _run(work: Work, connection: RawConnection, options: ImportOptions, watch: "_Watch") -> ImportReport:
    report = work(connection)
    watch.check()
    report.is_dry_run = options.is_dry_run
    if options.is_dry_run:
        raise _DryRunDone(report)
    return report


@dataclass(slots=True)
class _Watch:
    """Between the import's threads and whoever waits for it: says how far it is, and stops it when asked to."""

    stop: Event
    progress: Progress | None

    def check(self) -> None:
        if self.stop.is_set():
            raise _StoppedError

    def read(self, file: str, done: int) -> None:
        """A file was read up to here."""
        self.check()
        if self.progress:
            self.progress(f"reading {file}", done)

    def placed(self, table: str, done: int) -> None:
        """That many records of a table are done."""
        self.check()
        if self.progress:
            self.progress(table, done)


def _write_rejects(report: ImportReport, database_path: Path) -> None:
    target = rejects_path(database_path)
    unfinished = target.with_name(target.name + ".new")
    text = orjson.dumps(report.as_dict()["rejects"], option=orjson.OPT_INDENT_2)
    try:
        unfinished.write_bytes(text)
        unfinished.chmod(0o600)
        unfinished.replace(target)
    except OSError as error:
        raise StorageError(
            f"The import is done, but {target} can't be written: {error.strerror}.",
            remedy="Run it again for the list of rejects; nothing is imported twice.",
        ) from None
