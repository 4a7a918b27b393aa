"""Dirt that real files carry: kept, repaired, or rejected with a reason; never dropped in silence, never a crash."""

from typing import Any

import pytest

USER = "200000000000000001"
OWNER = 100000000000000001


def reasons(report: Any) -> dict[str, str]:
    return {reject.key: reject.reason for reject in report.rejects}


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"fullName": name, "addedBy": USER, "addedAt": "2025-05-20T09:00:01.331Z", "displayName": name} | more


@pytest.mark.parametrize("record", [None, "text", 7, [], True])
@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("personalities.json", "rook"),
        ("aliases.json", "rook"),
        ("auth_tokens.json", USER),
        ("auth.json", USER),
        ("nsfw_verified.json", USER),
        ("conversations.json", f"{USER}-300000000000000001"),
        ("message_map.json", "1379000001522532352"),
        ("channel_activations.json", "300000000000000001"),
        ("blacklist.json", USER),
        ("releaseNotificationPreferences.json", USER),
        ("avatars/metadata.json", "rook"),
    ],
)
def test_a_record_of_the_wrong_type_is_rejected_alone(legacy: Any, file: str, key: str, record: Any) -> None:
    legacy.write("personalities.json", {"rook": person("rook")})
    legacy.write(file, {key: record})
    report = legacy.bring_in()
    assert [(reject.file, reject.key) for reject in report.rejects] == [(file, key)]


def test_names_over_the_limits_are_kept(legacy: Any) -> None:
    name = "n" * 300
    legacy.write("personalities.json", {name: person(name, displayName="d" * 500)})
    legacy.write("aliases.json", {"alias " * 60: name})
    report = legacy.bring_in()
    assert report.rejects == []


def test_an_owner_that_is_no_id_becomes_the_bots_owner(legacy: Any) -> None:
    legacy.write("personalities.json", {"200000000000000007": person("200000000000000007", addedBy="lilith")})
    legacy.bring_in()
    row = legacy.row("SELECT * FROM personalities")
    assert row["added_by"] == OWNER
    assert row["extra"]["import"]["original"] == {"addedBy": "lilith"}


def test_without_a_bots_owner_it_belongs_to_nobody(legacy: Any) -> None:
    legacy.settings = legacy.settings.model_copy(update={"bot_owner_id": 0})
    legacy.write("personalities.json", {"rook": person("rook", addedBy=None)})
    legacy.bring_in()
    assert legacy.row("SELECT * FROM personalities")["added_by"] == 0


def test_the_key_is_the_name_and_the_other_name_still_leads_to_it(legacy: Any) -> None:
    legacy.write("personalities.json", {"rook": person("rook-the-bird")})
    legacy.write("aliases.json", {"bird": "rook-the-bird", "loud": "ROOK"})
    report = legacy.bring_in()
    assert report.rejects == []
    assert {row["alias"]: row["personality_name"] for row in legacy.rows("SELECT * FROM personality_aliases")} == {
        "bird": "rook",
        "loud": "rook",
    }
    assert legacy.row("SELECT * FROM personalities")["extra"]["import"]["original"] == {"fullName": "rook-the-bird"}


def test_of_aliases_that_collide_the_lower_case_one_counts(legacy: Any) -> None:
    legacy.write("personalities.json", {"rook": person("rook"), "wren": person("wren")})
    legacy.write("aliases.json", {"Bird": "rook", "bird": "wren", "BIRD": "wren", "Ünlü": "rook", "ÜNLÜ": "wren"})
    report = legacy.bring_in()
    assert {row["alias"]: row["personality_name"] for row in legacy.rows("SELECT * FROM personality_aliases")} == {
        "bird": "wren",
        "ünlü": "rook",
    }
    assert set(reasons(report)) == {"Bird", "BIRD", "ÜNLÜ"}


def test_what_points_to_nothing_is_rejected_with_its_name(legacy: Any) -> None:
    legacy.write("personalities.json", {"rook": person("rook")})
    legacy.write("aliases.json", {"ghost": "nobody", "bird": "rook"})
    record = {"activatedBy": USER, "timestamp": 1749321740820}
    legacy.write(
        "channel_activations.json",
        {
            "300000000000000001": record | {"personalityName": "nobody"},
            "300000000000000002": record | {"personalityName": "bird"},
            "300000000000000003": record | {"personalityName": "ghost"},
        },
    )
    report = legacy.bring_in()
    assert set(reasons(report)) == {"ghost", "300000000000000001", "300000000000000003"}
    assert "'nobody'" in reasons(report)["ghost"]
    resolved = legacy.row("SELECT * FROM channel_activations")
    assert (resolved["channel_id"], resolved["personality_name"]) == (300000000000000002, "rook")
    assert resolved["extra"]["import"]["original"] == {"personalityName": "bird"}


def test_a_removed_personality_has_no_aliases_but_keeps_them_for_the_way_back(nested: Any) -> None:
    nested.write(
        "personalities.json",
        {
            "personalities": {"owl": {"ownerId": USER, "profile": {}, "aliases": [{"value": "hoot"}], "removed": True}},
            "aliases": {"hoot": "owl"},
        },
    )
    report = nested.bring_in()
    assert "was removed" in reasons(report)["hoot"]
    assert nested.row("SELECT * FROM personalities")["extra"]["aliases"] == [{"value": "hoot"}]


def test_a_message_of_an_unknown_personality_makes_a_removed_one(legacy: Any) -> None:
    record = {
        "userId": USER,
        "channelId": "300000000000000001",
        "personalityName": "long-gone",
        "timestamp": 1749321806895,
        "isDM": False,
        "isMentionOnly": False,
    }
    keys = ["1379000001522532352", "1379000001522532353"]
    legacy.write("message_map.json", dict.fromkeys(keys, record))
    legacy.write("conversations.json", {f"{USER}-300000000000000001": record})
    report = legacy.bring_in()
    assert report.notes.placeholders == 1
    assert report.tables["personalities"].read == 0
    gone = legacy.row("SELECT * FROM personalities")
    assert (gone["full_name"], gone["is_active"], gone["added_by"]) == ("long-gone", 0, 0)
    assert legacy.rows("SELECT count(*) AS n FROM message_mappings WHERE personality_id = ?", gone["id"]) == [{"n": 2}]
    assert legacy.bring_in().tables["message_mappings"].unchanged == 2


def test_unusual_values_in_a_message_are_repaired_and_kept_as_they_were(legacy: Any) -> None:
    legacy.write("personalities.json", {"rook": person("rook")})
    record = {
        "userId": 200000000000000001,
        "channelId": "300000000000000001",
        "personalityName": "Rook",
        "timestamp": 1749321806,
        "isDM": "true",
        "isMentionOnly": None,
        "guild": "x",
    }
    legacy.write("message_map.json", {"1379000001522532352": record})
    legacy.bring_in()
    row = legacy.row("SELECT * FROM message_mappings")
    assert (row["user_id"], row["is_dm"], row["is_mention_only"]) == (200000000000000001, 1, 0)
    assert row["sent_at"] == "2025-06-07T18:43:26.000Z"
    assert row["extra"] == {
        "guild": "x",
        "import": {
            "original": {
                "timestamp": 1749321806,
                "isDM": "true",
                "isMentionOnly": None,
                "userId": 200000000000000001,
                "personalityName": "Rook",
            }
        },
    }


@pytest.mark.parametrize(
    "moment",
    [
        -1,
        0,
        1.5e30,
        10**40,
        "soon",
        "2025-13-45T00:00:00Z",
        "0001-01-01T00:00:00Z",
        [],
        True,
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_an_absurd_date_costs_no_record(legacy: Any, moment: Any) -> None:
    if moment == 10**40:
        legacy.write_bytes("personalities.json", b'{"rook": {"addedAt": 123456789012345678901234567890}}')
        assert "64 bits" in reasons(legacy.bring_in())["rook"]
        return
    legacy.write("personalities.json", {"rook": person("rook", addedAt=moment, lastUpdated=moment)})
    legacy.write("auth_tokens.json", {USER: {"token": "t", "createdAt": moment}})
    legacy.write("conversations.json", {f"{USER}-{USER}": {"personalityName": "rook", "timestamp": moment}})
    report = legacy.bring_in()
    assert report.rejects == []
    row = legacy.row("SELECT * FROM personalities")
    assert row["added_at"] == "1970-01-01T00:00:00.000Z"
    assert row["extra"]["import"]["original"]["addedAt"] == moment
    assert legacy.bring_in().count("imported") == 0


def test_times_in_other_spellings_are_understood(legacy: Any) -> None:
    spellings = ["2025-05-20T11:00:01+02:00", 1747731601, "1747731601000", "2025-05-20 09:00:01"]
    legacy.write("personalities.json", {f"p{n}": person(f"p{n}", addedAt=each) for n, each in enumerate(spellings)})
    legacy.bring_in()
    assert {row["added_at"] for row in legacy.rows("SELECT added_at FROM personalities")} == {
        "2025-05-20T09:00:01.000Z"
    }


def test_a_login_that_was_to_last_for_ever_does(legacy: Any) -> None:
    legacy.write("auth_tokens.json", {USER: {"token": "t", "createdAt": 1747731601000, "expiresAt": 9007199254740991}})
    legacy.bring_in()
    assert legacy.row("SELECT * FROM auth_tokens")["expires_at"] is None


@pytest.mark.parametrize("text", ["a\0b", "half \ud800"])
def test_text_that_no_column_can_hold_is_rejected_with_a_reason(legacy: Any, text: str) -> None:
    escaped = text.replace("\0", "\\u0000").replace("\ud800", "\\ud800")
    record = f'{{"fullName": "x", "displayName": "{escaped}"}}'
    legacy.write_bytes(
        "personalities.json", f'{{"x": {record}, "{escaped}": {{}}, "ok": {{"displayName": "fine"}}}}'.encode()
    )
    legacy.write_bytes("aliases.json", f'{{"{escaped}": "ok", "fine": "{escaped}"}}'.encode())
    report = legacy.bring_in()
    assert [row["full_name"] for row in legacy.rows("SELECT full_name FROM personalities")] == ["ok"]
    assert len(report.rejects) == 4
    assert all("NUL" in reject.reason or "half a character" in reject.reason for reject in report.rejects)


def test_half_a_character_in_an_unknown_key_is_rejected(legacy: Any) -> None:
    legacy.write_bytes("personalities.json", b'{"x": {"displayName": "x", "note": "\\ud800"}}')
    assert "half a character" in reasons(legacy.bring_in())["x"]


def test_keys_that_are_no_ids_are_rejected(legacy: Any) -> None:
    record = {"personalityName": "rook", "timestamp": 1749321740820, "userId": USER, "channelId": USER}
    legacy.write("message_map.json", dict.fromkeys(["", "12a", "-5", "0", "9" * 19, "9" * 30, "٣٣"], record))
    legacy.write("conversations.json", dict.fromkeys([USER, f"{USER}-x", "--", "dm-1"], record))
    report = legacy.bring_in()
    assert report.tables["message_mappings"].rejected == 7
    assert report.tables["conversations"].rejected == 4


def test_a_key_that_stands_twice_counts_once(legacy: Any) -> None:
    legacy.write_bytes("blacklist.json", b'{"5": {"reason": "a"}, "5": {"reason": "b"}}')
    report = legacy.bring_in()
    assert (report.tables["blacklist"].imported, report.tables["blacklist"].rejected) == (1, 1)
    legacy.write("auto_response.json", ["7", "7", "no", None])
    assert legacy.bring_in().tables["auto_responses"].rejected == 3


def test_the_newer_generations_login_counts_unless_it_has_no_token(legacy: Any) -> None:
    legacy.write(
        "auth_tokens.json",
        {
            USER: {"token": "tok-old", "createdAt": 1772000000000},
            "8": {"token": "tok-kept", "createdAt": 1772000000000},
        },
    )
    status = {"verified": True, "verifiedAt": "2025-08-10T18:34:24.134Z"}
    legacy.write(
        "auth.json",
        {
            USER: {"token": {"value": "tok-new", "expiresAt": None}, "nsfwStatus": None, "savedAt": None},
            "8": {"token": None, "nsfwStatus": status},
        },
    )
    report = legacy.bring_in()
    assert legacy.token_of(int(USER)).reveal() == "tok-new"
    assert legacy.token_of(8).reveal() == "tok-kept"
    assert report.notes.conflicts == 1
    assert [(reject.file, reject.key) for reject in report.rejects] == [("auth_tokens.json", USER)]


def test_no_report_shows_a_token(legacy: Any) -> None:
    secret = "tok-do-not-show"
    legacy.write(
        "auth_tokens.json",
        {
            secret: {"token": secret},
            "7": {"token": 7, "other": secret},
            "8": secret,
            "9": {"token": "t", "createdAt": secret},
        },
    )
    legacy.write(
        "auth.json", {secret: secret, "10": {"token": {"values": secret}}, "11": {"token": secret, "x": secret}}
    )
    report = legacy.bring_in()
    assert secret not in str(report.as_dict())
    assert secret.encode() not in legacy.database.read_bytes()
    assert legacy.token_of(11).reveal() == secret
    rejects = legacy.database.with_name("tzurot.db.import-rejects.json")
    assert secret not in rejects.read_text()


def test_an_image_outside_of_the_folder_is_not_read(legacy: Any) -> None:
    legacy.write("personalities.json", {"rook": person("rook")})
    legacy.write_bytes("secret.png", b"\x89PNG\r\n\x1a\n")
    legacy.write("avatars/metadata.json", {"rook": {"localFilename": "../../secret.png"}})
    assert "outside" in reasons(legacy.bring_in())["rook"]


def test_files_of_unknown_names_are_left_aside_with_a_reason(flat: Any) -> None:
    for name in [
        "personalities-backup-2025.json",
        "aliases.json.bak",
        "volume_test.txt",
        "notes.md",
        "sub/aliases.json",
    ]:
        flat.write_bytes(name, b"?")
    report = flat.bring_in()
    assert {one.file for one in report.ignored} == {
        "personalities-backup-2025.json",
        "aliases.json.bak",
        "volume_test.txt",
        "notes.md",
        "sub/aliases.json",
    }
    assert all(one.reason for one in report.ignored)


def test_an_alias_that_the_map_gives_to_a_removed_personality_is_free_for_another_one(legacy: Any) -> None:
    def person(*aliases: str, removed: bool) -> dict[str, Any]:
        listed = [{"value": alias} for alias in aliases]
        return {"ownerId": "200000000000000001", "profile": {}, "aliases": listed, "removed": removed}

    people = {"rook": person("bird", removed=True), "wren": person("bird", "Crow", removed=False)}
    legacy.write(
        "personalities.json", {"personalities": people, "aliases": {"bird": "rook", "crow": "nobody", "w": "wren"}}
    )
    report = legacy.bring_in()
    found = legacy.rows("SELECT alias, personality_name FROM personality_aliases ORDER BY alias")
    assert {row["alias"]: row["personality_name"] for row in found} == dict.fromkeys(("bird", "crow", "w"), "wren")
    assert [reject.key for reject in report.rejects] == ["bird", "crow"]
