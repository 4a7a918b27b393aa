"""What a comparison of a folder with the database found."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from bot.store.files.plan import Format
from bot.store.legacy.record import Reject


class Kind(StrEnum):
    """How a record differs."""

    ONLY_IN_FOLDER = "only_in_folder"
    ONLY_IN_DATABASE = "only_in_database"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Difference:
    """One record that differs; never what is in it."""

    table: str
    key: str
    kind: Kind


@dataclass(slots=True)
class TableProof:
    """How many records of a table either side has, and how they stand to each other.

    `respelled` are those that the folder has in another form than they would be written in, such as an older
    generation's, and that mean the same. The digests are the same for the same records in any order.
    """

    folder: int = 0
    database: int = 0
    only_in_folder: int = 0
    only_in_database: int = 0
    different: int = 0
    respelled: int = 0
    rejected: int = 0
    folder_digest: str = ""
    database_digest: str = ""

    @property
    def differences(self) -> int:
        """How many records differ."""
        return self.only_in_folder + self.only_in_database + self.different


@dataclass(slots=True)
class Proof:
    """The whole comparison; of differences and rejects only the first of each table are listed.

    `behind` is how many changes a running bot has not yet brought into the files: nothing is known until it has.
    """

    format: Format
    tables: dict[str, TableProof]
    differences: list[Difference] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    behind: int = 0

    @property
    def is_equal(self) -> bool:
        """Whether both sides are known to hold the same."""
        return not self.behind and not self.count("differences")

    def count(self, name: str) -> int:
        """One of the counts over all tables."""
        return sum(getattr(table, name) for table in self.tables.values())

    def as_dict(self) -> Mapping[str, Any]:
        """The comparison as it stands in JSON; these names are a contract."""
        return {
            "is_equal": self.is_equal,
            "format": self.format,
            "behind": self.behind,
            "tables": {name: asdict(table) for name, table in self.tables.items()},
            "differences": [asdict(difference) for difference in self.differences],
            "rejects": [asdict(reject) for reject in self.rejects],
            "remarks": self.remarks,
        }
