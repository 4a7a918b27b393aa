"""The steps of a commit into a folder: stage, put the record in place, rename; and the end of one that was torn."""

import logging
import secrets
import shutil
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from bot.errors import StorageError
from bot.store.files.folder.disk import FILE_MODE, digest_or_none, make_folder, sync, sync_file, told, write_file
from bot.store.files.folder.mode_file import CommitRecord, Pending, read_record, require_inside
from bot.store.files.folder.state import MODE_FILE, FileDigest, FolderState
from bot.store.files.plan import FileContent

STAGING = ".tzurot-new"
OVERTAKEN = ".tzurot-overtaken"
"""Where a file is kept, the last one of its name, that gave way because another program wrote it meanwhile."""
RECORD = "mode"

logger = logging.getLogger(__name__)


def located(folder: Path, name: str, record: CommitRecord | None) -> Path:
    """Where a file's content lies: in its place, or still in the staging folder."""
    if record and name in record.pending:
        staged = folder / STAGING / record.pending[name].staged
        if staged.exists():
            return staged
    return folder / name


@dataclass(frozen=True, slots=True)
class Committer:
    """Commits into one folder; whoever calls holds its lock."""

    path: Path

    @property
    def staging(self) -> Path:
        """Where new contents wait."""
        return self.path / STAGING

    def stage(self, contents: Iterable[FileContent], state: FolderState, drop: Collection[str]) -> CommitRecord:
        """Write and sync every new content; what the folder has already is left out. Nothing is in place yet."""
        make_folder(self.staging)
        pending: dict[str, Pending] = {}
        fresh: dict[str, FileDigest] = {}
        # A name of an earlier commit would be taken for what that one still has to rename.
        token = secrets.token_hex(8)
        for number, (name, pieces) in enumerate(contents):
            staged = self.staging / f"{token}-{number}"
            fresh[require_inside(name)] = digest = write_file(staged, pieces)
            with told(self.path / name):
                before = digest_or_none(self.path / name)
                if digest == state.files.get(name) == before:
                    staged.unlink()
                    continue
                sync_file(staged)
                self._prepare(self.path / name)
                pending[name] = Pending(staged.name, before.sha256 if before else None)
            self._keep_foreign(name, before, (state.files.get(name), digest))
        gone = set(drop) - fresh.keys()
        dropped = {}
        for name in sorted(gone):
            if found := digest_or_none(self.path / name):
                self._keep_foreign(name, found, (state.files.get(name),))
                dropped[name] = found.sha256
        files = {name: digest for name, digest in {**state.files, **fresh}.items() if name not in gone}
        return CommitRecord(replace(state, files=files), pending, dropped)

    def put(self, record: CommitRecord) -> None:
        """Replace the mode file by the record: the commit itself."""
        staged, place = self.staging / RECORD, self.path / MODE_FILE
        with told(place):
            before = place.read_bytes() if place.exists() else None
            self._write_record(record.to_bytes())
            sync(self.staging)
            staged.replace(place)
        try:
            sync(self.path)
        except StorageError:
            # The record can be seen, but it may not last: back to the one that does.
            self._take_back(before)
            raise

    def finish(self, record: CommitRecord) -> None:
        """Rename every staged file into its place, and delete what was dropped; nothing where that is done."""
        touched = set()
        for name, pending in record.pending.items():
            staged, place = self.staging / pending.staged, self.path / name
            if staged.exists():
                make_folder(place.parent)
                with told(place):
                    staged.replace(place)
                touched |= {place.parent, self.staging}
        for name, before in record.dropped.items():
            place = self.path / name
            found = digest_or_none(place)
            if found and found.sha256 == before:
                with told(place):
                    place.unlink()
                touched.add(place.parent)
        for folder in touched:
            sync(folder)
        if record.dropped:
            # Named any longer, they would go a second time after somebody has made them anew.
            self.put(CommitRecord(record.state))

    def recover(self) -> None:
        """Finish what the record names, and drop what it does not; cheap where there is nothing to do."""
        record = read_record(self.path)
        if record and (record.dropped or self._left()):
            self._keep_overtaken(record)
            self.finish(record)
        for left in self._left():
            with told(left):
                left.unlink(missing_ok=True)

    def _left(self) -> list[Path]:
        with told(self.staging):
            return list(self.staging.iterdir()) if self.staging.is_dir() else []

    def _prepare(self, place: Path) -> None:
        """Raise now what would make the rename fail after the commit."""
        make_folder(place.parent)
        if place.is_dir():
            raise StorageError(f"{place} can't be written: it is a folder.", remedy="Move it away.")
        if place.parent.stat().st_dev != self.staging.stat().st_dev:
            raise StorageError(
                f"{place} can't be written: it lies on another volume than {self.path}.",
                remedy="Keep the whole folder on one volume, so that its files can change together.",
            )

    def _write_record(self, content: bytes) -> None:
        staged = self.staging / RECORD
        make_folder(self.staging)
        staged.unlink(missing_ok=True)
        write_file(staged, (content,))
        sync_file(staged)

    def _take_back(self, before: bytes | None) -> None:
        with suppress(OSError, StorageError):
            if before is None:
                (self.path / MODE_FILE).unlink()
            else:
                self._write_record(before)
                (self.staging / RECORD).replace(self.path / MODE_FILE)

    def _keep_foreign(self, name: str, found: FileDigest | None, known: Collection[FileDigest | None]) -> None:
        """Copy a file that is about to be replaced or deleted, where another program has written it."""
        if found is None or found in known:
            return
        place, kept = self.path / name, self.path / OVERTAKEN / name
        make_folder(kept.parent)
        with told(kept):
            shutil.copyfile(place, kept)
            kept.chmod(FILE_MODE)
        sync_file(kept)
        sync(kept.parent)
        logger.warning("%s", f"{place} was changed by another program, and gives way; what stood there is in {kept}.")

    def _keep_overtaken(self, record: CommitRecord) -> None:
        """Leave a file that another program has written since the commit; what was meant for it is kept beside."""
        for name, pending in record.pending.items():
            staged, place = self.staging / pending.staged, self.path / name
            if not staged.exists() or not (found := digest_or_none(place)):
                continue
            if found.sha256 in {pending.before, record.state.files[name].sha256}:
                continue
            kept = self.path / OVERTAKEN / name
            make_folder(kept.parent)
            with told(kept):
                staged.replace(kept)
            sync(kept.parent)
            logger.warning("%s", f"{place} was changed by another program; what was meant for it is in {kept}.")
