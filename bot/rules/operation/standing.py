"""How the database and its JSON folder stand to each other, and what of that an operator must do something about."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Mismatched:
    """A table of which shadow mode found the files to say something else, and by how many reads it did."""

    table: str
    reads: int
    first_key: str
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Imported:
    """The last import, and how many records differed when both sides were compared at its end."""

    at: datetime
    folder: str
    records: int
    rejected: int
    differences: int


@dataclass(frozen=True, slots=True)
class Folder:
    """What the folder's mode file says."""

    lineage: str
    mode: str
    counter: int
    format: str
    is_final: bool
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder that nothing needs any more, kept for the way back."""

    days_left: int
    has_drill: bool

    @property
    def may_retire(self) -> bool:
        """Whether it may be moved away: its days are over, and a copy of the database was restored since."""
        return self.days_left == 0 and self.has_drill


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All that is known. `mode` is what the settings say, `served` what served last and is written down.

    `folder` is None where no mode file is there, `folder_problem` says why one can't be read, and
    `changed` names files that another program has written since. `kept` is there in a
    mode that does without the files. `refusal` is why a start in this mode would refuse.
    """

    mode: str
    path: str
    served: str | None = None
    lineage: str | None = None
    counter: int = 0
    switched_at: datetime | None = None
    folder: Folder | None = None
    folder_problem: str = ""
    changed: Sequence[str] = ()
    failed_at: datetime | None = None
    error: str | None = None
    compared: int = 0
    compared_at: datetime | None = None
    mismatches: Sequence[Mismatched] = ()
    imported: Imported | None = None
    kept: Kept | None = None
    refusal: str = ""

    @property
    def follows(self) -> bool:
        """Whether the files are to follow the database."""
        return self.mode in {"dual", "shadow"}

    @property
    def is_foreign(self) -> bool:
        """Whether the files are another database's."""
        return self.folder is not None and self.lineage is not None and self.folder.lineage != self.lineage

    @property
    def is_current(self) -> bool | None:
        """Whether the files are the same state as the database; None where there is nothing to compare."""
        if self.folder is None or self.lineage is None:
            return None
        return not self.is_foreign and not self.behind

    @property
    def behind(self) -> int:
        """How many changes of the database the files do not have yet."""
        return max(0, self.counter - self.folder.counter) if self.folder else 0
