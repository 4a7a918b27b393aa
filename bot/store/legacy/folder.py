"""What lies in a data folder: files to import, copies that stand in for a missing one, and what is left aside."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bot.errors import InvalidInputError, UnreadableError
from bot.store.legacy.json_file import JsonFile
from bot.store.progress import Progress

PERSONALITIES = "personalities.json"
ALIASES = "aliases.json"
AUTH = "auth.json"
TOKENS = "auth_tokens.json"
VERIFIED = "nsfw_verified.json"
CONVERSATIONS = "conversations.json"
MESSAGES = "message_map.json"
ACTIVATIONS = "channel_activations.json"
AUTO_RESPONSES = "auto_response.json"
BLACKLIST = "blacklist.json"
NOTIFICATIONS = "releaseNotificationPreferences.json"
VERSION = "lastNotifiedVersion.json"
AVATARS = "avatars/metadata.json"
IMAGES = "avatars/images"

KNOWN = (
    PERSONALITIES,
    ALIASES,
    AUTH,
    TOKENS,
    VERIFIED,
    CONVERSATIONS,
    MESSAGES,
    ACTIVATIONS,
    AUTO_RESPONSES,
    BLACKLIST,
    NOTIFICATIONS,
    VERSION,
    AVATARS,
)
LISTS = (AUTO_RESPONSES,)

LEGACY_PERSONALITIES = "personalities.legacy.json"
MIGRATED = ".migrated"
VOLUME_TEST = "volume_test.txt"

STAND_INS = {
    PERSONALITIES: (LEGACY_PERSONALITIES, (PERSONALITIES,)),
    TOKENS: (TOKENS + MIGRATED, (TOKENS, AUTH)),
    VERIFIED: (VERIFIED + MIGRATED, (VERIFIED, AUTH)),
}
"""The copy that is read in place of a file, if all of the files behind it are missing."""

UNFINISHED_SUFFIX = ".importing"
OWN_PREFIX = ".tzurot"
"""Lock, marker and staging folder."""
OWN_SUFFIXES = ("", "-wal", "-shm", "-journal", "-litestream", ".import-rejects.json", ".new")
"""What this program keeps beside its database, which may lie in the same folder."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """A file that is not imported, and why."""

    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class LegacyFolder:
    """A data folder, looked through but not yet read. `files` are those to import, by the name they have there."""

    path: Path
    files: dict[str, JsonFile]
    ignored: tuple[Ignored, ...]
    notes: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = field(default=())

    def entries(self, name: str) -> Iterator[tuple[str, object]]:
        """Every entry of a file that holds an object; none if it is missing."""
        return self.files[name].entries() if name in self.files else iter(())

    def items(self, name: str) -> Iterator[object]:
        """Every element of a file that holds a list; none if it is missing."""
        return self.files[name].items() if name in self.files else iter(())

    def source_of(self, name: str) -> str:
        """The file that is really read for it."""
        return self.files[name].name if name in self.files else name


def look_through(path: Path, database: Path | None = None) -> LegacyFolder:
    """Find out what is in the folder; raises InvalidInputError where nothing in it is the original's.

    `database` is left out silently with what belongs to it, because it may lie in the same folder.
    """
    if not path.is_dir():
        raise InvalidInputError(f"{path} is no folder.", remedy="Give the data folder of the JavaScript original.")
    present = sorted(_walk(path))
    files = {name: JsonFile(path / name, name, holds_list=name in LISTS) for name in KNOWN if name in present}
    notes = list(_add_stand_ins(path, files, present))
    if not files:
        raise InvalidInputError(
            f"{path} holds no data of the JavaScript original.",
            remedy=f"Give the folder in which {PERSONALITIES} lies.",
        )
    read = {file.name for file in files.values()}
    own = _own_names(path, database)
    left = [name for name in present if name not in read and not _is_own(name, own)]
    ignored = [Ignored(name, _why_ignored(name, files)) for name in left if not name.startswith(IMAGES + "/")]
    return LegacyFolder(path, files, tuple(ignored), tuple(notes))


def survey(folder: LegacyFolder, *, may_skip: bool, watch: Progress) -> LegacyFolder:
    """Read every file to its end before anything is written; tells `watch` how many entries each has.

    Raises UnreadableError with every file that can't be read, unless those may be skipped.
    """
    unreadable: dict[str, str] = {}
    for name, file in folder.files.items():
        try:
            for done in file.survey():
                watch(name, done)
        except UnreadableError as error:
            unreadable[name] = error.message
    if unreadable and not may_skip:
        raise UnreadableError(
            f"Nothing was imported. {' '.join(unreadable.values())}",
            remedy="Mend or replace it, or leave it out with --skip-unreadable: its records are then missing.",
        )
    readable = {name: file for name, file in folder.files.items() if name not in unreadable}
    return LegacyFolder(folder.path, readable, folder.ignored, folder.notes, tuple(unreadable.values()))


def _walk(path: Path) -> Iterator[str]:
    for parent, folders, names in os.walk(path, onerror=_refuse):
        inside = Path(parent).relative_to(path)
        for name in names:
            yield str(PurePosixPath(inside / name))
        for name in list(folders):
            relative = str(PurePosixPath(inside / name))
            is_link = Path(parent, name).is_symlink()
            if is_link or relative in KNOWN or not os.access(Path(parent, name), os.R_OK | os.X_OK):
                folders.remove(name)
                yield relative


def _refuse(error: OSError) -> None:
    """A folder that can't be read is not an empty one; one that is gone by now is."""
    if not isinstance(error, FileNotFoundError):
        raise UnreadableError(f"{error.filename} can't be read: {error.strerror}.")


def _add_stand_ins(path: Path, files: dict[str, JsonFile], present: list[str]) -> Iterator[str]:
    chosen = {
        name: JsonFile(path / copy, copy)
        for name, (copy, missing) in STAND_INS.items()
        if copy in present and not any(other in files for other in missing)
    }
    files.update(chosen)
    return (f"{name} is missing; its copy {file.name} was read instead." for name, file in chosen.items())


def _own_names(path: Path, database: Path | None) -> tuple[str, ...]:
    if database is None or not database.absolute().parent.resolve().is_relative_to(path.resolve()):
        return ()
    name = database.name.removesuffix(UNFINISHED_SUFFIX)
    stems = (name, name + UNFINISHED_SUFFIX)
    return (*(stem + suffix for stem in stems for suffix in OWN_SUFFIXES), f".{name}-litestream")


def _is_own(name: str, own: tuple[str, ...]) -> bool:
    top = name.partition("/")[0]
    return top in own or top.startswith(OWN_PREFIX)


def _why_ignored(name: str, files: dict[str, JsonFile]) -> str:
    if name.lower().endswith(MIGRATED):
        live = AUTH if AUTH in files else name.removesuffix(MIGRATED)
        return f"the original moved its content into {live}, which was read; what is only in here was deleted since"
    for is_so, reason in _REASONS:
        if is_so(name):
            return reason
    return "the original keeps no data in a file of this name"


def _is_copy(name: str) -> bool:
    return "backup" in name.lower() or name.lower().endswith((".bak", ".old", ".orig", ".tmp", "~"))


_REASONS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (
        LEGACY_PERSONALITIES.__eq__,
        f"the copy that the original kept when its format changed; {PERSONALITIES} is newer and was read",
    ),
    (VOLUME_TEST.__eq__, "the original's test whether the volume can be written; it holds no data"),
    (_is_copy, "a backup or half-written copy; the file without that mark is the live one"),
    (lambda name: PurePosixPath(name).name.startswith("."), "a hidden file of the system"),
    (lambda name: name.startswith("lost+found"), "a folder of the file system"),
)
