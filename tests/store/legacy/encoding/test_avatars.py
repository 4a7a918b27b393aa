"""Avatars come out with their images, under the names that they had or get."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.model import Avatar, Personality
from bot.store import avatars, personalities
from bot.store.files.plan import Format
from tests.store.legacy.encoding.folders import contents, encode, rows, write

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)
ISO = "2026-03-04T05:06:07.089Z"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3000
MD5 = hashlib.md5(PNG, usedforsecurity=False).hexdigest()
SHA256 = hashlib.sha256(PNG).hexdigest()


@pytest.mark.parametrize("target", Format)
def test_imported_avatars_come_out_as_they_were(flat: Any, make_legacy: Any, target: Format) -> None:
    again = make_legacy("again")
    usual = {
        "originalUrl": "http://127.0.0.1/rook.png",
        "localFilename": "rook 🐦-1.png",
        "checksum": MD5.upper(),
        "downloadedAt": "2025-07-20T09:00:05.131Z",
        "lastChecked": None,
    }
    records = {"rook": usual | {"tries": 3}, "wren-small": {"localFilename": "rook 🐦-1.png"}}
    flat.write("avatars/metadata.json", records)
    flat.write_bytes("avatars/images/rook 🐦-1.png", PNG)
    assert flat.bring_in().rejects == []
    files = contents(encode(flat, target, again.path))
    assert files["avatars/metadata.json"] == records
    assert files["avatars/images/rook 🐦-1.png"] == PNG
    assert again.bring_in().rejects == []
    assert rows(again)["avatars"] == rows(flat)["avatars"]


def test_a_new_avatar_is_named_after_its_personality_and_its_content(legacy: Any, tmp_path: Path) -> None:
    name = "../" + "ünïcode/" * 20
    write(
        legacy,
        personalities.put(Personality(name, "x", 0, NOW)),
        avatars.put(Avatar(1, SHA256, "image/png", PNG, "http://127.0.0.1/x.png", NOW, NOW)),
    )
    filename = f".._{'_n_code_' * 20}"[:100] + f"-{SHA256[:8]}.png"
    files = contents(encode(legacy, Format.GEN2, tmp_path / "out"))
    assert files[f"avatars/images/{filename}"] == PNG
    assert files["avatars/metadata.json"] == {
        name: {
            "originalUrl": "http://127.0.0.1/x.png",
            "localFilename": filename,
            "checksum": MD5,
            "downloadedAt": ISO,
            "lastChecked": ISO,
        }
    }
