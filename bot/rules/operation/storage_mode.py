"""The storage modes, and what the two sides of a switch between them say of themselves."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Where the state is kept; the values of STORAGE_MODE."""

    JSON = "json"
    """The files are the truth."""
    DUAL = "dual"
    """The database is the truth, and the files follow it."""
    SHADOW = "shadow"
    """As dual, and what was read is compared with the files."""
    DATABASE = "database"
    """The database alone."""


FOLLOWED = (Mode.DUAL, Mode.SHADOW)
"""The modes in which files follow the database."""


@dataclass(frozen=True, slots=True)
class DatabaseSide:
    """What a database says of itself.

    `mode` served it last. Where that is None, nobody has, or (`is_unrecorded`) a version did that did not write it
    down; `has_import` says that a folder was imported into it.
    """

    lineage: str
    counter: int = 0
    mode: Mode | None = None
    has_import: bool = False
    is_unrecorded: bool = False

    @property
    def is_blank(self) -> bool:
        """Whether nobody can miss anything of it."""
        return self.mode is None and not self.has_import and not self.is_unrecorded


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """What the folder's mode file says; not `is_final` where the database went on without the folder."""

    lineage: str
    counter: int
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class FolderSide:
    """The folder of JSON files; without a `record` it is as the original left it, or not there.

    `changed` are the original's files that are not as the mode file says, `lost` what it names that is gone or is
    ours and damaged; `is_imported` says that each of the original's files is exactly what the database has imported.
    """

    path: str
    has_data: bool = False
    record: FolderRecord | None = None
    changed: Sequence[str] = ()
    lost: Sequence[str] = ()
    is_imported: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there, not even a mode file."""
        return self.record is None and not self.has_data


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that the decision depends on.

    `may_begin` is leave to begin with nothing at all; `is_importing` says that this very start makes the database
    of the folder.
    """

    mode: Mode
    database: DatabaseSide | None
    folder: FolderSide
    may_begin: bool = False
    is_importing: bool = False
