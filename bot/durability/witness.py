"""The live database beside the running bot, as a drill needs it: what the bot has just written, and how many rows.

It only reads. A second process that writes, and is killed in the middle of a commit, could split the copy from the
database; so the write that is looked for is the bot's own canary. Rows are counted before and after its upload. If
nobody wrote in between, the copy has to have exactly as many, so that is tried a few times. A bot that writes all
the time gives a bracket instead.
"""

import asyncio
from dataclasses import dataclass

from bot.durability.lineage import read_marker
from bot.durability.litestream import Litestream, Syncer
from bot.durability.presence import find_holder
from bot.errors import ProtectedError, UnavailableError
from bot.rules.operation.drill import Bracket, Rows
from bot.settings import Settings
from bot.store import canary, overview
from bot.store.engine import RawConnection, ask, connect_reader, opened
from bot.store.translate import translated

ATTEMPTS = 5
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Seen:
    """The live database at one moment; `version` changes with every commit of somebody else."""

    version: int
    nonce: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Mark:
    """A state that is in the bucket: which replica, which transaction, whose canary it has, and how many rows."""

    prefix: str
    txid: int
    nonces: tuple[str, ...]
    bracket: Bracket


class Witness:
    """Sees what the running bot does, and has it uploaded."""

    def __init__(self, settings: Settings, litestream: Syncer) -> None:
        self._settings = settings
        self._litestream = litestream
        self._path = settings.database_path.absolute()

    async def mark(self) -> Mark:
        """Wait for the bot's next canary and have it uploaded; UnavailableError while the bucket confirms nothing."""
        marker = read_marker(self._path)
        if marker is None:
            raise ProtectedError("The volume has no marker, so nobody knows which copy is its own.")
        if marker.is_pending:
            raise UnavailableError("The bucket does not yet name the new copy as the one to restore from.")
        await self._until_written()
        with translated(), opened(self._connect()) as connection:
            return await self._upload(connection, marker.prefix)

    async def _until_written(self) -> None:
        limit = self._settings.canary_interval_seconds + 2 * self._settings.sync_timeout_seconds
        first = self._nonce()
        try:
            async with asyncio.timeout(limit):
                while self._nonce() == first:  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise UnavailableError(f"The bot wrote no canary within {limit:g} s.") from None

    def _nonce(self) -> str:
        """Of the canary; the connection is closed again, for an open one would be in the way of a crashed bot's end."""
        with translated(), opened(self._connect()) as connection:
            return _nonce(connection)

    def _connect(self) -> RawConnection:
        return connect_reader(self._path, self._settings.busy_timeout_seconds)

    async def _upload(self, connection: RawConnection, prefix: str) -> Mark:
        needed = 0
        for _ in range(ATTEMPTS):
            before = _look(connection)
            result = await self._litestream.sync(self._settings.sync_timeout_seconds)
            after = _look(connection)
            # The canary was committed before, so its transaction is at most this one; a busy bot is always one ahead.
            needed = needed or result.txid
            is_quiet = before.version == after.version  # each was looked at before the rest: nobody wrote until then
            if is_quiet and result.replicated_txid >= needed:
                break
        if result.replicated_txid < needed:
            raise UnavailableError(f"The bucket has transaction {result.replicated_txid} of {needed}.")
        end = before if is_quiet else after
        return Mark(prefix, result.replicated_txid, (before.nonce, end.nonce), Bracket(before.rows, end.rows, is_quiet))


def find_witness(settings: Settings) -> Witness | None:
    """Of the running bot's database, None where none runs on this volume."""
    holder = find_holder(settings.database_path.absolute().parent)
    if holder is None:
        return None
    socket = settings.litestream_socket or holder.socket
    if socket is None:  # a command holds the lock, and no Litestream runs
        return None
    return Witness(settings, Litestream(socket, settings.database_path.absolute()))


def _look(connection: RawConnection) -> Seen:
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    names = ask(connection, overview.tables())
    return Seen(version, _nonce(connection), dict(ask(connection, overview.count_rows(names))))


def _nonce(connection: RawConnection) -> str:
    query = canary.get()
    row = connection.execute(query.sql).fetchone()
    return query.read(row).nonce if row else ""
