"""shadow mode: what the store was asked is asked once more of the JSON files, read as a start in json mode reads them.

A round of writing the files ends with both sides at the same change. There the database is copied and the files are
held still, which takes milliseconds; the comparison itself runs on those, in a thread, and holds nobody up.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
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
from bot.store.files.answers import Answers, Mismatch, compare_answers, find_tables, may_compare
from bot.store.files.disk import make_folder
from bot.store.files.reads import Read, Reads
from bot.store.files.scratch import scratch_path
from bot.store.files.still import clear, hold_still, link
from bot.store.legacy.transfer import Progress
from bot.store.migrate import LOCK_SECONDS
from bot.store.translate import translated

HELD = ".tzurot-shadow"
"""Where the folder's files are held still; only a kill leaves it behind, and the next comparison clears it."""
UNREADABLE = "JSON files"
"""What stands in place of a table where the files can't be read at all."""

log = logging.getLogger(__name__)


class StoppedError(Exception):
    """The bot ends, and nobody waits for the comparison any more."""


class Load(Protocol):
    """Makes a database of JSON files as a start in json mode does."""

    def __call__(self, folder: Path, database: Path, progress: Progress, /) -> None:
        """Raises UnreadableError, and whatever `progress` raises."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where both sides lie while they are compared."""

    folder: Path

    @property
    def held(self) -> Path:
        """The folder's files, held still; beside them, because only there a second name costs nothing."""
        return self.folder / HELD

    @property
    def work(self) -> Path:
        """The two databases."""
        return scratch_path(self.folder).with_suffix(".shadow")

    @property
    def serving(self) -> Path:
        """The copy of the database."""
        return self.work / "serving.db"

    @property
    def loaded(self) -> Path:
        """What the files were loaded into."""
        return self.work / "loaded.db"

    def fill(self, connection: RawConnection) -> None:
        """Keep both sides as they are at the connection's snapshot."""
        clear(self.work)
        make_folder(self.work)
        hold_still(self.folder, self.held, link)
        with closing(connect(self.serving, "rwc", LOCK_SECONDS)) as copy:
            connection.backup(copy)

    def clear(self) -> None:
        """Leave nothing behind."""
        clear(self.held)
        clear(self.work)


class Shadow:
    """Compares now and then; what differs is counted in the database, and said in the log once for each table."""

    def __init__(self, store: SQLiteStore, load: Load, cipher: Cipher, settings: Settings) -> None:
        self._store = store
        self._load = load
        self._cipher = cipher
        self._place = Place(settings.json_folder)
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
        if monotonic() >= self._due_at and not self._is_busy:
            self._due_at = monotonic() + self._interval_seconds
            try:
                self._take(connection)
            except TzurotError as error:  # the files themselves are written, which is what the round is for
                log.warning("What was read is not compared with the files this time: %s", error)
        yield

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

    def _take(self, connection: RawConnection) -> None:
        with translated():
            reads = [read for read in self._reads.take() if self._may_compare(connection, read)]
            if reads:
                self._place.fill(connection)
                self._is_busy = True
                self._loop.call_soon_threadsafe(self._taken.put_nowait, reads)

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
        def check(*_: object) -> None:
            if stop.is_set():
                raise StoppedError

        place = self._place
        try:
            self._load(place.held, place.loaded, check)
            return compare_answers(place.serving, place.loaded, reads, self._cipher)
        except UnreadableError as error:
            return Answers(len(reads), [Mismatch(UNREADABLE, len(reads), error.message)])
        finally:
            place.clear()

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
                    self._place.folder,
                )
