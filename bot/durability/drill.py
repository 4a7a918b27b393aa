"""The restore on trial: the copy in the bucket is fetched twice, checked in full, and held against the live database.

It runs in a process of its own, as `tzurot drill`, also where the bot starts it: hashing every row would hold the
bot's answers up.

Of Litestream 0.5.17: `restore -txid` restores up to and including that transaction, and says "no matching backup files
available" of one that is not there. Every 30 s, and a second after its start, a running Litestream compacts from its
local files: a file that broke in the bucket may so be covered by a sound one, and what a drill then verifies is right.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from bot.durability.aside import run_aside
from bot.durability.bucket import Bucket
from bot.durability.lineage import format_txid, parse_txid
from bot.durability.restore import Restored, Source, fetch
from bot.durability.witness import Mark, Witness
from bot.errors import (
    BusyError,
    ConfigurationError,
    DamagedError,
    NotFoundError,
    StorageError,
    TzurotError,
    UnavailableError,
    UnreadableError,
)
from bot.model import Clock, Heard, Place, utc_now
from bot.rules.operation.drill import Drill, Outcome, Scope, differing
from bot.settings import Settings
from bot.store import canary, personalities, situation
from bot.store.cipher import Cipher, open_samples, require_keys
from bot.store.digest import digest_tables
from bot.store.driver import SQLiteStore, open_store
from bot.store.migrate import migrate
from bot.store.overview import is_own

T = TypeVar("T")
Progress = Callable[[str], None]

SCRATCH = "tzurot-drill-"
SPARE = 1.1
"""How much more room than the live database's size a restore on trial gets."""


class Rehearsal:
    """One drill. Without a witness the newest copy is checked by itself. `tell` is told each step as it begins."""

    def __init__(self, settings: Settings, cipher: Cipher, witness: Witness | None, tell: Progress) -> None:
        self._settings = settings
        self._cipher = cipher
        self._witness = witness
        self._tell = tell
        self._clock: Clock = utc_now
        self._steps: dict[str, float] = {}
        self._source: Source | None = None
        self._restored: Restored | None = None
        self._byte_count: int | None = None
        self._digests: dict[str, str] = {}

    async def hold(self) -> Drill:
        """All of it; every way it may end is an outcome."""
        started = self._clock()
        outcome, reason = Outcome.VERIFIED, ""
        try:
            with scratch_folder(self._settings) as folder:
                await self._rehearse(folder)
        except TzurotError as error:
            outcome, reason = await self._judge(error)
        return Drill(
            outcome=outcome,
            scope=Scope.LIVE if self._witness else Scope.COPY,
            started_at=started,
            finished_at=self._clock(),
            reason=reason,
            prefix=self._source.prefix if self._source else None,
            txid=self._source.txid if self._source else None,
            byte_count=self._byte_count,
            row_count=self._restored.rows if self._restored else None,
            steps=self._steps,
            digests=self._digests,
        )

    async def _rehearse(self, folder: Path) -> None:
        mark = await self._timed("mark", self._witness.mark()) if self._witness else None
        source = Source(mark.prefix, txid=format_txid(mark.txid)) if mark else await self._newest()
        self._source = source
        first = await self._timed("restore", fetch(self._settings, source, folder / "first" / "tzurot.db"))
        self._restored = first
        self._source = source = replace(source, txid=first.txid)
        self._byte_count = first.path.stat().st_size
        self._digests = await self._timed("digests", run_aside(digest_tables, first.path))
        await self._timed("boot", self._boot(first, mark))
        shutil.rmtree(folder / "first")
        second = await self._timed("second restore", fetch(self._settings, source, folder / "second" / "tzurot.db"))
        again = await self._timed("second digests", run_aside(digest_tables, second.path))
        if tables := differing(self._digests, again):
            raise UnreadableError(
                f"Two restores of transaction {parse_txid(first.txid)} differ in {', '.join(tables)}."
            )

    async def _newest(self) -> Source:
        version = await Bucket(self._settings).read_current()
        if version is None:
            raise NotFoundError(f"There is no copy at {self._settings.replica_prefix}.")
        return Source(version.current.prefix)

    async def _boot(self, restored: Restored, mark: Mark | None) -> None:
        """What a start would do with the copy, without Discord: schema, keys, secrets, and one message's look-up."""
        await run_aside(migrate, restored.path)
        settings = self._settings.model_copy(update={"database_path": restored.path})
        store = await open_store(restored.path, settings=settings)
        try:
            await require_keys(store, self._cipher)
            await open_samples(store, self._cipher)
            await _look_up_one(store)
            if mark is not None:
                await _require_same(store, restored, mark)
        finally:
            await store.close()

    async def _timed(self, step: str, work: Awaitable[T]) -> T:
        self._tell(step)
        started = time.monotonic()
        try:
            return await work
        finally:
            self._steps[step] = round((time.monotonic() - started) * 1000, 1)

    async def _judge(self, error: TzurotError) -> tuple[Outcome, str]:
        """Whether the copy is to blame."""
        is_about_here = isinstance(error, StorageError) and not isinstance(error, DamagedError)
        if is_about_here or isinstance(error, ConfigurationError):
            return Outcome.INCONCLUSIVE, error.message
        if not isinstance(error, UnavailableError):
            return Outcome.FAILED, error.message
        doubt = error.message if self._source is None else await self._find_doubt(self._source.prefix)
        return (Outcome.INCONCLUSIVE, doubt) if doubt else (Outcome.FAILED, error.message)

    async def _find_doubt(self, prefix: str) -> str:
        """Why a copy could not be fetched without being to blame; empty where the bucket answers and still names it."""
        try:
            version = await Bucket(self._settings).read_current()
        except (UnavailableError, ConfigurationError) as error:
            return error.message
        is_same = version is not None and version.current.prefix == prefix
        return "" if is_same else "Another epoch began meanwhile."


async def _look_up_one(store: SQLiteStore) -> None:
    """Find a personality as a message would that mentions it."""
    names = await store.fetch(personalities.first_name())
    heard = Heard(message_id=0, author_id=0, place=Place(channel_id=0), content="")
    [seen] = await store.look_up(situation.find(heard, utc_now(), names))
    try:
        found = seen.mentioned
    except ValueError:
        raise UnreadableError(f"The copy's personality {names[0]} can't be read.") from None
    if missing := [name for name in names if name not in found]:
        raise UnreadableError(f"The copy knows the personality {missing[0]}, and a message would not find it.")


async def _require_same(store: SQLiteStore, restored: Restored, mark: Mark) -> None:
    """The canary and the rows; beside a bot that wrote in between, neither proves that something is missing."""
    rows = {table: count for table, count in restored.tables.items() if is_own(table)}
    strays = mark.bracket.strays(rows)
    found = await store.first(canary.get())
    is_known = found is not None and found.nonce in mark.nonces
    if is_known and not strays:
        return
    if not mark.bracket.is_quiet:
        raise BusyError(f"The bot wrote to {', '.join(strays or ['canary'])} while it was counted.")
    if not is_known:
        raise UnreadableError("The copy lacks the write that was confirmed to be in it.")
    shown = ", ".join(
        f"{table} ({mark.bracket.before.get(table, 0):,} rows, the copy {rows.get(table, 0):,})" for table in strays
    )
    raise UnreadableError(f"The copy differs from the live database in {shown}.")


@contextlib.contextmanager
def scratch_folder(settings: Settings) -> Iterator[Path]:
    """A folder for the copies, not on the volume, gone at the end; those of drills that were killed go first."""
    base = Path(tempfile.gettempdir()).resolve()
    volume = settings.database_path.absolute().parent.resolve()
    if base.is_relative_to(volume):
        raise ConfigurationError(f"TMPDIR {base} is on the volume.", remedy="Let it name another disk.")
    _sweep(base)
    with (
        tempfile.TemporaryDirectory(prefix=f"{SCRATCH}{os.getpid()}-", ignore_cleanup_errors=True) as name,
        _locked(Path(name)),
    ):
        _require_space(Path(name), settings.database_path)
        for part in ("first", "second"):
            (Path(name) / part).mkdir()
        yield Path(name)


def _sweep(base: Path) -> None:
    for left in base.glob(f"{SCRATCH}*"):
        with contextlib.suppress(OSError), _locked(left):  # a running drill has it, or another user
            shutil.rmtree(left, ignore_errors=True)


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Mark a folder as in use for as long as this process lives; its id would prove nothing after a new container."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(fd)


def _require_space(folder: Path, database: Path) -> None:
    files = (database, database.with_name(f"{database.name}-wal"))
    needed = int(SPARE * sum(file.stat().st_size for file in files if file.exists()))
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"{folder.parent} has {free:,} bytes free, and {needed:,} are needed for a restore on trial."
        )
