"""Files that are read once and thrown away: what a database would write, without a plain token on any disk."""

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from bot.store.files.folder.disk import make_folder, write_file
from bot.store.files.plan import FileContent
from bot.store.files.proof.records import SECRET
from bot.store.legacy.folder import IMAGES, KNOWN, LISTS, LegacyFolder
from bot.store.legacy.json_file import JsonFile


@dataclass(slots=True)
class Spool:
    """Takes files in: large ones into the directory, those with tokens into memory, of images only the digest."""

    directory: Path
    files: dict[str, JsonFile] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)

    def take(self, contents: Iterable[FileContent]) -> None:
        """Take in all of them; raises StorageError where the directory has no room."""
        for name, pieces in contents:
            if name.startswith(f"{IMAGES}/"):
                self.images[name] = _hash(pieces)
            elif name in SECRET:
                self.files[name] = JsonFile(self.directory / name, name, content=b"".join(pieces))
            else:
                self.files[name] = self._write(name, pieces)

    def clear(self) -> None:
        """Throw it all away."""
        shutil.rmtree(self.directory)

    def as_folder(self) -> LegacyFolder:
        """The original's files among them."""
        return LegacyFolder(self.directory, {name: self.files[name] for name in KNOWN if name in self.files}, ())

    def _write(self, name: str, pieces: Iterable[bytes]) -> JsonFile:
        path = self.directory / name
        make_folder(path.parent)
        write_file(path, pieces)
        return JsonFile(path, name, holds_list=name in LISTS)


def _hash(pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()
