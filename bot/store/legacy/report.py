"""What an import did: counts per table that add up, every reject, every file left aside."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.store.files.proof.findings import Proof
from bot.store.legacy.folder import Ignored
from bot.store.legacy.record import Reject


@dataclass(slots=True)
class TableCount:
    """How many records of a table were read, and what became of each: read is the sum of the other three."""

    read: int = 0
    imported: int = 0
    unchanged: int = 0
    rejected: int = 0


@dataclass(slots=True)
class Notes:
    """Counts of what an operator may want to look at.

    `expired`: logins past their date. `kept`: rows that stayed because the database has something newer
    than the record, or deleted it since. `conflicts`: users in both generations of files. `placeholders`: removed
    personalities that were made because old messages name them. `endless`: logins without a date. `deleted`: rows
    that went because the folder, which the database has become, does not have them.
    """

    expired: int = 0
    endless: int = 0
    kept: int = 0
    conflicts: int = 0
    placeholders: int = 0
    deleted: int = 0


@dataclass(slots=True)
class ImportReport:
    """Everything that an import has to say; `skipped` are the sentences about files that can't be read.

    `comparison` is what comparing both sides at its end found; a dry run has none.
    """

    tables: dict[str, TableCount]
    is_dry_run: bool = False
    rejects: list[Reject] = field(default_factory=list)
    ignored: list[Ignored] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    comparison: Proof | None = None

    @classmethod
    def over(cls, tables: Iterable[str]) -> "ImportReport":
        """An empty report."""
        return cls({name: TableCount() for name in tables})

    def count(self, field_name: str) -> int:
        """One of the four counts over all tables."""
        return sum(getattr(table, field_name) for table in self.tables.values())

    def as_dict(self) -> dict[str, Any]:
        """The report as `--json` prints it; `tables`, `rejects` and `ignored` are a contract."""
        return {
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "rejects": [asdict(reject) for reject in self.rejects],
            "ignored": [asdict(ignored) for ignored in self.ignored],
            "skipped": self.skipped,
            "remarks": self.remarks,
            "notes": asdict(self.notes),
            "dry_run": self.is_dry_run,
            "comparison": self.comparison.as_dict() if self.comparison else None,
        }
