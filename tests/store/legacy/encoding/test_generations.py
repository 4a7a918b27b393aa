"""Every generation's folder comes out of the database as it came in."""

from pathlib import Path
from typing import Any

import pytest

from bot.store.files.plan import Format
from bot.store.legacy.encoding import detect_format
from tests.store.legacy.encoding.folders import contents, encode

SAMPLES = Path(__file__).parents[5] / "shared" / "legacy-data"
EMPTY: dict[str, Any] = {
    "auto_response.json": [],
    **{
        name: {}
        for name in (
            *("aliases.json", "auth_tokens.json", "nsfw_verified.json", "auth.json", "conversations.json"),
            *("message_map.json", "channel_activations.json", "blacklist.json", "releaseNotificationPreferences.json"),
        )
    },
}


def assert_same_records(encoded: dict[str, Any], source: dict[str, Any]) -> None:
    """Every file has the source's records, and those that the source did not have are empty."""
    for name, content in encoded.items():
        expected: Any = source.get(name, EMPTY.get(name))
        if name == "personalities.json" and "personalities" in content:
            assert content["personalities"] == expected["personalities"]
            assert content["aliases"] == expected["aliases"]
            assert content["version"] == "2.0.0"
        else:
            assert content == expected, name


def test_flat_files_come_out_as_they_were(flat: Any, tmp_path: Path) -> None:
    flat.bring_in()
    encoded = contents(encode(flat, Format.GEN1, tmp_path / "out"))
    assert_same_records(encoded, contents(flat.path))
    assert set(contents(flat.path)) <= set(encoded)


def test_nested_files_come_out_as_they_were(nested: Any, tmp_path: Path) -> None:
    nested.bring_in()
    encoded = contents(encode(nested, Format.GEN2, tmp_path / "out"))
    assert_same_records(encoded, contents(nested.path))
    assert set(contents(nested.path)) <= set(encoded)


@pytest.mark.parametrize("sample", sorted(SAMPLES.glob("gen*")), ids=lambda path: path.name)
def test_folders_that_the_original_wrote_come_out_as_they_were(legacy: Any, tmp_path: Path, sample: Path) -> None:
    source = contents(sample)
    target = detect_format(sample)
    assert target is not None
    for reject in legacy.bring_in(sample).rejects:
        del source[reject.file][reject.key]
    assert_same_records(contents(encode(legacy, target, tmp_path / "out")), source)
