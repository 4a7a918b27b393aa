"""The import itself: every record of a folder into the database, inside one transaction on the writer's thread."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from bot.model import NOBODY
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.legacy.decode import LegacyData
from bot.store.legacy.moments import UNKNOWN_TIME
from bot.store.legacy.names import Known, Names
from bot.store.legacy.placing import TABLES, Placer, Table
from bot.store.legacy.record import IMPORT_KEY, Columns, Entry, Reject, Row
from bot.store.legacy.report import ImportReport, TableCount
from bot.store.progress import Progress
from bot.store.statement import Value

BATCH_ROWS = 5_000

"""Told after each batch: the table, and how many of its records are done; may raise to stop the import."""

PLACEHOLDER = """
INSERT INTO personalities (id, full_name, name_lower, display_name, added_by, added_at, is_active, extra)
VALUES (:id, :name, :lower, :name, :nobody, :added_at, 0, :extra) RETURNING id
"""


class UnresolvedError(Exception):
    """Why a record that is well formed refers to nothing."""


def _nothing(_connection: RawConnection) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Replay:
    """How a folder comes back as the state that it is, which is nobody's change: only these tables are read.

    `ids` are the numbers that personalities have; `settle` is called when these are there, before anything refers
    to them.
    """

    tables: frozenset[str] = frozenset(TABLES)
    ids: Mapping[str, int] = field(default_factory=dict)
    settle: Callable[[RawConnection], None] = _nothing


@dataclass(frozen=True, slots=True)
class Transfer:
    """One import; called with the connection, inside the transaction that the driver has begun."""

    data: LegacyData
    cipher: Cipher
    now: datetime
    progress: Progress
    replay: Replay | None = None

    def __call__(self, connection: RawConnection) -> ImportReport:
        """Import every table; raises what stops the import, and the driver rolls back."""
        report = ImportReport.over(TABLES)
        placer = Placer.on(connection, self.cipher, self.now)
        placer.is_recorded = self.replay is None
        _Run(self, connection, placer, report, Names(), self.replay or Replay()).all_tables()
        report.notes.kept = placer.kept
        report.notes.conflicts = self.data.conflicts
        report.ignored += self.data.ignored
        report.remarks += self.data.remarks
        report.skipped += self.data.skipped
        return report


@dataclass(slots=True)
class _Run:
    transfer: Transfer
    connection: RawConnection
    placer: Placer
    report: ImportReport
    names: Names
    replay: Replay

    def all_tables(self) -> None:
        """Personalities first, because the others refer to them; avatars after what may make placeholders."""
        data = self.transfer.data
        self._each("personalities", data.personalities(), self._personality)
        self.replay.settle(self.connection)
        self.names = Names.load(self.connection, data.other_names)
        self._each("personality_aliases", data.aliases(), self._alias)
        self.names.load_aliases(self.connection)
        self._each("auth_tokens", data.logins(), self._login)
        self._each("nsfw_verifications", data.verifications(), _as_it_is)
        self._each("channel_activations", data.activations(), self._activation)
        self._each("conversations", data.conversations(), self._conversation)
        self._mappings(data.mappings())
        self._each("auto_responses", data.auto_responses(), _as_it_is)
        self._each("blacklist", data.blacklist(), _as_it_is)
        self._each("notification_preferences", data.notifications(), _as_it_is)
        self._each("notified_version", data.version(), _as_it_is)
        self._each("avatars", data.avatars(), self._avatar)

    def _each(self, name: str, entries: Iterable[Entry], resolve: Callable[[Columns], Columns]) -> None:
        if name not in self.replay.tables:
            return
        table, count = TABLES[name], self.report.tables[name]
        for entry in entries:
            count.read += 1
            if isinstance(entry, Reject):
                self._reject(name, entry)
                continue
            try:
                row = Row(entry.file, entry.key, resolve(entry.columns), entry.sealed)
            except UnresolvedError as error:
                self._reject(name, Reject(entry.file, entry.key, str(error)))
                continue
            self._place(table, row, count)
            if count.read % BATCH_ROWS == 0:
                self.transfer.progress(name, count.read)
        self.transfer.progress(name, count.read)

    def _place(self, table: Table, row: Row, count: TableCount) -> None:
        if not self.placer.place(table, row):
            count.unchanged += 1
            return
        count.imported += 1

    def _reject(self, table: str, reject: Reject) -> None:
        self.report.tables[table].rejected += 1
        self.report.rejects.append(replace(reject, table=table))

    def _mappings(self, entries: Iterator[Entry]) -> None:
        table, count = TABLES["message_mappings"], self.report.tables["message_mappings"]
        while batch := list(islice(entries, BATCH_ROWS)):
            count.read += len(batch)
            rows = []
            for entry in batch:
                if isinstance(entry, Reject):
                    self._reject(table.name, entry)
                else:
                    rows.append(self._mapping(table, entry))
            if rows:
                imported = self.placer.place_many(table, rows)
                count.imported += imported
                count.unchanged += len(rows) - imported
            self.transfer.progress(table.name, count.read)

    def _mapping(self, table: Table, row: Row) -> dict[str, Value]:
        columns = row.columns
        name = columns.pop("personality_name")
        known = self.names.by_name.get(name) or self.names.find_speaker(name)
        if known is None:
            known = self._make_placeholder(name)
        elif known.full_name != name:
            columns["extra"] = _with_original(columns["extra"], name)
        columns["personality_id"] = known.id
        return columns if columns["extra"] is None else self.placer.stored(table, row)

    def _make_placeholder(self, name: str) -> Known:
        parameters = {
            "id": self.replay.ids.get(name),
            "name": name,
            "lower": name.lower(),
            "nobody": NOBODY,
            "added_at": UNKNOWN_TIME,
            "extra": f'{{"{IMPORT_KEY}":{{"shape":"placeholder"}}}}',
        }
        row = self.connection.execute(PLACEHOLDER, parameters).fetchone()
        known = Known(row["id"], name, UNKNOWN_TIME, is_active=False)
        self.names.add(known)
        self.report.notes.placeholders += 1
        return known

    def _personality(self, columns: Columns) -> Columns:
        number = self.replay.ids.get(columns["full_name"])
        return columns if number is None else {"id": number, **columns}

    def _alias(self, columns: Columns) -> Columns:
        name = columns["personality_name"]
        known = self.names.find_active(name)
        if known is None:
            raise UnresolvedError(f"points to {name[:100]!r}: {self.names.why_not(name)}")
        columns = _resolved(columns, known)
        return columns | {"added_by": NOBODY, "created_at": known.added_at}

    def _activation(self, columns: Columns) -> Columns:
        name = columns["personality_name"]
        known = self.names.find_speaker(name)
        if known is None:
            raise UnresolvedError(f"activates {name[:100]!r}: {self.names.why_not(name)}")
        return _resolved(columns, known)

    def _conversation(self, columns: Columns) -> Columns:
        known = self.names.find_speaker(columns["personality_name"])
        return columns if known is None else _resolved(columns, known)

    def _avatar(self, columns: Columns) -> Columns:
        name = columns.pop("personality_name")
        known = self.names.by_name.get(name)
        if known is None:
            raise UnresolvedError(f"no personality is called {name[:100]!r}")
        return {"personality_id": known.id, **columns}

    def _login(self, columns: Columns) -> Columns:
        expires_at = columns["expires_at"]
        if expires_at is None:
            self.report.notes.endless += 1
        elif expires_at <= self.transfer.data.now:
            self.report.notes.expired += 1
        return columns


def _as_it_is(columns: Columns) -> Columns:
    return columns


def _resolved(columns: Columns, known: Known) -> Columns:
    name = columns["personality_name"]
    if name == known.full_name:
        return columns
    extra = _with_original(columns["extra"], name)
    return columns | {"personality_name": known.full_name, "extra": extra}


def _with_original(extra: Columns | None, name: str) -> Columns:
    facts = dict((extra or {}).get(IMPORT_KEY, {}))
    facts["original"] = {**facts.get("original", {}), "personalityName": name}
    return {**(extra or {}), IMPORT_KEY: facts}
