"""The dual and shadow modes: the database is the truth, and the files follow it within a second."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic

from bot.errors import StorageError, TzurotError
from bot.settings import Settings
from bot.store import storage
from bot.store.driver import SQLiteStore
from bot.store.engine import RawConnection, roll_back
from bot.store.files.modes.due import Change, Due
from bot.store.files.modes.rewriter import Rewriter
from bot.store.files.plan import FileContent
from bot.store.reader import ThreadConnection
from bot.store.translate import translated

OnRound = Callable[[RawConnection], AbstractContextManager[None]]
"""Entered on the round's thread with the files written and the connection inside their snapshot, left after it."""

PATIENCE = 3
"""How many times a round's length the pause after it is at least: where much is due, messages come first."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the files can't be written, and since when."""

    since: datetime
    error: str


UNKNOWN = Trouble(datetime.min.replace(tzinfo=UTC), "")
"""What a process before this one may have noted."""


class Rounds:
    """One round after the other on a reader's thread: a snapshot, and the files that are due for it."""

    def __init__(self, rewriter: Rewriter, due: Due) -> None:
        self.rewriter = rewriter
        self.on_round: OnRound | None = None
        self.deadline: float | None = None
        self._due = due

    def run(self, connection: RawConnection) -> None:
        """Bring the files up to date; what can't be written stays due."""
        with ExitStack() as after, translated():
            try:
                counter, change = self._due.take(connection)
                self._write(connection, counter, change)
                if self.on_round is not None:
                    after.enter_context(self.on_round(connection))
            finally:
                roll_back(connection)

    def _write(self, connection: RawConnection, counter: int, change: Change) -> None:
        state = self.rewriter.state
        # More was counted than this process did: whose change it is, and of what, nobody says.
        tables = change.tables if counter == state.counter + change.count else None
        if tables == frozenset() and not self.rewriter.must_rewrite:
            return
        try:
            self.rewriter.rewrite(connection, tables, counter, partial(self._watch, connection))
        except BaseException:
            self._due.give_back(change)
            raise

    def _watch(self, connection: RawConnection, files: Iterator[FileContent]) -> Iterator[FileContent]:
        for file in files:
            if self.deadline is not None and monotonic() > self.deadline:
                raise StorageError("They were not written in time.")
            yield file
        if self.on_round is None:
            # What follows is the disk's work, which a snapshot would only hold up checkpoints for.
            roll_back(connection)


class WriteBehind:
    """Runs the rounds in the background; a failed one fails no user's message and is told once, until it is over."""

    def __init__(self, rounds: Rounds, store: SQLiteStore, reader: ThreadConnection, settings: Settings) -> None:
        self.rounds = rounds
        self.trouble: Trouble | None = None
        self._store = store
        self._reader = reader
        self._interval_seconds = settings.json_interval_seconds
        self._retry_seconds = settings.json_retry_seconds
        self._flush_seconds = settings.json_flush_timeout_seconds
        self._noted: Trouble | None = UNKNOWN

    async def run(self) -> None:
        """A round now and then, for as long as the bot runs."""
        while True:
            started = monotonic()
            await self.catch_up()
            pause = max(self._interval_seconds, PATIENCE * (monotonic() - started))
            await asyncio.sleep(self._retry_seconds if self.trouble else pause)

    async def catch_up(self) -> None:
        """One round; what goes wrong is noted where `status` finds it."""
        try:
            await self._round()
        except TzurotError as error:
            await self._begin_trouble(error)
        else:
            await self._end_trouble()

    async def flush(self) -> None:
        """The last round, when nothing is written any more; what it does not manage in time is said in the log."""
        self.rounds.deadline = monotonic() + self._flush_seconds
        try:
            async with asyncio.timeout(self._flush_seconds):
                await self._store.write()  # after what was accepted and nobody waits for any more
                await self._round()
                await self._end_trouble()
        except (TzurotError, TimeoutError) as error:
            reason = error if isinstance(error, TzurotError) else "It took too long."
            log.warning(
                "%s",
                f"The JSON files in {self._folder} stop at change {self._written}, behind the database: {reason}"
                f" The next start in this mode brings them up to date, or `tzurot export {self._folder}`.",
            )
        finally:
            await self._reader.close()

    async def _round(self) -> None:
        await self._reader.submit(self.rounds.run)

    async def _begin_trouble(self, error: TzurotError) -> None:
        if self.trouble is None:
            log.warning(
                "%s",
                f"The JSON files in {self._folder} stop at change {self._written}, and the database goes on without"
                f" them; they are tried again every {self._retry_seconds:g} s. {error}",
            )
        since = self.trouble.since if self.trouble else self.rounds.rewriter.clock()
        self.trouble = Trouble(since, str(error))
        await self._note(self.trouble)

    async def _end_trouble(self) -> None:
        if self.trouble is not None:
            log.info("The JSON files in %s are up to date again", self._folder)
        self.trouble = None
        await self._note(None)

    async def _note(self, trouble: Trouble | None) -> None:
        if trouble == self._noted:
            return
        since, error = (trouble.since, trouble.error) if trouble else (None, None)
        # A disk that is full for the files is full for this, too; the log has it already.
        with suppress(StorageError):
            await self._store.write(storage.note_files(since, error))
            self._noted = trouble

    @property
    def _folder(self) -> Path:
        return self.rounds.rewriter.folder.path

    @property
    def _written(self) -> int:
        return self.rounds.rewriter.state.counter
