"""Every generation's files become the rows that they mean."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from bot.store.cipher import Cipher

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def test_a_flat_folder_becomes_its_rows(flat: Any) -> None:
    report = flat.bring_in()
    assert report.rejects == []
    assert {name: count.imported for name, count in report.tables.items() if count.imported} == {
        "personalities": 2,
        "personality_aliases": 3,
        "auth_tokens": 3,
        "nsfw_verifications": 2,
        "conversations": 2,
        "message_mappings": 1,
        "channel_activations": 1,
        "auto_responses": 2,
    }


def test_keys_without_a_column_survive_in_extra(flat: Any) -> None:
    flat.bring_in()
    rook = flat.row("SELECT * FROM personalities WHERE full_name = 'rook'")
    assert rook["added_at"] == "2025-05-20T09:00:01.331Z"
    assert rook["updated_at"] == "2025-05-21T09:00:01.331Z"
    assert rook["error_message"] == "*caws*"
    assert rook["extra"] == {"avatarChanged": True, "activatedChannels": ["300000000000000001"]}


def test_null_and_absent_stay_different(flat: Any) -> None:
    flat.bring_in()
    wren = flat.row("SELECT * FROM personalities WHERE full_name = 'wren-small'")
    assert wren["avatar_url"] is None
    assert wren["extra"] == {"import": {"original": {"avatarUrl": None}}}


def test_logins_are_encrypted_and_keep_their_dates(flat: Any) -> None:
    report = flat.bring_in()
    assert flat.token_of(200000000000000001).reveal() == "tok-one"
    one = flat.row("SELECT * FROM auth_tokens WHERE user_id = 200000000000000001")
    assert (one["personality_name"], one["expires_at"], one["extra"]) == ("*", "2026-03-27T06:13:20.000Z", None)
    assert report.notes.expired == 1
    assert b"tok-" not in flat.database.read_bytes()


def test_a_login_past_its_date_is_imported_and_only_counted(flat: Any) -> None:
    report = flat.bring_in()
    assert report.notes.expired == 1
    two = flat.row("SELECT * FROM auth_tokens WHERE user_id = 200000000000000002")
    assert two["extra"] is None


def test_a_flat_login_without_a_date_lasts_thirty_days(flat: Any) -> None:
    flat.bring_in()
    three = flat.row("SELECT * FROM auth_tokens WHERE user_id = 200000000000000003")
    assert three["expires_at"] == "2026-03-27T06:13:20.000Z"
    assert three["extra"] == {"import": {"absent": ["expiresAt"]}}


def test_a_cleared_verification_is_kept_as_cleared(flat: Any) -> None:
    flat.bring_in()
    cleared = flat.row("SELECT * FROM nsfw_verifications WHERE user_id = 200000000000000009")
    assert (cleared["is_verified"], cleared["verified_at"]) == (0, None)
    assert cleared["recorded_at"] == "2025-06-07T18:32:36.154Z"


def test_both_forms_of_a_conversation_keep_their_message_ids(flat: Any) -> None:
    flat.bring_in()
    new, old = (
        flat.row("SELECT * FROM conversations WHERE user_id = ?", user)
        for user in (200000000000000001, 200000000000000002)
    )
    assert new["metadata"] == {"messageIds": ["1379000001522532352", "1379000001522532353"]}
    assert (new["message_count"], new["is_mention_only"], new["is_dm"]) == (2, 1, 0)
    assert old["metadata"] == {}
    assert old["extra"] == {"lastMessageId": "1379000001522532352"}


def test_a_mapping_keeps_its_own_time_only_where_it_differs(flat: Any) -> None:
    record = {
        "userId": "200000000000000001",
        "channelId": "300000000000000001",
        "personalityName": "rook",
        "timestamp": ((1379000001522532352 >> 22) + 1420070400000),
        "isDM": False,
        "isMentionOnly": False,
    }
    flat.write(
        "message_map.json",
        {"1379000001522532352": record, "1379000001522532999": record | {"timestamp": 1749321806895}},
    )
    flat.bring_in()
    same, other = flat.rows("SELECT * FROM message_mappings ORDER BY message_id")
    assert (same["sent_at"], same["extra"]) == (None, None)
    assert other["sent_at"] == "2025-06-07T18:43:26.895Z"


def test_the_oldest_generation_maps_its_own_keys(legacy: Any) -> None:
    record = {
        "fullName": "rook",
        "displayName": "Rook",
        "avatarUrl": None,
        "description": "A bird.",
        "createdBy": "200000000000000002",
        "createdAt": 1747731601331,
    }
    legacy.write("personalities.json", {"rook": record})
    legacy.bring_in()
    rook = legacy.row("SELECT * FROM personalities")
    assert (rook["added_by"], rook["added_at"]) == (200000000000000002, "2025-05-20T09:00:01.331Z")
    assert rook["extra"]["description"] == "A bird."
    assert rook["extra"]["import"]["shape"] == "gen0"


def test_a_nested_folder_becomes_its_rows(nested: Any) -> None:
    report = nested.bring_in()
    assert report.rejects == []
    assert {name: count.imported for name, count in report.tables.items() if count.imported} == {
        "personalities": 2,
        "personality_aliases": 2,
        "auth_tokens": 1,
        "nsfw_verifications": 2,
        "blacklist": 1,
        "notification_preferences": 1,
        "notified_version": 1,
    }
    assert "version, lastUpdated" in report.remarks[0]


def test_nested_objects_without_a_column_survive(nested: Any) -> None:
    nested.bring_in()
    rook = nested.row("SELECT * FROM personalities WHERE full_name = 'rook'")
    assert rook["extra"]["model"] == {"name": "default", "capabilities": {"temperature": 0.7}}
    assert rook["extra"]["configuration"] == {"name": "rook", "disableContextMetadata": True}
    assert rook["metadata"] == {"context": False}
    assert rook["extra"]["profile"]["mode"] == "external"
    assert rook["extra"]["import"]["shape"] == "gen2"
    preference = nested.row("SELECT * FROM notification_preferences")
    assert preference["extra"]["via"] == "dm"


def test_a_removed_personality_is_kept_inactive(nested: Any) -> None:
    nested.bring_in()
    owl = nested.row("SELECT * FROM personalities WHERE full_name = 'owl'")
    assert (owl["is_active"], owl["prompt"]) == (0, "You are an owl.")


def test_the_model_of_a_personality_does_not_change_whom_the_service_is_asked_for(nested: Any) -> None:
    nested.bring_in()
    owl = nested.row("SELECT * FROM personalities WHERE full_name = 'owl'")
    assert owl["model"] is None
    assert owl["extra"]["profile"]["modelPath"] == "/default"


def test_an_alias_keeps_how_it_was_typed(nested: Any) -> None:
    nested.bring_in()
    assert nested.row("SELECT * FROM personality_aliases WHERE alias = 'the bird'")["extra"] == {
        "originalCase": "The Bird"
    }


def test_a_nested_login_without_a_date_never_expires(nested: Any) -> None:
    report = nested.bring_in()
    login = nested.row("SELECT * FROM auth_tokens")
    assert (login["expires_at"], login["created_at"]) == (None, "2025-08-10T18:35:24.134Z")
    assert (report.notes.expired, report.notes.endless) == (0, 1)


def test_a_verification_without_a_token_is_real_data(nested: Any) -> None:
    nested.bring_in()
    assert [row["user_id"] for row in nested.rows("SELECT user_id FROM nsfw_verifications ORDER BY 1")] == [
        200000000000000001,
        200000000000000002,
    ]


def test_the_half_way_generation_mixes_shapes_in_one_file(legacy: Any) -> None:
    flat = {
        "fullName": "wren",
        "addedBy": "200000000000000002",
        "addedAt": "2025-05-20T09:00:01.331Z",
        "displayName": "Wren",
    }
    nested = {
        "personalityId": "rook",
        "ownerId": "200000000000000003",
        "profile": {"mode": "external", "displayName": "Rook", "lastFetched": "2025-07-01T00:00:00.000Z"},
        "aliases": [{"value": "birdie", "original": "Birdie"}],
        "createdAt": "2025-06-20T09:00:01.331Z",
        "savedAt": "2025-06-21T09:00:01.331Z",
    }
    legacy.write("personalities.json", {"personalities": {"rook": nested, "wren": flat}, "aliases": {"w": "wren"}})
    legacy.write("auth.json", {"userAuth": {}, "tokens": {}})
    legacy.write("auth_tokens.json", {"200000000000000001": {"token": "t", "createdAt": 1772000000000}})
    legacy.write("personalities.legacy.json", {"wren": flat})
    report = legacy.bring_in()
    assert report.rejects == []
    assert report.tables["auth_tokens"].imported == 1
    people = {row["full_name"]: row for row in legacy.rows("SELECT * FROM personalities")}
    assert (people["rook"]["added_by"], people["wren"]["added_by"]) == (200000000000000003, 200000000000000002)
    assert people["rook"]["profile_fetched_at"] == "2025-07-01T00:00:00.000Z"
    assert json.loads(people["rook"]["extra"])["savedAt"] == "2025-06-21T09:00:01.331Z"
    assert {row["alias"]: row["extra"] for row in legacy.rows("SELECT * FROM personality_aliases")} == {
        "birdie": '{"original":"Birdie","import":{"shape":"list"}}',
        "w": '{"import":{"shape":"map"}}',
    }
    assert [one.file for one in report.ignored] == ["personalities.legacy.json"]


def test_a_filled_half_way_login_file_is_understood(legacy: Any) -> None:
    user = {
        "userId": "200000000000000001",
        "token": {"value": "tok-new", "expiresAt": "2026-08-01T00:00:00.000Z"},
        "nsfwStatus": {"verified": True, "verifiedAt": "2025-08-01T00:00:00.000Z"},
        "blacklisted": True,
        "tokens": [{"value": "tok-other"}],
    }
    legacy.write("auth.json", {"userAuth": {"200000000000000001": user}, "tokens": {}})
    report = legacy.bring_in()
    assert report.rejects == []
    login = legacy.row("SELECT * FROM auth_tokens")
    sealed = Cipher(legacy.settings.encryption_keys).decrypt(
        login["extra"]["sealed"], "auth_tokens", "extra", 200000000000000001
    )
    assert json.loads(sealed.reveal())["tokens"] == [{"value": "tok-other"}]
    assert report.tables["blacklist"].imported == 1
    assert b"tok-" not in legacy.database.read_bytes()


def test_avatars_come_with_their_images(flat: Any) -> None:
    checksum = hashlib.md5(PNG, usedforsecurity=False).hexdigest()
    record = {
        "originalUrl": "http://127.0.0.1/rook.png",
        "localFilename": "rook-1.png",
        "checksum": checksum,
        "downloadedAt": "2025-07-20T09:00:05.131Z",
        "lastChecked": "2025-07-20T09:00:05.131Z",
    }
    flat.write(
        "avatars/metadata.json", {"rook": record, "nobody": record, "wren-small": record | {"checksum": "0" * 32}}
    )
    flat.write_bytes("avatars/images/rook-1.png", PNG)
    flat.write_bytes("avatars/images/stray.png", PNG)
    report = flat.bring_in()
    avatar = flat.row("SELECT a.*, p.full_name FROM avatars AS a JOIN personalities AS p ON p.id = a.personality_id")
    assert (avatar["full_name"], avatar["content"], avatar["content_type"]) == ("rook", PNG, "image/png")
    assert avatar["sha256"] == hashlib.sha256(PNG).hexdigest()
    assert avatar["source_url"] == "http://127.0.0.1/rook.png"
    assert [reject.key for reject in report.rejects] == ["nobody", "wren-small"]
    assert [one.file for one in report.ignored] == ["avatars/images/stray.png"]


def test_the_original_of_a_migrated_file_stands_in_for_a_missing_one(make_legacy: Callable[[str], Any]) -> None:
    token = {"200000000000000001": {"token": "t", "createdAt": 1772000000000}}
    alone = make_legacy("alone")
    alone.write("auth_tokens.json.migrated", token)
    report = alone.bring_in()
    assert report.tables["auth_tokens"].imported == 1
    assert "auth_tokens.json.migrated" in report.remarks[0]
    beside = make_legacy("beside")
    beside.write("auth_tokens.json.migrated", token)
    beside.write("auth.json", {})
    report = beside.bring_in()
    assert report.tables["auth_tokens"].read == 0
    assert [one.file for one in report.ignored] == ["auth_tokens.json.migrated"]
