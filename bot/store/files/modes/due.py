"""What has changed in the database since its JSON files were written."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock

from bot.store.engine import RawConnection
from bot.store.storage import COUNT, OWN_TABLES


@dataclass(frozen=True, slots=True)
class Change:
    """The tables changed by transactions of this process, and how often those were counted."""

    tables: frozenset[str] = frozenset()
    count: int = 0

    def __add__(self, other: "Change") -> "Change":
        """Both together."""
        return Change(self.tables | other.tables, self.count + other.count)


class Due:
    """Collects changes at each COMMIT of the writer, and hands them to a snapshot that has exactly those."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._change = Change()

    @contextmanager
    def hook(self, connection: RawConnection, tables: frozenset[str]) -> Iterator[None]:
        """The hook for COMMIT: count the first transaction after a snapshot, and note each when it is committed.

        One count for all that the next snapshot will have: the counter's page costs a commit nearly a tenth.
        """
        followed = tables - OWN_TABLES
        if not followed:
            yield
            return
        # Until it is noted: a snapshot in between would have a change that it is not told of, or lack a count.
        with self._lock:
            is_first = not self._change.count
            if is_first:
                connection.execute(COUNT)
            yield
            self._change += Change(followed, int(is_first))

    def take(self, connection: RawConnection) -> tuple[int, Change]:
        """Begin a snapshot; its counter, and what was changed up to it since the last one."""
        with self._lock:
            connection.execute("BEGIN")
            (counter,) = connection.execute("SELECT counter FROM storage").fetchone()
            taken, self._change = self._change, Change()
        return counter, taken

    def give_back(self, change: Change) -> None:
        """It is due again: its files could not be written."""
        with self._lock:
            self._change += change
