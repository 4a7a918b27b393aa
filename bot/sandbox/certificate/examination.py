"""What the certificate must know of database files, asked for from outside: the sandbox does not open any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

Environment = Mapping[str, str]
TIMED = "turn "
"""How the keys of commits begin that carry their own time."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database file holds.

    `problems` are a full check's, `deeds` the keys of the durable writes that are there, `commits` when
    conversation data was committed, by a text for each; `restored_since` is from when on writes may be missing, as the
    receipt of the last start from a copy has it.
    """

    problems: tuple[str, ...]
    deeds: frozenset[str] = frozenset()
    commits: Mapping[str, datetime] = field(default_factory=dict)
    restored_since: datetime | None = None


class Examiner(Protocol):
    """Whoever can look into databases and into the bucket; raises TzurotError."""

    async def newest_copy(self, environment: Environment) -> str | None:
        """Where the copy lies from which a lost volume would be restored now."""

    async def restore(self, environment: Environment, copy: str, target: Path) -> None:
        """Fetch a copy to a path that is free."""

    async def look_into(self, database: Path) -> Contents:
        """What a database holds that nobody writes to."""


@dataclass(frozen=True, slots=True)
class Loss:
    """What was lost with a volume: `window_ms` is how far before the death the oldest commit lies that the copy lacks.

    `surely_since` is the same as a moment, of those commits alone that carry their own time.
    """

    window_ms: float = 0.0
    surely_since: datetime | None = None

    @classmethod
    def between(cls, dead: Contents, restored: Contents, died_at: datetime) -> "Loss":
        """Compare a dead volume's database with the copy from which the next life began."""
        gone = {key: moment for key, moment in dead.commits.items() if key not in restored.commits}
        if not gone:
            return cls()
        window_ms = (died_at - min(gone.values())).total_seconds() * 1000
        timed = [moment for key, moment in gone.items() if key.startswith(TIMED)]
        return cls(max(0.0, round(window_ms, 1)), min(timed, default=None))
