"""Downloaded avatars: `avatars/metadata.json` and the image files that it names."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from bot.store.legacy.folder import AVATARS, IMAGES, Ignored, LegacyFolder
from bot.store.legacy.record import Columns, Entry, Fields, RecordRejectedError, read_each, require_text, to_json

LARGEST_BYTES = 16 * 1024 * 1024
SIGNATURES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


def read_avatars(folder: LegacyFolder) -> Iterator[Entry]:
    """Every avatar whose image is there and whole, one at a time in memory."""
    entries = folder.entries(AVATARS)
    return read_each(folder.source_of(AVATARS), entries, lambda key, record: _avatar(folder.path, key, record))


def ignored_images(folder: LegacyFolder) -> list[Ignored]:
    """The image files that no record names."""
    named = {str(record.get("localFilename")) for _, record in folder.entries(AVATARS) if isinstance(record, dict)}
    images = folder.path / IMAGES
    found = sorted(path.name for path in images.iterdir()) if images.is_dir() else []
    return [Ignored(f"{IMAGES}/{name}", f"{AVATARS} does not name it") for name in found if name not in named]


def _avatar(folder: Path, key: str, record: object) -> Columns:
    fields = Fields.of(record)
    name = require_text(key, "the personality")
    filename = require_text(fields.left.get("localFilename"), "the image file")
    fields.expect("originalUrl", "downloadedAt", "lastChecked")
    content = _read_image(folder / IMAGES, filename)
    checksum = fields.left.get("checksum")
    if isinstance(checksum, str) and hashlib.md5(content, usedforsecurity=False).hexdigest() != checksum.lower():
        raise RecordRejectedError("its image is not the one that its checksum was made of: torn or replaced")
    columns = {
        "personality_name": name,
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_type": _type_of(content),
        "content": content,
        "source_url": fields.text("originalUrl"),
        "downloaded_at": fields.time("downloadedAt", "iso"),
        "last_checked": fields.time("lastChecked", "iso"),
        "extra": fields.rest(),
    }
    to_json(columns["extra"])
    return columns


def _read_image(images: Path, filename: str) -> bytes:
    if filename in {".", ".."} or "/" in filename or "\\" in filename:
        raise RecordRejectedError("its image file lies outside of the folder")
    path = images / filename
    try:
        if not path.is_file():
            raise RecordRejectedError("its image file is missing")
        if path.stat().st_size > LARGEST_BYTES:
            raise RecordRejectedError(f"its image is larger than {LARGEST_BYTES // 1024 // 1024} MiB")
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise RecordRejectedError(f"its image can't be read: {type(error).__name__}") from None


def _type_of(content: bytes) -> str:
    for signature, content_type in SIGNATURES.items():
        if content.startswith(signature):
            return content_type
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    raise RecordRejectedError("its image is empty or of no known type" if content else "its image is empty")
