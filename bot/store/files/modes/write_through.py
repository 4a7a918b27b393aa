"""The json mode: a transaction is committed after the files that it changes are renamed and synced."""

from collections.abc import Iterator
from contextlib import contextmanager

from bot.store.engine import RawConnection
from bot.store.files.modes.rewriter import Rewriter
from bot.store.storage import OWN_TABLES
from bot.store.translate import translated

COUNT = "UPDATE storage SET counter = max(counter, :written) + 1 RETURNING counter"


class WriteThrough:
    """The hook for COMMIT in the scratch database, whose truth the files are."""

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter

    @contextmanager
    def hook(self, connection: RawConnection, tables: frozenset[str]) -> Iterator[None]:
        """Write the due files; if they can't be written, the whole group is rolled back and told."""
        followed = tables - OWN_TABLES
        if not followed:
            yield
            return
        with translated():
            written = self._rewriter.state.counter
            (counter,) = connection.execute(COUNT, {"written": written}).fetchone()
            self._rewriter.rewrite(connection, followed, counter)
        # If COMMIT fails, the files hold what nobody was promised.
        self._rewriter.must_rewrite = True
        yield
        self._rewriter.must_rewrite = False
