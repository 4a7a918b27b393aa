"""What a JSON folder's `.tzurot-mode.json` says: whose state the files are, up to which change, and their digests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.store.files.plan import Format

MODE_FILE = ".tzurot-mode.json"
REST_FOLDER = ".tzurot"
"""Where that part of the state lies for which the original has no file: turns, changes, webhooks, …"""


@dataclass(frozen=True, slots=True)
class FileDigest:
    """What a file held when it was written here."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FolderState:
    """The folder as this program left it.

    `lineage` and `counter` are those of the database (or of the json mode) that the files were written from;
    `is_final` is False for an export beside a running bot, which goes on without the folder.
    """

    lineage: str
    mode: str
    counter: int
    format: Format
    is_final: bool
    written_at: datetime
    files: Mapping[str, FileDigest] = field(default_factory=dict)
