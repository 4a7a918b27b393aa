"""Importing a folder that this program has written: the database becomes exactly its state, if that loses nothing.

It does not where the database has more than the folder, is another installation's, or where another program has
changed files: then their records are merged into it as those of any other folder.
"""

# ruff: noqa: S608 - the SQL is put together from the names of the program's own tables and columns

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from bot.rules.wording import counted, some_of
from bot.store import storage
from bot.store.engine import RawConnection, run
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.load import LoadOptions, empty_tables, load_folder
from bot.store.files.rest.tables import REST_TABLES, columns_of
from bot.store.legacy.report import ImportReport
from bot.store.storage import Storage

Work: TypeAlias = Callable[[RawConnection], ImportReport]
"""What an import does inside its transaction."""

MIRRORED = "The folder was written by this program; the database is now exactly its state."
PARTLY = (
    "The folder was written by this program; from {}, which another program has changed, only the records are taken."
)
CHANGED = (
    "Another program has changed {} since this program wrote the folder, so the records were merged: what that"
    " program deleted stays in the database."
)
OTHER = "The folder was written from another database, so its records were merged into this one."
LEFT = "The database went on without the folder, so the folder's records were merged into it."
BEHIND = "The database has at least {} that the folder lacks, so the folder's records were merged into it."

KEYS = "SELECT name FROM pragma_table_info(:table) WHERE pk > 0"


@dataclass(frozen=True, slots=True)
class Merge:
    """Adds the records of a folder to the database, which is then newer than any folder that follows it."""

    work: Work
    folder: Path

    def __call__(self, connection: RawConnection) -> ImportReport:
        """Do the work, and note that it was done."""
        is_left = storage.read_from(connection).mode == "json"
        report = self.work(connection)
        if is_left or report.count("imported"):
            run(connection, storage.take_in(str(self.folder.absolute())))
        return report


@dataclass(frozen=True, slots=True)
class Mirror:
    """The import of such a folder; where it can't be mirrored, `read` gives what merges its records."""

    folder: JsonFolder
    state: FolderState
    changed: Sequence[str]
    options: LoadOptions
    read: Callable[[], Work]

    def __call__(self, connection: RawConnection) -> ImportReport:
        """Mirror or merge; the report says which, and why."""
        if not any(connection.execute(f"SELECT 1 FROM {table.name} LIMIT 1").fetchone() for table in REST_TABLES):
            report = self._fill(connection)
            report.remarks.append(PARTLY.format(some_of(self.changed)) if self.changed else MIRRORED)
        elif reason := self._why_not(storage.read_from(connection)):
            report = self.read()(connection)
            report.remarks.append(reason)
        else:
            report = self._replace(connection)
            report.remarks.append(MIRRORED)
        return report

    def _why_not(self, kept: Storage) -> str:
        if self.state.lineage != kept.lineage:
            return OTHER
        if self.changed:
            return CHANGED.format(some_of(self.changed))
        if not self.state.is_final:  # what it had is in the database, and more, of which nobody counted the changes
            return LEFT
        ahead = kept.counter - self.state.counter
        return BEHIND.format(counted(ahead, "change")) if ahead > 0 else ""

    def _fill(self, connection: RawConnection) -> ImportReport:
        report = load_folder(connection, self.folder, self.options)
        report.ignored.clear()  # what lies beside its files is this program's, like the database
        run(connection, storage.take_over(self.state.lineage, self.state.counter))
        return report

    def _replace(self, connection: RawConnection) -> ImportReport:
        for table in REST_TABLES:
            connection.execute(f"CREATE TEMP TABLE before_{table.name} AS SELECT * FROM main.{table.name}")
        empty_tables(connection)
        report = self._fill(connection)
        for table in REST_TABLES:
            self.options.progress(f"comparing {table.name}", 0)
            _account(connection, table.name, report)
            connection.execute(f"DROP TABLE temp.before_{table.name}")
        return report


def _account(connection: RawConnection, table: str, report: ImportReport) -> None:
    """Tell rows that were there before from new ones, and count those that are gone."""
    keys = [row["name"] for row in connection.execute(KEYS, {"table": table})]
    columns = columns_of(connection, table)
    before, now = (", ".join(f"{side}.{name}" for name in columns) for side in ("b", "n"))
    total, found, same = connection.execute(
        f"SELECT count(*), count(n.{keys[0]}), total(n.{keys[0]} IS NOT NULL AND ({before}) IS ({now}))"
        f" FROM temp.before_{table} AS b LEFT JOIN main.{table} AS n"
        f" ON {' AND '.join(f'n.{key} = b.{key}' for key in keys)}"
    ).fetchone()
    count = report.tables[table]
    count.imported -= int(same)
    count.unchanged += int(same)
    report.notes.deleted += total - found
