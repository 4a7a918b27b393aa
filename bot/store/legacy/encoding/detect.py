"""Which of its formats the original left a folder in."""

from pathlib import Path

from bot.store.files.plan import Format
from bot.store.legacy import personalities
from bot.store.legacy.folder import (
    ALIASES,
    AUTH,
    LEGACY_PERSONALITIES,
    MIGRATED,
    PERSONALITIES,
    TOKENS,
    VERIFIED,
    LegacyFolder,
)
from bot.store.legacy.json_file import JsonFile


def detect_format(folder: Path) -> Format | None:
    """The format of what lies in the folder; None where nothing does that only one format has.

    Raises UnreadableError if that can't be seen because `personalities.json` is torn.
    """
    if _exists(folder, PERSONALITIES):
        file = JsonFile(folder / PERSONALITIES, PERSONALITIES)
        people = personalities.load(LegacyFolder(folder, {PERSONALITIES: file}, ()))
        if people.is_nested:
            return Format.GEN2
        if people.records:
            return Format.GEN1
    if _exists(folder, AUTH, LEGACY_PERSONALITIES, TOKENS + MIGRATED, VERIFIED + MIGRATED):
        return Format.GEN2
    return Format.GEN1 if _exists(folder, PERSONALITIES, ALIASES, TOKENS, VERIFIED) else None


def _exists(folder: Path, *names: str) -> bool:
    return any((folder / name).exists() for name in names)
