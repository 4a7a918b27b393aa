"""What the certificate must know of database files, asked for from outside: the sandbox does not open any."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

Environment = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database file holds.

    `problems` are a full check's, `deeds` the keys of the durable writes that are there, `commits` when
    conversation data was committed, by a text for each.
    """

    problems: tuple[str, ...]
    deeds: frozenset[str] = frozenset()
    commits: Mapping[str, datetime] = field(default_factory=dict)


class Examiner(Protocol):
    """Whoever can look into databases and into the bucket; raises TzurotError."""

    async def newest_copy(self, environment: Environment) -> str | None:
        """Where the copy lies from which a lost volume would be restored now."""

    async def restore(self, environment: Environment, copy: str, target: Path) -> None:
        """Fetch a copy to a path that is free."""

    async def look_into(self, database: Path) -> Contents:
        """What a database holds that nobody writes to."""


def loss_window_ms(dead: Contents, restored: Contents, died_at: datetime) -> float:
    """How far back before the death the oldest commit lies that the restored database lacks; 0 where none does."""
    gone = [moment for key, moment in dead.commits.items() if key not in restored.commits]
    return max(0.0, (died_at - min(gone)).total_seconds() * 1000) if gone else 0.0
