"""The two sides of a comparison as records: the folder's files, and what the database would write in their place."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, connect_reader, opened, snapshot
from bot.store.files.folder.disk import digest_or_none
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.loader import Loader
from bot.store.files.plan import Format, Plan
from bot.store.files.proof.records import Record, read_records, read_rest
from bot.store.files.proof.spool import Spool
from bot.store.legacy.folder import look_through, survey
from bot.store.legacy.report import ImportReport
from bot.store.migrate import LOCK_SECONDS
from bot.store.progress import Progress

Keys = Mapping[str, Sequence[str]]
"""The primary keys of the tables."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What is compared: these plans' files, and with `keys` the rest; `scratch` is an empty directory."""

    folder: Path
    settings: Settings
    cipher: Cipher
    scratch: Path
    format: Format
    plans: tuple[Plan, ...]
    keys: Keys | None
    progress: Progress
    may_skip_unreadable: bool = False

    def of_folder(self) -> Iterator[Record]:
        """The folder's records; raises UnreadableError for a file that can't be read."""
        found = look_through(self.folder, self.settings.database_path)
        if self.may_skip_unreadable:
            found = survey(found, may_skip=True, watch=self.progress)
        yield from read_records(found, self._digest_image)
        if self.keys is not None:
            yield from read_rest(self.folder, self.keys)

    def encode(self, connection: RawConnection) -> Spool:
        """What the database would write, as the open transaction sees it."""
        spool = Spool(Path(tempfile.mkdtemp(dir=self.scratch)))
        for plan in self.plans:
            self.progress(f"encoding {plan.name}", 0)
            spool.take(plan.write(connection, self.cipher))
        return spool

    def of_spool(self, spool: Spool) -> Iterator[Record]:
        """The records of what was encoded."""
        yield from read_records(spool.as_folder(), spool.images.get)
        if self.keys is not None:
            yield from read_rest(spool.directory, self.keys)

    def load(self) -> tuple[Spool, ImportReport]:
        """What the folder is read as, in the form in which it would be written, and how the reading went."""
        path = self.scratch / "meaning.db"
        report = Loader(self.settings, self.cipher, by_records=True)(JsonFolder(self.folder), path, self.progress)
        with opened(connect_reader(path, LOCK_SECONDS)) as connection, snapshot(connection):
            return self.encode(connection), report

    def _digest_image(self, name: str) -> str | None:
        found = digest_or_none(self.folder / name)
        return found.sha256 if found else None
