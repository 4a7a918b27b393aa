"""The two sides of a comparison as records: the folder's files, and what the database would write in their place."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.store.cipher import cipher_from
from bot.store.engine import RawConnection, connect_reader, opened, snapshot
from bot.store.files.all_plans import all_plans
from bot.store.files.folder.disk import digest_or_none
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.loader import Loader
from bot.store.files.plan import Format
from bot.store.files.proof.options import ProofOptions
from bot.store.files.proof.records import Record, read_records, read_rest
from bot.store.files.proof.spool import Spool
from bot.store.legacy.encoding import plans
from bot.store.legacy.folder import look_through, survey
from bot.store.legacy.report import ImportReport
from bot.store.migrate import LOCK_SECONDS

Keys = Mapping[str, Sequence[str]]
"""The primary keys of the tables."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is compared: the original's files, and with `keys` the rest; `scratch` is an empty directory."""

    folder: Path
    format: Format
    keys: Keys | None
    scratch: Path
    options: ProofOptions

    def of_folder(self) -> Iterator[Record]:
        """The folder's records; raises UnreadableError for a file that can't be read."""
        found = look_through(self.folder, self.options.settings.database_path)
        if self.options.may_skip_unreadable:
            found = survey(found, may_skip=True, watch=self.options.progress)
        yield from read_records(found, self._digest_image)
        if self.keys is not None:
            yield from read_rest(self.folder, self.keys)

    def encode(self, connection: RawConnection) -> Spool:
        """What the database would write, as the open transaction sees it."""
        spool = Spool(Path(tempfile.mkdtemp(dir=self.scratch)))
        cipher = cipher_from(self.options.settings)
        for plan in plans(self.format) if self.keys is None else all_plans(self.format):
            self.options.progress(f"encoding {plan.name}", 0)
            spool.take(plan.write(connection, cipher))
        return spool

    def of_spool(self, spool: Spool) -> Iterator[Record]:
        """The records of what was encoded."""
        yield from read_records(spool.as_folder(), spool.images.get)
        if self.keys is not None:
            yield from read_rest(spool.directory, self.keys)

    def load(self, *, is_written: bool) -> tuple[Spool, ImportReport]:
        """What the folder is read as, in the form in which it would be written, and how the reading went.

        One that a bot goes on to write is read as it is at one moment, which only a copy of it stays.
        """
        path, settings, folder = self.scratch / "meaning.db", self.options.settings, JsonFolder(self.folder)
        if is_written:
            folder = folder.copy_to(Path(tempfile.mkdtemp(dir=self.scratch)))
        report = Loader(settings, cipher_from(settings), by_records=True)(folder, path, self.options.progress)
        with opened(connect_reader(path, LOCK_SECONDS)) as connection, snapshot(connection):
            return self.encode(connection), report

    def _digest_image(self, name: str) -> str | None:
        found = digest_or_none(self.folder / name)
        return found.sha256 if found else None
