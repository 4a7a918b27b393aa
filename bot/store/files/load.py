"""A JSON folder back into tables: the original's files by the decoder, and what they can't say from the rest.

The rest of a table of the original counts only while its files are as they were written with it. Where another
program has changed one, that file alone says what the table is, but for rows that it has no words for; personalities
keep their numbers all the same.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from bot.errors import InvalidInputError, UnreadableError
from bot.store.cipher import Cipher, require_keys_on
from bot.store.engine import RawConnection
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.rest.overlay import Overlay
from bot.store.files.rest.reading import RestFile, open_rest
from bot.store.files.rest.restoring import PERSONALITIES, Restorer, empty_tables
from bot.store.files.rest.tables import REST_TABLES
from bot.store.legacy.decode import LegacyData, decode
from bot.store.legacy.folder import LegacyFolder, look_through, survey
from bot.store.legacy.placing import TABLES
from bot.store.legacy.record import Defaults
from bot.store.legacy.report import ImportReport, TableCount
from bot.store.legacy.transfer import Replay, Transfer
from bot.store.progress import Progress

__all__ = ["LoadOptions", "empty_tables", "load_folder"]


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """What loading needs to know; `progress` is told how far it is, and may raise to stop it.

    With `by_records` everything that a record of the original can say is taken from there and not from the rest.
    """

    cipher: Cipher
    defaults: Defaults
    now: datetime
    progress: Progress
    by_records: bool = False


def load_folder(connection: RawConnection, folder: JsonFolder, options: LoadOptions) -> ImportReport:
    """Fill the empty tables inside the open transaction; whoever calls has recovered the folder and keeps writers out.

    Raises UnreadableError for a file that can't be read, or that gives fewer records than were written; the caller
    rolls back.
    """
    state = folder.read()
    changed = folder.changed(state) if state else ()
    rest = open_rest(folder, state, changed) if state else {}
    loading = _Loading(connection, options, rest, frozenset(changed))
    data = _decode(folder, state, loading.decoded, options)
    replay = Replay(loading.decoded, loading.ids(), loading.settle)
    report = Transfer(data, options.cipher, options.now, options.progress, replay)(connection)
    loading.complete(report)
    require_keys_on(connection, options.cipher)
    return report


def _decode(folder: JsonFolder, state: FolderState | None, tables: Collection[str], options: LoadOptions) -> LegacyData:
    """Those files of the original that the tables come from, each read to its end."""
    try:
        found = look_through(folder.path)
    except InvalidInputError:
        if state is None:
            raise
        found = LegacyFolder(folder.path, {}, ())
    needed = {name for table in REST_TABLES if table.name in tables for name in table.files}
    files = {name: file for name, file in found.files.items() if name in needed}
    watch = options.progress
    readable = survey(
        replace(found, files=files), may_skip=True, watch=lambda name, done: watch(f"reading {name}", done)
    )
    if readable.unreadable:
        raise UnreadableError(" ".join(readable.unreadable), remedy="Mend it, or put back a sound copy.")
    # Without a time nothing is past its date: an import says so of a login, a state does not.
    return decode(readable, replace(options.defaults, now=""))


class _Loading:
    """Which part of the rest counts, and when it is written."""

    def __init__(
        self, connection: RawConnection, options: LoadOptions, rest: dict[str, RestFile], changed: Collection[str]
    ) -> None:
        self._restorer = Restorer(connection, options.progress)
        self._people = rest.get(PERSONALITIES)
        self._counting = [file for file in rest.values() if file.table.counts(changed)]
        self._overtaken = [file for file in rest.values() if file not in self._counting]
        self._whole = [file for file in self._counting if file.table.is_whole and file.table.name in TABLES]
        self._overlay = Overlay(connection, self._active()) if options.by_records else None
        self.decoded = frozenset(TABLES) - {file.table.name for file in self._whole if not self._overlay}
        for file in rest.values():
            self._restorer.keep_sequence(file)

    def ids(self) -> dict[str, int]:
        """The number of every personality that was ever known, whoever has changed their file since."""
        return {row["full_name"]: row["id"] for row in self._people.rows()} if self._people else {}

    def settle(self, _connection: RawConnection) -> None:
        """The original's tables that stand whole in the rest, before the others refer to them."""
        if self._people and self._people not in self._counting:
            self._restorer.restore_removed(self._people)
        for file in self._whole:
            if not self._overlay:
                self._restorer.restore(file)
            elif file is self._people:
                self._overlay.lay(file)

    def complete(self, report: ImportReport) -> None:
        """What is left of the rest, over what the records gave; then nothing may be missing."""
        for file in self._counting:
            if file not in self._whole:
                self._restorer.restore(file)
            elif self._overlay and file is not self._people:
                self._overlay.lay(file)
            if not self._overlay:
                self._restorer.require_total(file)
            report.tables[file.table.name] = TableCount(read=file.total, imported=file.total)
        for file in self._overtaken:
            self._restorer.restore_beyond_words(file)
        if self._people not in self._counting:
            self._restorer.silence_removed()
        complete = {name for file in self._counting for name in file.table.files}
        report.rejects = [reject for reject in report.rejects if reject.file not in complete]

    def _active(self) -> frozenset[str]:
        rows = self._people.rows() if self._people else ()
        return frozenset(row["full_name"] for row in rows if row["is_active"])
