"""Rows that the new bot wrote by itself have exactly the shape that the original's loaders take."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model import (
    Activation,
    Alias,
    Ban,
    Conversation,
    Login,
    Mapping,
    NotificationPreference,
    NotifiedVersion,
    Personality,
    Secret,
    Verification,
)
from bot.store import (
    activations,
    aliases,
    blacklist,
    conversations,
    logins,
    messages,
    personalities,
    preferences,
    verifications,
)
from bot.store.cipher import cipher_from
from bot.store.files.plan import Format
from tests.store.legacy.encoding.folders import contents, encode, write

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)
NOW_MS = 1772600767089
ISO = "2026-03-04T05:06:07.089Z"
USER, CHANNEL, MESSAGE = 200000000000000001, 300000000000000001, 1379000001522532352


@pytest.fixture
def written(legacy: Any) -> Any:
    """A database that never saw a folder, with one row or two of everything."""
    cipher = cipher_from(legacy.settings)
    rook = Personality("rook", "Rook", USER, NOW, avatar_url="http://127.0.0.1/rook.png", error_message="*caws*")
    write(
        legacy,
        personalities.put(rook),
        personalities.put(Personality("owl", "owl", 0, NOW, updated_at=NOW + timedelta(days=1), is_active=False)),
        aliases.put(Alias("the bird 🐦", "rook", USER, NOW)),
        logins.put(Login(USER, Secret("tok-one"), NOW, expires_at=NOW + timedelta(days=1)), cipher),
        logins.put(Login(USER, Secret("tok-rook"), NOW, personality_name="rook"), cipher),
        logins.put(Login(USER + 1, Secret("tok-two"), NOW), cipher),
        logins.put(Login(USER + 3, Secret("tok-owl"), NOW, personality_name="owl"), cipher),
        verifications.put(Verification(USER, is_verified=True, recorded_at=NOW, verified_at=NOW)),
        verifications.put(Verification(USER + 2, is_verified=False, recorded_at=NOW)),
        activations.put(Activation(CHANNEL, "rook", USER, NOW)),
        conversations.go_on(Conversation(CHANNEL, USER, "rook", NOW, NOW, 1, is_mention_only=True), 1),
        messages.put(Mapping(MESSAGE, USER, CHANNEL, 1, is_dm=True)),
        messages.put(Mapping(MESSAGE + 1, USER, CHANNEL, 1, sent_at=NOW)),
        preferences.enable_auto_response(USER, NOW),
        blacklist.put(Ban(USER, 0, NOW, "spam")),
        preferences.put_notifications(NotificationPreference(USER, is_opted_out=False, level="minor")),
        preferences.put_version(NotifiedVersion("3.0.0", NOW)),
    )
    return legacy


COMMON = {
    "channel_activations.json": {
        str(CHANNEL): {"personalityName": "rook", "activatedBy": str(USER), "timestamp": NOW_MS}
    },
    "conversations.json": {
        f"{USER}-{CHANNEL}": {
            "personalityName": "rook",
            "messageIds": [],
            "timestamp": NOW_MS,
            "isDM": False,
            "isMentionOnly": True,
        }
    },
    "message_map.json": {
        str(message): {
            "userId": str(USER),
            "channelId": str(CHANNEL),
            "personalityName": "rook",
            "timestamp": timestamp,
            "isDM": is_dm,
            "isMentionOnly": False,
        }
        for message, timestamp, is_dm in (
            (MESSAGE, (MESSAGE >> 22) + 1_420_070_400_000, True),
            (MESSAGE + 1, NOW_MS, False),
        )
    },
    "auto_response.json": [str(USER)],
    "blacklist.json": {str(USER): {"userId": str(USER), "reason": "spam", "blacklistedBy": "0", "blacklistedAt": ISO}},
    "releaseNotificationPreferences.json": {
        str(USER): {
            "optedOut": False,
            "notificationLevel": "minor",
            "lastNotified": None,
            "createdAt": None,
            "updatedAt": None,
        }
    },
    "lastNotifiedVersion.json": {"version": "3.0.0", "notifiedAt": ISO},
}


def test_the_flat_format(written: Any, tmp_path: Path) -> None:
    assert contents(encode(written, Format.GEN1, tmp_path / "out")) == COMMON | {
        "personalities.json": {
            "rook": {
                "fullName": "rook",
                "addedBy": str(USER),
                "addedAt": ISO,
                "displayName": "Rook",
                "avatarUrl": "http://127.0.0.1/rook.png",
                "errorMessage": "*caws*",
            }
        },
        "aliases.json": {"the bird 🐦": "rook"},
        "auth_tokens.json": {
            str(USER): {"token": "tok-one", "createdAt": NOW_MS, "expiresAt": NOW_MS + 86_400_000},
            # Without a date the original would let it end after thirty days.
            str(USER + 1): {"token": "tok-two", "createdAt": NOW_MS, "expiresAt": 8_640_000_000_000_000},
        },
        "nsfw_verified.json": {
            str(USER): {"verified": True, "timestamp": NOW_MS, "verifiedAt": NOW_MS},
            str(USER + 2): {"verified": False, "timestamp": NOW_MS, "verifiedAt": None},
        },
    }


def test_the_nested_format(written: Any, tmp_path: Path) -> None:
    def person(name: str, more: dict[str, Any], profile: dict[str, Any]) -> dict[str, Any]:
        nothing = dict.fromkeys(("avatarUrl", "errorMessage", "prompt", "modelPath", "maxWordCount"))
        capabilities = {"supportsImages": True, "supportsAudio": True, "maxTokens": 4096, "temperature": 0.7}
        return {
            "id": name,
            "profile": nothing | {"mode": "external", "name": name, "displayName": name} | profile,
            "model": {"name": "default", "capabilities": capabilities},
            "configuration": None,
            "aliases": [],
            "createdAt": ISO,
            "removed": False,
        } | more

    appearance = {"displayName": "Rook", "avatarUrl": "http://127.0.0.1/rook.png", "errorMessage": "*caws*"}
    rook = person("rook", {"ownerId": str(USER), "updatedAt": ISO, "aliases": [{"value": "the bird 🐦"}]}, appearance)
    owl = person("owl", {"ownerId": "0", "updatedAt": "2026-03-05T05:06:07.089Z", "removed": True}, {})
    token = {"value": "tok-one", "expiresAt": "2026-03-05T05:06:07.089Z"}
    assert contents(encode(written, Format.GEN2, tmp_path / "out")) == COMMON | {
        "personalities.json": {
            "personalities": {"rook": rook, "owl": owl},
            "aliases": {"the bird 🐦": "rook"},
            "version": "2.0.0",
            "lastUpdated": "2026-03-05T05:06:07.089Z",
        },
        "auth.json": {
            str(USER): {
                "userId": str(USER),
                "token": token,
                "nsfwStatus": {"verified": True, "verifiedAt": ISO},
                "savedAt": ISO,
            },
            str(USER + 1): {
                "userId": str(USER + 1),
                "token": {"value": "tok-two", "expiresAt": None},
                "nsfwStatus": None,
                "savedAt": ISO,
            },
            str(USER + 2): {
                "userId": str(USER + 2),
                "token": None,
                "nsfwStatus": {"verified": False, "verifiedAt": None},
                "savedAt": ISO,
            },
        },
    }


@pytest.mark.parametrize("target", Format)
def test_what_belongs_to_nobody_or_never_ends_is_read_as_that_again(
    written: Any, make_legacy: Any, target: Format
) -> None:
    again = make_legacy("again")
    encode(written, target, again.path)
    assert again.bring_in().rejects == []
    assert again.row("SELECT * FROM blacklist")["blacklisted_by"] == 0
    assert [row["expires_at"] for row in again.rows("SELECT * FROM auth_tokens ORDER BY user_id")] == [
        "2026-03-05T05:06:07.089Z",
        None,
    ]
    owner = {row["full_name"]: row["added_by"] for row in again.rows("SELECT * FROM personalities")}
    assert owner == {"rook": USER} | ({"owl": 0} if target is Format.GEN2 else {})


@pytest.mark.parametrize("target", Format)
def test_an_empty_database_empties_what_an_older_one_may_have_left(legacy: Any, tmp_path: Path, target: Format) -> None:
    write(legacy)
    files = contents(encode(legacy, target, tmp_path / "out"))
    expected: dict[str, Any] = {name: {} for name in files} | {"auto_response.json": []}
    if target is Format.GEN2:
        expected["personalities.json"] = {
            "personalities": {},
            "aliases": {},
            "version": "2.0.0",
            "lastUpdated": "1970-01-01T00:00:00.000Z",
        }
    assert files == expected
    assert "blacklist.json" in files
    assert not {"lastNotifiedVersion.json", "avatars/metadata.json"} & files.keys()


def test_a_login_that_ended_long_ago_is_not_valid_again(make_legacy: Any) -> None:
    legacy, again = make_legacy("one"), make_legacy("two")
    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    login = Login(USER, Secret("tok"), beginning, expires_at=beginning + timedelta(days=30))
    write(legacy, logins.put(login, cipher_from(legacy.settings)))
    encode(legacy, Format.GEN1, again.path)
    # Milliseconds of 1970 look like seconds of 2052.
    assert again.bring_in().notes.expired == 1
    assert again.row("SELECT * FROM auth_tokens")["expires_at"] == "1970-01-31T00:00:00.000Z"


def test_files_have_a_record_a_line(written: Any, tmp_path: Path) -> None:
    folder = encode(written, Format.GEN1, tmp_path / "out")
    lines = (folder / "message_map.json").read_text().splitlines()
    assert len(lines) == 4
    assert json.loads("{" + lines[1].rstrip(",") + "}").keys() == {str(MESSAGE)}
