"""Imported rows that the bot has changed since: what is true now comes out, beside what it left alone."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.model import Alias, Conversation, Login, Profile, Secret, Verification
from bot.store import aliases, blacklist, conversations, logins, personalities, verifications
from bot.store.changes import Edit, owned_by
from bot.store.cipher import cipher_from
from bot.store.files.plan import Format
from bot.store.personalities import Configured, Setting
from tests.store.legacy.encoding.folders import contents, encode, rows, write

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)
NOW_MS = 1772600767089
ISO = "2026-03-04T05:06:07.089Z"
USER, CHANNEL = 200000000000000001, 300000000000000001


def test_a_fetched_profile_replaces_what_the_record_said(flat: Any, tmp_path: Path) -> None:
    flat.bring_in()
    write(
        flat,
        personalities.refresh("wren-small", Profile("wren-small", "Wren", "http://127.0.0.1/wren.png", "*hides*"), NOW),
        personalities.refresh("rook", Profile("rook", "Rook"), NOW),
    )
    people = contents(encode(flat, Format.GEN1, tmp_path / "out"))["personalities.json"]
    assert people["wren-small"] == contents(flat.path)["personalities.json"]["wren-small"] | {
        "displayName": "Wren",
        "avatarUrl": "http://127.0.0.1/wren.png",
        "errorMessage": "*hides*",
        "lastUpdated": ISO,
    }
    assert "errorMessage" not in people["rook"]
    assert people["rook"]["activatedChannels"] == ["300000000000000001"]


@pytest.mark.parametrize("is_on", [True, False])
def test_a_context_that_was_set_goes_out_and_comes_in_again(
    flat: Any, nested: Any, make_legacy: Any, tmp_path: Path, *, is_on: bool
) -> None:
    for legacy, before in ((flat, None), (nested, {"name": "rook", "disableContextMetadata": True})):
        legacy.bring_in()
        setting = Setting(Configured.CONTEXT, "true" if is_on else "false")
        host = legacy.settings.bot_owner_id
        write(legacy, *personalities.configure("rook", setting, owned_by(host, host), Edit(host, NOW)))
        out = encode(legacy, Format.GEN2, tmp_path / f"{bool(before)}")
        person = contents(out)["personalities.json"]["personalities"]["rook"]
        made = before or {"name": "rook", "prompt": "-", "modelPath": "/default", "maxWordCount": 1000}
        assert person["configuration"] == made | {"disableContextMetadata": not is_on}
        assert person["updatedAt"] == ISO
        again = make_legacy(f"again-{bool(before)}")
        for name, content in contents(out).items():
            again.write(name, content)
        again.bring_in()
        assert again.row("SELECT metadata FROM personalities WHERE full_name = 'rook'")["metadata"] == {
            "context": is_on
        }


def test_a_removed_personality_is_left_out_or_marked(flat: Any, nested: Any, tmp_path: Path) -> None:
    for legacy in (flat, nested):
        legacy.bring_in()
        write(legacy, *personalities.remove("rook", USER, NOW, USER))
    flat_files = contents(encode(flat, Format.GEN1, tmp_path / "flat"))
    assert set(flat_files["personalities.json"]) == {"wren-small"}
    assert set(flat_files["aliases.json"]) == {"wrén 🐦 | small"}
    assert flat_files["channel_activations.json"] == {}
    nested_file = contents(encode(nested, Format.GEN2, tmp_path / "nested"))["personalities.json"]
    rook = contents(nested.path)["personalities.json"]["personalities"]["rook"]
    assert nested_file["personalities"]["rook"] == rook | {"removed": True, "updatedAt": ISO, "aliases": []}
    assert nested_file["aliases"] == {}


def test_who_only_spoke_once_is_no_personality_of_the_files(legacy: Any, tmp_path: Path) -> None:
    spoken = {"userId": str(USER), "channelId": str(CHANNEL), "personalityName": "long gone", "timestamp": NOW_MS}
    legacy.write("message_map.json", {"1379000001522532352": spoken})
    legacy.bring_in()
    for target in Format:
        files = contents(encode(legacy, target, tmp_path / target))
        assert "long gone" not in str(files["personalities.json"])
        assert files["message_map.json"]["1379000001522532352"]["personalityName"] == "long gone"


def test_a_conversation_that_went_on_is_what_the_bot_knows(flat: Any, tmp_path: Path) -> None:
    flat.bring_in()
    went_on = [(USER, "wren-small", False), (USER + 1, "rook", True)]
    write(
        flat,
        *(
            conversations.go_on(Conversation(CHANNEL, user, name, NOW, NOW, 1, is_dm=is_dm), 1)
            for user, name, is_dm in went_on
        ),
    )
    files = contents(encode(flat, Format.GEN1, tmp_path / "out"))
    assert files["conversations.json"] == {
        f"{user}-{CHANNEL}": {
            "personalityName": name,
            "messageIds": [],
            "timestamp": NOW_MS,
            "isDM": is_dm,
            "isMentionOnly": False,
        }
        for user, name, is_dm in went_on
    }


def test_a_name_is_spelled_as_it_stood_until_somebody_else_answers(flat: Any, tmp_path: Path) -> None:
    talk = {"personalityName": "ROOK", "timestamp": "1749321939080", "isDM": "false", "isMentionOnly": False, "x": 1}
    flat.write("conversations.json", {f"{USER}-{CHANNEL}": talk | {"messageIds": []}})
    flat.bring_in()
    key = f"{USER}-{CHANNEL}"
    assert contents(encode(flat, Format.GEN1, tmp_path / "1"))["conversations.json"][key] == talk | {"messageIds": []}
    write(flat, conversations.go_on(Conversation(CHANNEL, USER, "wren-small", NOW, NOW, 1), 1))
    changed = contents(encode(flat, Format.GEN1, tmp_path / "2"))["conversations.json"][key]
    assert changed == talk | {"personalityName": "wren-small", "timestamp": NOW_MS, "messageIds": []}


def test_a_new_login_takes_only_the_login_s_place(nested: Any, tmp_path: Path) -> None:
    nested.bring_in()
    login = Login(USER, Secret("tok-new"), NOW)
    write(nested, logins.put(login, cipher_from(nested.settings)))
    user = contents(encode(nested, Format.GEN2, tmp_path / "out"))["auth.json"][str(USER)]
    assert user == contents(nested.path)["auth.json"][str(USER)] | {
        "token": {"value": "tok-new", "expiresAt": None},
        "savedAt": ISO,
    }


def test_a_revoked_login_leaves_the_verification(nested: Any, tmp_path: Path) -> None:
    nested.bring_in()
    write(nested, logins.delete(USER))
    user = contents(encode(nested, Format.GEN2, tmp_path / "out"))["auth.json"][str(USER)]
    assert user == contents(nested.path)["auth.json"][str(USER)] | {"token": None}


def test_a_new_verification_stands_beside_a_login_that_had_none(legacy: Any, tmp_path: Path) -> None:
    record = {"token": {"value": "tok"}, "savedAt": ISO, "nsfwStatus": "odd", "x": [1]}
    legacy.write("auth.json", {str(USER): record})
    legacy.bring_in()
    assert contents(encode(legacy, Format.GEN2, tmp_path / "1"))["auth.json"] == {str(USER): record}
    write(legacy, verifications.put(Verification(USER, is_verified=True, recorded_at=NOW, verified_at=NOW)))
    status = {"verified": True, "verifiedAt": ISO}
    assert contents(encode(legacy, Format.GEN2, tmp_path / "2"))["auth.json"] == {
        str(USER): record | {"nsfwStatus": status}
    }


def test_a_ban_of_the_half_way_generation_ends_when_the_bot_ends_it(make_legacy: Any, tmp_path: Path) -> None:
    legacy, again = make_legacy("one"), make_legacy("two")
    user = {"userId": str(USER), "token": {"value": "tok", "expiresAt": None}, "savedAt": ISO, "blacklisted": True}
    legacy.write("auth.json", {"userAuth": {str(USER): user}, "tokens": {}})
    legacy.bring_in()
    files = contents(encode(legacy, Format.GEN2, tmp_path / "banned"))
    assert files["auth.json"] == {str(USER): user}
    assert files["blacklist.json"] == {
        str(USER): {"userId": str(USER), "reason": None, "blacklistedBy": "0", "blacklistedAt": ISO}
    }
    write(legacy, blacklist.delete(USER))
    files = contents(encode(legacy, Format.GEN2, again.path))
    assert files["auth.json"] == {str(USER): user | {"blacklisted": False}}
    assert files["blacklist.json"] == {}
    again.bring_in()
    assert rows(again)["blacklist"] == []


def test_a_list_keeps_its_order_and_what_is_no_alias_of_it(legacy: Any, tmp_path: Path) -> None:
    def person(*listed: Any) -> dict[str, Any]:
        return {"ownerId": str(USER), "profile": {"displayName": "x"}, "aliases": list(listed)}

    people = {
        "rook": person({"value": "crow"}, {"value": "The Bird", "originalCase": "The Bird"}, "bird", 7),
        "wren": person({"value": "crow"}, {"value": "tiny"}, {"value": "tiny"}),
    }
    legacy.write(
        "personalities.json", {"personalities": people, "aliases": {"the bird": "rook", "crow": "rook", "w": "wren"}}
    )
    legacy.bring_in()
    same = contents(encode(legacy, Format.GEN2, tmp_path / "1"))["personalities.json"]["personalities"]
    assert {name: person["aliases"] for name, person in same.items()} == {
        name: person["aliases"] for name, person in people.items()
    }
    write(legacy, aliases.delete("crow"), aliases.put(Alias("new", "rook", USER, NOW)))
    changed = contents(encode(legacy, Format.GEN2, tmp_path / "2"))["personalities.json"]
    assert changed["personalities"]["rook"]["aliases"] == [*people["rook"]["aliases"][1:], {"value": "new"}]
    # Nobody has `crow` now: listed again it would come back as an alias that nobody has added.
    assert changed["personalities"]["wren"]["aliases"] == people["wren"]["aliases"][1:]
    assert changed["aliases"] == {"the bird": "rook", "w": "wren", "new": "rook"}
