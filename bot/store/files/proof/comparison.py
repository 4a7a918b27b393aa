"""Proof that a folder and the database hold the same: every record of both sides, compared by digest.

The database is encoded in the folder's own format, and the records of both are compared as they stand. What
differs then is looked at once more: the folder is read into a scratch database, which is encoded in the same way.
So a record in the form of an older generation is no difference, and one that an import rejects is listed apart,
with its reason.

Beside a bot whose files follow the database, a difference may only be under way. There the comparison is made
again, each time after the files have reached the database's snapshot of the time before, and only what differs in
the same way each time is a difference.
"""

import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from bot.store import storage
from bot.store.engine import RawConnection, connect_reader, opened, snapshot
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import REST_FOLDER, FolderState
from bot.store.files.proof.findings import Difference, Kind, Proof, TableProof
from bot.store.files.proof.options import ProofOptions
from bot.store.files.proof.sources import Keys, Sources
from bot.store.files.proof.tally import Pair, Side, Tally, open_tally
from bot.store.legacy.placing import TABLES
from bot.store.legacy.record import Reject, shown
from bot.store.storage import Storage
from bot.store.translate import translated

SHOWN = 5
ROUNDS = 8
"""So many that what goes to and fro all the time, like a channel switched on and off, is hardly ever caught alike."""
POLL_SECONDS = 0.05
ORDER = tuple(TABLES)

KEYS = """
SELECT t.name AS table_name, c.name FROM pragma_table_list AS t, pragma_table_info(t.name) AS c
WHERE t.schema = 'main' AND c.pk > 0 ORDER BY t.name, c.pk
"""


def compare(folder: Path, options: ProofOptions) -> Proof:
    """Compare a folder with the database, at rest or beside its bot; blocks.

    Raises InvalidInputError where the folder holds no data, UnreadableError for a file that can't be read.
    """
    settings = options.settings
    with translated(), opened(connect_reader(settings.database_path, settings.busy_timeout_seconds)) as connection:
        return prove(folder, connection, options)


def prove(folder: Path, connection: RawConnection, options: ProofOptions) -> Proof:
    """The same on a connection; in its open transaction, if there is one."""
    json_folder, recorded = JsonFolder(folder), storage.read_from(connection)
    is_followed = options.is_served and storage.is_followed_by(recorded, folder)
    with (
        tempfile.TemporaryDirectory(prefix="tzurot-proof-") as scratch,
        open_tally(Path(scratch), options.progress) as tally,
    ):
        if not is_followed and not json_folder.is_settled():  # a killed bot's, which is only read here
            json_folder = json_folder.copy_to(Path(tempfile.mkdtemp(dir=scratch)))
        state = json_folder.read()
        reason = _why_not_rest(json_folder, state, recorded, is_followed=is_followed)
        keys = None if reason else _keys(connection)
        form = json_folder.format()
        sources = Sources(json_folder.path, form, keys, Path(scratch), options)
        proof = _Comparison(sources, connection, tally, is_followed=is_followed).run()
    if recorded.mode == "json":
        proof.remarks.append(f"The files in {recorded.folder} were served last, so this database may be older.")
    if reason and state is not None:
        proof.remarks.append(f"What lies in {folder / REST_FOLDER} is not compared: {reason}.")
    return proof


def _why_not_rest(folder: JsonFolder, state: FolderState | None, recorded: Storage, *, is_followed: bool) -> str | None:
    """Why only the original's files can be compared; None where all can."""
    if state is None:
        return "this program has not written the folder"
    if state.lineage != recorded.lineage:
        return "it comes from another database"
    changed = () if is_followed else folder.changed(state)
    return f"another program has changed {changed[0]}" if changed else None


def _keys(connection: RawConnection) -> Keys:
    keys = defaultdict(list)
    for row in connection.execute(KEYS):
        keys[row["table_name"]].append(row["name"])
    return keys


class _Comparison:
    def __init__(self, sources: Sources, connection: RawConnection, tally: Tally, *, is_followed: bool) -> None:
        self._sources = sources
        self._connection = connection
        self._tally = tally
        self._options = sources.options
        self._is_followed = is_followed
        self._counter = 0

    def run(self) -> Proof:
        """Compare, as often as it takes."""
        differing = self._compare(only_lasting=False)
        for _ in range(ROUNDS - 1):
            if not differing or not self._is_followed:
                break
            if behind := self._wait_for_files():
                return Proof(self._sources.format, {}, behind=behind)
            differing = self._compare(only_lasting=True)
        return self._judge(self._explain() if differing else ())

    def _compare(self, *, only_lasting: bool) -> bool:
        with snapshot(self._connection):
            self._counter = storage.read_from(self._connection).counter
            spool = self._sources.encode(self._connection)
        self._tally.add_up(Side.DATABASE, self._sources.of_spool(spool), "reading the database")
        self._tally.add_up(Side.FOLDER, self._sources.of_folder(), "reading the folder")
        differs = self._tally.begin()
        if differs:
            self._tally.take(Side.DATABASE, self._sources.of_spool(spool), "looking for what differs")
            self._tally.take(Side.FOLDER, self._sources.of_folder(), "looking for what differs")
            differs = self._tally.settle(only_lasting=only_lasting)
        spool.clear()
        return differs

    def _wait_for_files(self) -> int:
        """Wait until the files have what the last snapshot had; by how many changes they are behind if they don't."""
        deadline = time.monotonic() + self._options.settings.json_flush_timeout_seconds
        while (behind := self._counter - self._files_counter()) > 0 and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return max(behind, 0)

    def _files_counter(self) -> int:
        state = JsonFolder(self._sources.folder).read()
        return state.counter if state else 0

    def _explain(self) -> Sequence[Reject]:
        """Look closer at what differs, unless the import's rejects say it all; returns what is rejected."""
        known = _by_place(self._options.rejects)
        is_torn = self._options.may_skip_unreadable
        if is_torn or all(pair.ours is None and _place(pair) in known for pair in self._tally.pairs()):
            return self._options.rejects
        spool, report = self._sources.load(is_written=self._is_followed)
        self._tally.take(Side.MEANING, self._sources.of_spool(spool), "looking closer")
        return report.rejects

    def _judge(self, rejects: Sequence[Reject]) -> Proof:
        proof = Proof(self._sources.format, _tables(self._tally))
        known = _by_place(rejects)
        shown_per_table: Counter[str] = Counter()
        for pair in self._tally.pairs():
            table = proof.tables[pair.table]
            if pair.ours is not None and pair.ours == pair.meant:
                table.respelled += 1
            elif pair.ours is None and pair.meant is None and _place(pair) in known:
                table.rejected += 1
                if table.rejected <= SHOWN:
                    proof.rejects.append(known[_place(pair)])
            else:
                kind = _kind(pair)
                setattr(table, kind, getattr(table, kind) + 1)
                shown_per_table[pair.table] += 1
                if shown_per_table[pair.table] <= SHOWN:
                    proof.differences.append(Difference(pair.table, shown(pair.key), kind))
        return proof


def _tables(tally: Tally) -> dict[str, TableProof]:
    theirs, ours = tally.counts[Side.FOLDER], tally.counts[Side.DATABASE]
    return {
        name: TableProof(
            folder=theirs.get(name, 0),
            database=ours.get(name, 0),
            folder_digest=tally.digest(Side.FOLDER, name),
            database_digest=tally.digest(Side.DATABASE, name),
        )
        for name in sorted(theirs.keys() | ours.keys(), key=_rank)
    }


def _rank(table: str) -> tuple[int, str]:
    return ORDER.index(table) if table in ORDER else len(ORDER), table


def _kind(pair: Pair) -> Kind:
    if pair.theirs is None:
        return Kind.ONLY_IN_DATABASE
    return Kind.ONLY_IN_FOLDER if pair.ours is None else Kind.DIFFERENT


def _by_place(rejects: Sequence[Reject]) -> dict[tuple[str, str, str], Reject]:
    return {(reject.table, reject.file, reject.key): reject for reject in rejects}


def _place(pair: Pair) -> tuple[str, str, str]:
    return pair.table, pair.file, shown(pair.key)
