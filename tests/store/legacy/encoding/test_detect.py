"""The format of a folder, by what lies there."""

from typing import Any

import pytest

from bot.errors import UnreadableError
from bot.store.files.plan import Format
from bot.store.legacy.encoding import detect_format

PERSON = {"rook": {"fullName": "rook", "displayName": "Rook"}}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"message_map.json": {}, "blacklist.json": {}}, None),
        ({"personalities.json": PERSON}, Format.GEN1),
        ({"personalities.json": PERSON, "auth.json": {}}, Format.GEN1),
        ({"personalities.json": {}}, Format.GEN1),
        ({"personalities.json": {}, "auth.json": {}}, Format.GEN2),
        ({"personalities.json": {"personalities": {}, "aliases": {}}, "aliases.json": {}}, Format.GEN2),
        ({"aliases.json": {}}, Format.GEN1),
        ({"auth_tokens.json": {}}, Format.GEN1),
        ({"nsfw_verified.json": {}}, Format.GEN1),
        ({"auth.json": {}, "aliases.json": {}}, Format.GEN2),
        ({"auth_tokens.json.migrated": {}}, Format.GEN2),
        ({"personalities.legacy.json": PERSON}, Format.GEN2),
    ],
)
def test_a_format_is_told_by_the_files_that_only_it_has(legacy: Any, files: Any, expected: Format | None) -> None:
    for name, content in files.items():
        legacy.write(name, content)
    assert detect_format(legacy.path) is expected


def test_torn_personalities_are_of_no_format(legacy: Any) -> None:
    legacy.write_bytes("personalities.json", b'{"rook": {"fullNa')
    with pytest.raises(UnreadableError, match=r"personalities\.json can't be read at line 1"):
        detect_format(legacy.path)


def test_a_folder_that_is_not_there_has_no_format(legacy: Any) -> None:
    assert detect_format(legacy.path / "nowhere") is None
