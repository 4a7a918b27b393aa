"""Rewriting the files of a JSON folder that are due, as one commit of the folder."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from bot.errors import UnreadableError
from bot.model import Clock, utc_now
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.plan import FileContent, Plan

Watch: TypeAlias = Callable[[Iterator[FileContent]], Iterator[FileContent]]
"""Passes the files on, and may raise between them or do something after the last one was read."""

MALFORMED = (ArithmeticError, LookupError, TypeError, ValueError)
"""What a value raises that is not of the form that its column has."""


@dataclass(slots=True)
class Rewriter:
    """Keeps one folder; `state` is what the folder says since it was read or written here.

    With `must_rewrite` every file is due, because what is there is not known to be what was written.
    """

    folder: JsonFolder
    state: FolderState
    plans: Sequence[Plan]
    cipher: Cipher
    clock: Clock = utc_now
    must_rewrite: bool = False
    _owned: dict[str, set[str]] = field(default_factory=dict, init=False)

    def rewrite(
        self, connection: RawConnection, tables: frozenset[str] | None, counter: int, watch: Watch = iter
    ) -> None:
        """Write the files that these tables are in (None: all of them) from the open transaction.

        Raises StorageError, or UnreadableError for a row that no file can say; the folder is then as it was.
        """
        # Which files a plan has written before it no longer does is known only once it ran here.
        is_known = self.folder.is_as_left(self.state) and bool(self._owned)
        is_whole = tables is None or self.must_rewrite or not is_known
        due = [plan for plan in self.plans if is_whole or plan.tables & (tables or frozenset())]
        owned: dict[str, set[str]] = {}
        state = replace(self.state, counter=counter, written_at=self.clock())
        drop = set(state.files) if is_whole else {name for plan in due for name in self._owned[plan.name]}
        try:
            self.state = self.folder.commit(watch(self._contents(connection, due, owned)), state, drop)
        except MALFORMED as error:
            [*_, last] = owned
            raise UnreadableError(
                f"{last} can't be written: a row is not as this program writes it ({type(error).__name__}).",
                remedy="If it was changed by hand, put back what stood there.",
            ) from error
        self._owned |= owned
        self.must_rewrite = False

    def _contents(
        self, connection: RawConnection, due: Sequence[Plan], owned: dict[str, set[str]]
    ) -> Iterator[FileContent]:
        for plan in due:
            names = owned[plan.name] = set()
            for name, pieces in plan.write(connection, self.cipher):
                names.add(name)
                yield name, pieces
