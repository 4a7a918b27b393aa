"""shadow mode: what the store was asked is asked once more of the JSON files, read by what their records say.

A round of writing the files ends with both sides at the same change. There both are copied, which takes milliseconds;
the comparison itself runs on the copies, in a thread, and holds nobody up.
"""

import asyncio
import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Protocol

from bot.errors import TzurotError, UnreadableError
from bot.model import utc_now
from bot.settings import Settings
from bot.store import mismatches
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from bot.store.engine import RawConnection, connect
from bot.store.files.folder.disk import FOLDER_MODE, told
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.modes.scratch import make_private, scratch_path
from bot.store.files.shadow.answers import Answers, Mismatch, compare_answers, find_tables, may_compare
from bot.store.files.shadow.reads import Read, Reads
from bot.store.migrate import LOCK_SECONDS
from bot.store.progress import Progress
from bot.store.translate import translated

UNREADABLE = "JSON files"
"""What stands in place of a table where the files can't be read at all."""

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The bot ends, and nobody waits for the comparison any more."""


class Load(Protocol):
    """Makes a database of JSON files."""

    def __call__(self, folder: JsonFolder, database: Path, progress: Progress, /) -> object:
        """Raises UnreadableError, and whatever `progress` raises."""


class Workspace:
    """Where both sides lie while they are compared; a kill leaves it behind, and the next start clears it."""

    def __init__(self, folder: Path) -> None:
        self.path = scratch_path(folder).with_suffix(".shadow")
        self.serving = self.path / "serving.db"
        self.loaded = self.path / "loaded.db"
        self.files = self.path / "files"

    def begin(self, connection: RawConnection) -> None:
        """Copy the database as it is in the connection's snapshot, page by page."""
        make_private(self.path.parent)
        self.clear()
        with told(self.path):
            self.path.mkdir(FOLDER_MODE)
        with closing(connect(self.serving, "rwc", LOCK_SECONDS)) as copy:
            copy.execute("PRAGMA synchronous=OFF")
            connection.backup(copy)

    def clear(self) -> None:
        """Leave nothing behind."""
        with told(self.path), suppress(FileNotFoundError):
            shutil.rmtree(self.path)


class Shadow:
    """Compares now and then; what differs is counted in the database, and said in the log once for each table."""

    def __init__(self, store: SQLiteStore, load: Load, cipher: Cipher, settings: Settings) -> None:
        self._store = store
        self._load = load
        self._cipher = cipher
        self._folder = JsonFolder(settings.json_folder)
        self._workspace = Workspace(settings.json_folder)
        self._interval_seconds = settings.shadow_interval_seconds
        self._reads = Reads()
        self._taken: asyncio.Queue[Sequence[Read]] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._due_at = monotonic() + self._interval_seconds
        self._is_busy = False
        self._known: dict[str, bool] = {}
        self._told: set[str] = set()
        store.on_read = self._reads.note

    @contextmanager
    def on_round(self, connection: RawConnection) -> Iterator[None]:
        """Take both sides from a round of the files: called on its thread, inside its snapshot."""
        reads: list[Read] = []
        with self._skipping():
            reads = self._take(connection)
        yield
        # The snapshot has ended, and the next round waits for this one: the files are still as they were written.
        with self._skipping():
            if reads:
                self._folder.copy_to(self._workspace.files)
                self._is_busy = True
                self._loop.call_soon_threadsafe(self._taken.put_nowait, reads)

    async def run(self) -> None:
        """Compare what rounds take, for as long as the bot runs."""
        await self._store.write(*mismatches.forget_before_switch())
        while True:
            await self.compare_next()

    async def compare_next(self) -> None:
        """Wait for a round that takes something, compare it, and note what came of it."""
        reads = await self._taken.get()
        try:
            answers = await self._compare(reads)
        finally:
            self._is_busy = False
        await self._note(answers)

    async def close(self) -> None:
        """Leave nothing behind of a comparison that was cut short; rounds have ended."""
        await asyncio.to_thread(self._workspace.clear)

    def _take(self, connection: RawConnection) -> list[Read]:
        """What is to be compared now, if it is time, with the database as it is now."""
        if monotonic() < self._due_at or self._is_busy:
            return []
        self._due_at = monotonic() + self._interval_seconds
        reads = [read for read in self._reads.take() if self._may_compare(connection, read)]
        if reads:
            self._workspace.begin(connection)
        return reads

    @contextmanager
    def _skipping(self) -> Iterator[None]:
        """What fails here fails no round: the files themselves are written, which is what it is for."""
        try:
            with translated():
                yield
        except TzurotError as error:
            log.warning("What was read is not compared with the files this time: %s", error)

    def _may_compare(self, connection: RawConnection, read: Read) -> bool:
        if read.sql not in self._known:
            self._known[read.sql] = may_compare(find_tables(connection, read))
        return self._known[read.sql]

    async def _compare(self, reads: Sequence[Read]) -> Answers:
        stop = Event()
        try:
            return await asyncio.to_thread(self._compare_aside, reads, stop)
        finally:
            stop.set()

    def _compare_aside(self, reads: Sequence[Read], stop: Event) -> Answers:
        work = self._workspace

        def check(*_: object) -> None:
            if stop.is_set():
                raise StoppedError

        try:
            self._load(JsonFolder(work.files), work.loaded, check)
            with translated():
                return compare_answers(work.serving, work.loaded, reads, self._cipher)
        except UnreadableError as error:
            return Answers(len(reads), [Mismatch(UNREADABLE, len(reads), error.message)])
        finally:
            work.clear()

    async def _note(self, answers: Answers) -> None:
        now = utc_now()
        found = [mismatches.add(one.table, one.reads, one.first_key, now) for one in answers.mismatches]
        await self._store.write(mismatches.count_compared(answers.compared, now), *found)
        for one in answers.mismatches:
            if one.table not in self._told:
                self._told.add(one.table)
                log.warning(
                    "The JSON files would answer differently: %s, first at %r. `tzurot verify %s` lists what differs",
                    one.table,
                    one.first_key,
                    self._folder.path,
                )
