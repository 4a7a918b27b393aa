"""A folder of JSON files that change together or not at all, and of which none is ever torn.

New contents are written into a staging folder and synced. Then the mode file is replaced, which names them: that
is the commit. Only then are they renamed over the real files. A process that dies in between leaves renames that
whoever comes next finishes, or staged files that no record names, which are dropped.
"""

import logging
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from bot.errors import InvalidInputError, StorageError, UnreadableError
from bot.store.files.folder.commit import Committer, located
from bot.store.files.folder.disk import digest_or_none, locked, make_folder, told, unreadable
from bot.store.files.folder.mode_file import CommitRecord, read_record
from bot.store.files.folder.set_aside import copy_aside
from bot.store.files.folder.snapshot import copy_state
from bot.store.files.folder.state import MODE_FILE, REST_FOLDER, FileDigest, FolderState
from bot.store.files.plan import FileContent, Format
from bot.store.legacy.encoding.detect import detect_format
from bot.store.legacy.folder import IMAGES, look_through

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class JsonFolder:
    """The folder; every method blocks, so call it in a thread. It need not exist before the first commit."""

    path: Path

    def read(self) -> FolderState | None:
        """Whose state the files are; None for a folder that this program has not written.

        Only looks: renames that a writer has not finished stay as they are. Raises UnreadableError.
        """
        record = read_record(self.path)
        return record.state if record else None

    def format(self) -> Format:
        """Which generation reads the files, by the mode file, else by what lies there; raises UnreadableError.

        The last one where nothing tells.
        """
        state = self.read()
        return state.format if state else detect_format(self.path) or Format.GEN2

    def has_data(self) -> bool:
        """Whether there is a state in it, this program's or the original's."""
        return self.read() is not None or bool(self.original_files())

    def original_files(self) -> list[str]:
        """The names of the original's files that are there, with the avatars' images; raises UnreadableError."""
        images = self.path / IMAGES
        try:
            found = look_through(self.path)
            # Behind a link they are not looked for, as nothing else is.
            is_own = images.is_dir() and not images.is_symlink() and not images.parent.is_symlink()
            pictures = sorted(path.name for path in images.iterdir() if path.is_file()) if is_own else []
        except InvalidInputError:
            return []
        except OSError as error:
            raise unreadable(error.filename, error) from None
        return [*(file.name for file in found.files.values()), *(f"{IMAGES}/{name}" for name in pictures)]

    def data_files(self) -> dict[str, FileDigest]:
        """The original's files that are there, with the avatars' images, whoever wrote them; raises UnreadableError."""
        found = {name: digest_or_none(self.path / name) for name in self.original_files()}
        return {name: digest for name, digest in found.items() if digest}

    def changed(self, state: FolderState) -> tuple[str, ...]:
        """The files that are not as the state says: another content, missing, or new; only looks."""
        record = read_record(self.path)
        differing = [name for name, digest in state.files.items() if self._digest(name, record) != digest]
        dropped = record.dropped if record else {}
        added = [name for name in self.original_files() if name not in state.files and name not in dropped]
        return tuple(sorted(differing + added))

    def is_as_left(self, state: FolderState) -> bool:
        """Whether it still says what it said when this state was written, and no file is missing.

        Raises StorageError where another installation's folder has taken its place.
        """
        found = self.read()
        if found and found.lineage != state.lineage:
            raise StorageError(
                f"{self.path} can't be written: another installation's files are there by now.",
                remedy="Mount the right volume again, and start.",
            )
        is_same = found is not None and (found.counter, found.files) == (state.counter, state.files)
        with told(self.path):
            return is_same and all((self.path / name).exists() for name in state.files)

    def locate(self, name: str) -> Path:
        """Where the content of a file lies now: in its place, or still in the staging folder."""
        return located(self.path, name, read_record(self.path))

    def is_settled(self) -> bool:
        """Whether every file is in its place, so that the folder can be read as it lies."""
        record = read_record(self.path)
        return record is None or (
            all(located(self.path, name, record) == self.path / name for name in record.pending)
            and not any((self.path / name).exists() for name in record.dropped)
        )

    def copy_to(self, target: Path) -> "JsonFolder":
        """Copy the state into an empty folder, as it was at one moment, also while a bot writes here; only reads here.

        Of a folder that this program has not written, the original's files are copied.
        """
        return JsonFolder(copy_state(self.path, target, self.original_files))

    def recover(self) -> None:
        """Finish the renames of the last commit, and drop what was staged for one that never came; idempotent."""
        if self.path.is_dir():
            with locked(self.path):
                Committer(self.path).recover()

    def commit(self, contents: Iterable[FileContent], state: FolderState, drop: Collection[str] = ()) -> FolderState:
        """Make the folder be the state: these files new, those in `drop` gone unless they are new, the others kept.

        Returns the state with every file's digest once all of it is on the disk. Raises StorageError that names the
        file and the reason, and whatever `contents` raises; the folder is then as it was.
        """
        if not state.files:
            make_folder(self.path)
        committer = Committer(self.path)
        with locked(self.path):
            committer.recover()
            self._require_there(state)
            try:
                record = committer.stage(contents, state, drop)
                committer.put(record)
            except BaseException:
                with suppress(OSError, StorageError, UnreadableError):
                    committer.recover()
                raise
            try:
                committer.finish(record)
            except StorageError as error:  # the commit stands: whoever looks next finishes it
                logger.warning("%s", f"What was written into {self.path} is not in its place yet. {error}")
        return record.state

    def set_aside(self, now: datetime) -> Path | None:
        """Copy every file that a rewrite could replace into a folder beside, and name it; None if there is none."""
        mode_file = [MODE_FILE] if (self.path / MODE_FILE).is_file() else []
        present = [*mode_file, *self.replaceable()]
        return copy_aside(self.path, present, now) if present else None

    def replaceable(self) -> dict[str, FileDigest]:
        """Every file that is there and that a rewrite could replace, whoever wrote it; raises UnreadableError."""
        state, rest = self.read(), self.path / REST_FOLDER
        names = {*self.original_files(), *(state.files if state else ())}
        names |= {f"{REST_FOLDER}/{path.name}" for path in rest.iterdir()} if rest.is_dir() else set()
        found = {name: digest_or_none(self.path / name) for name in sorted(names)}
        return {name: digest for name, digest in found.items() if digest}

    def _require_there(self, state: FolderState) -> None:
        """Raise StorageError where another volume, or none, has taken the folder's place since it was written."""
        is_another = bool(state.files) and read_record(self.path) is None
        if is_another and not any((self.path / name).exists() for name in state.files):
            raise StorageError(
                f"{self.path} can't be written: its files are gone.",
                remedy="Mount the volume again; a start looks whether everything is there.",
            )

    def _digest(self, name: str, record: CommitRecord | None) -> FileDigest | None:
        found, place = located(self.path, name, record), self.path / name
        # A writer may rename it just now.
        return digest_or_none(found) or (None if found == place else digest_or_none(place))
