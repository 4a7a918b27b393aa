"""Every generation's folder comes out of the database as it came in."""

from pathlib import Path
from typing import Any

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


def test_the_oldest_files_come_out_as_they_were(legacy: Any, tmp_path: Path) -> None:
    person = {"fullName": "rook", "displayName": "Rook", "avatarUrl": None, "description": "A bird."}
    legacy.write(
        "personalities.json", {"rook": person | {"createdBy": "200000000000000002", "createdAt": 1747731601331}}
    )
    legacy.write("aliases.json", {"The Bird": "ROOK"})
    legacy.bring_in()
    assert_same_records(contents(encode(legacy, Format.GEN1, tmp_path / "out")), contents(legacy.path))


def test_half_way_files_come_out_as_they_were_where_the_last_release_reads_them(legacy: Any, tmp_path: Path) -> None:
    nested = {
        "personalityId": "rook",
        "ownerId": "200000000000000003",
        "profile": {"mode": "external", "displayName": "Rook", "lastFetched": "2025-07-01T00:00:00.000Z"},
        "aliases": [{"value": "birdie", "original": "Birdie"}],
        "createdAt": "2025-06-20T09:00:01.331Z",
        "savedAt": "2025-06-21T09:00:01.331Z",
    }
    flat = {"fullName": "wren", "addedBy": "200000000000000002", "addedAt": "2025-05-20T09:00:01.331Z"}
    user = {
        "userId": "200000000000000001",
        "token": {"value": "tok-new", "expiresAt": "2026-08-01T00:00:00.000Z"},
        "nsfwStatus": {"verified": True, "verifiedAt": "2025-08-01T00:00:00.000Z"},
        "tokens": [{"value": "tok-other"}],
    }
    legacy.write("personalities.json", {"personalities": {"rook": nested, "wren": flat}, "aliases": {"w": "wren"}})
    legacy.write("auth.json", {"userAuth": {"200000000000000001": user}, "tokens": {}})
    legacy.write("auth_tokens.json", {"200000000000000002": {"token": "t", "createdAt": 1772000000000}})
    legacy.bring_in()
    files = contents(encode(legacy, Format.GEN2, tmp_path / "out"))
    assert files["personalities.json"]["personalities"] == {"rook": nested, "wren": flat}
    assert files["personalities.json"]["aliases"] == {"w": "wren"}
    assert files["auth.json"] == {
        "200000000000000001": user,
        "200000000000000002": {
            "userId": "200000000000000002",
            "token": {"value": "t", "expiresAt": "2026-03-27T06:13:20.000Z"},
            "nsfwStatus": None,
            "savedAt": "2026-02-25T06:13:20.000Z",
        },
    }


def test_folders_that_the_original_wrote_come_out_as_they_were(make_legacy: Any, tmp_path: Path) -> None:
    for sample in sorted(SAMPLES.glob("gen*")):
        legacy, source, target = make_legacy(sample.name), contents(sample), detect_format(sample)
        assert target is not None
        for reject in legacy.bring_in(sample).rejects:
            del source[reject.file][reject.key]
        assert_same_records(contents(encode(legacy, target, tmp_path / sample.name / "out")), source)
