"""The live database beside the running bot, as a drill needs it: one row written, brought off-site, and counted around.

Rows are counted before and after the upload. If nobody wrote in between, the copy has to have exactly as many; so
that is tried a few times. A bot that writes all the time gives a bracket instead.
"""

import uuid
from dataclasses import dataclass

from bot.durability.lineage import read_marker
from bot.durability.litestream import Litestream, Syncer, SyncResult
from bot.durability.presence import find_holder
from bot.errors import ProtectedError, UnavailableError
from bot.model import Clock, utc_now
from bot.rules.drill import Bracket, Drill, Rows
from bot.settings import Settings
from bot.store import drills, overview
from bot.store.engine import RawConnection, connect_reader, connect_writer, opened, transaction
from bot.store.statement import Statement
from bot.store.translate import translated

ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Mark:
    """A state that is in the bucket: which replica, which transaction, and how many rows it has."""

    prefix: str
    txid: int
    bracket: Bracket


class Witness:
    """One drill's; `nonce` is what its copy has to know."""

    def __init__(self, settings: Settings, litestream: Syncer, clock: Clock = utc_now) -> None:
        self.nonce = uuid.uuid4().hex
        self._settings = settings
        self._litestream = litestream
        self._clock = clock
        self._path = settings.database_path.absolute()

    async def mark(self) -> Mark:
        """Write the row and have it uploaded; UnavailableError while the bucket confirms nothing."""
        marker = read_marker(self._path)
        if marker is None:
            raise ProtectedError("The volume has no marker, so nobody knows which copy is its own.")
        if marker.is_pending:
            raise UnavailableError("The bucket does not yet name the new copy as the one to restore from.")
        self._write(drills.add(self.nonce, self._clock()))
        needed = 0
        for _ in range(ATTEMPTS):
            result, bracket = await self._upload()
            # The row was committed before, so its transaction is at most this one; a busy bot is always one ahead.
            needed = needed or result.txid
            if bracket.is_quiet and result.replicated_txid >= needed:
                break
        if result.replicated_txid < needed:
            raise UnavailableError(f"The bucket has transaction {result.replicated_txid} of {needed}.")
        return Mark(marker.prefix, result.replicated_txid, bracket)

    def record(self, drill: Drill) -> None:
        """Note how it ended."""
        self._write(drills.finish(self.nonce, drill), drills.forget_oldest())

    def withdraw(self) -> None:
        """Remove the row of a drill that did not end."""
        self._write(drills.withdraw(self.nonce))

    async def _upload(self) -> tuple[SyncResult, Bracket]:
        reader = connect_reader(self._path, self._settings.busy_timeout_seconds)
        with translated(), opened(reader) as connection:
            version = _version(connection)
            before = _count(connection)
            result = await self._litestream.sync(self._settings.sync_timeout_seconds)
            after = _count(connection)
            is_quiet = _version(connection) == version
        return result, Bracket(before, after, is_quiet)

    def _write(self, *statements: Statement) -> None:
        with (
            translated(),
            opened(connect_writer(self._path, self._settings)) as connection,
            transaction(connection),
        ):
            for statement in statements:
                connection.execute(statement.sql, statement.parameters)


def find_witness(settings: Settings) -> Witness | None:
    """The running bot's database, None where none runs on this volume."""
    holder = find_holder(settings.database_path.absolute().parent)
    if holder is None:
        return None
    socket = settings.litestream_socket or holder.socket
    if socket is None:  # a command holds the lock, and no Litestream runs
        return None
    return Witness(settings, Litestream(socket, settings.database_path.absolute()))


def _version(connection: RawConnection) -> int:
    """A number that changes when another connection commits."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def _count(connection: RawConnection) -> Rows:
    tables = overview.tables()
    names = [tables.read(row) for row in connection.execute(tables.sql)]
    counts = overview.count_rows(names)
    return dict(counts.read(row) for row in connection.execute(counts.sql))
