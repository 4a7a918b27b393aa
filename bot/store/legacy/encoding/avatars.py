"""Downloaded avatars: `avatars/metadata.json` and the image files that it names."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent
from bot.store.legacy.encoding import text
from bot.store.legacy.encoding.record import Draft, Facts
from bot.store.legacy.folder import AVATARS, IMAGES

PIECE_BYTES = 256 * 1024
NAME_LIMIT = 100
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}

ROWS = """
SELECT a.personality_id, p.full_name, a.sha256, a.content_type, a.source_url, a.downloaded_at, a.last_checked, a.extra,
    length(a.content) AS size
FROM avatars AS a JOIN personalities AS p ON p.id = a.personality_id ORDER BY a.personality_id
"""
PIECE = "SELECT substr(content, :start, :size) FROM avatars WHERE personality_id = :id"


def write_avatars(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """The images, then the file that names them; nothing where no avatar was ever downloaded."""
    written: set[str] = set()
    for row in connection.execute(ROWS):
        name = _filename(row)
        if name not in written:
            written.add(name)
            yield f"{IMAGES}/{name}", _image(connection, row)
    if written:
        members = (text.member(row["full_name"], _record(connection, row)) for row in connection.execute(ROWS))
        yield AVATARS, text.file_of(members)


def _filename(row: Any) -> str:
    name = Facts.read(row["extra"]).unknown.get("localFilename")
    if isinstance(name, str):
        return name
    stem = re.sub(r"[^A-Za-z0-9 _.-]", "_", row["full_name"])[:NAME_LIMIT]
    return f"{stem}-{row['sha256'][:8]}.{ENDINGS.get(row['content_type'], 'img')}"


def _image(connection: RawConnection, row: Any) -> Iterator[bytes]:
    for start in range(0, row["size"], PIECE_BYTES):
        part = {"start": start + 1, "size": PIECE_BYTES, "id": row["personality_id"]}
        yield connection.execute(PIECE, part).fetchone()[0]


def _record(connection: RawConnection, row: Any) -> dict[str, Any]:
    facts = Facts.read(row["extra"])
    draft = Draft(facts)
    draft.text("originalUrl", row["source_url"])
    if "localFilename" not in facts.unknown:
        draft.made["localFilename"] = _filename(row)
        draft.made["checksum"] = _checksum(connection, row)
    draft.time("downloadedAt", row["downloaded_at"], "iso")
    draft.time("lastChecked", row["last_checked"], "iso")
    return draft.finish()


def _checksum(connection: RawConnection, row: Any) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    for piece in _image(connection, row):
        digest.update(piece)
    return digest.hexdigest()
