"""A sample data folder as the JavaScript original kept it: 66 invented personalities and their users."""

from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson

from bot.model import DISCORD_EPOCH_MS, utc_now

PERSONALITIES = 66
USERS = 40
CHANNELS = 12
MESSAGES = 500
OWNER_ID = 100_000_000_000_000_001
FIRST_USER_ID = 200_000_000_000_000_001
FIRST_CHANNEL_ID = 300_000_000_000_000_001
TOKEN_DAYS = 30

FIRST_NAMES = ("Amber", "Bölke", "Cinna", "Dorian", "Élodie", "Фёкла", "Gwyn", "ハル", "Ístvan", "Juniper", "Κόρη")
LATIN_NAMES = ("amber", "boelke", "cinna", "dorian", "elodie", "fyokla", "gwyn", "haru", "istvan", "juniper", "kore")
TITLES = ("of the Harbour", "the Clockmaker", "Lantern", "of Salt Street", "the Younger", "Moth")
TITLE_SLUGS = ("harbour", "clockmaker", "lantern", "salt-street", "younger", "moth")
NICKNAMES = ("old friend", "the tall one", "captain 🦉", "ünlü", "o'reilly", "x y z", "night | owl", "шеф")


SAMPLE_USER_ID = FIRST_USER_ID
"""A user of the sample whose login is valid and whose age is verified."""
SAMPLE_MENTION = "captain 🦉"
"""An alias in the sample: several words, not only letters."""


def write_sample_folder(folder: Path, *, avatar_base: str | None = None, now: datetime | None = None) -> None:
    """Write the folder's files; the same for the same `now` and `avatar_base`. Logins are valid at `now`.

    `avatar_base` is the URL under which `<name>.png` lies; without it nobody has an avatar.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sample = _Sample(now or utc_now(), avatar_base)
    files = {
        "personalities.json": sample.personalities(),
        "aliases.json": sample.aliases(),
        "auth_tokens.json": sample.tokens(),
        "nsfw_verified.json": sample.verifications(),
        "channel_activations.json": sample.activations(),
        "message_map.json": sample.messages(),
        "conversations.json": sample.conversations(),
        "auto_response.json": [str(FIRST_USER_ID + number) for number in range(0, USERS, 9)],
    }
    for name, content in files.items():
        (folder / name).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


class _Sample:
    def __init__(self, now: datetime, avatar_base: str | None) -> None:
        self._now = now
        self._avatar_base = avatar_base
        self._random = Random(66)  # noqa: S311 - invented data, the same every time
        self._names = [_slug(number) for number in range(PERSONALITIES)]
        self._messages: dict[str, dict[str, Any]] = {}

    def personalities(self) -> dict[str, Any]:
        records = {}
        for number, name in enumerate(self._names):
            added = self._now - timedelta(days=200 - number, minutes=number * 7)
            record: dict[str, Any] = {
                "fullName": name,
                "addedBy": str(OWNER_ID if number % 3 else FIRST_USER_ID + number % USERS),
                "addedAt": added.strftime("%Y-%m-%dT%H:%M:%S.") + f"{added.microsecond // 1000:03d}Z",
                "displayName": _display_name(number),
            }
            if self._avatar_base is not None:
                record["avatarUrl"] = f"{self._avatar_base.rstrip('/')}/{name}.png"
            if number % 5 == 0:
                record["errorMessage"] = f"*{_display_name(number)} loses the thread* ||*(an error has occurred)*||"
            records[name] = record
        return records

    def aliases(self) -> dict[str, str]:
        aliases: dict[str, str] = {}
        for number, name in enumerate(self._names):
            aliases[_display_name(number).lower()] = name
            if number % 2 == 0:
                nickname = NICKNAMES[number // 2 % len(NICKNAMES)]
                aliases[nickname if nickname not in aliases else f"{nickname} {number}"] = name
        return aliases

    def tokens(self) -> dict[str, Any]:
        tokens = {}
        for number in range(USERS):
            created = self._milliseconds(timedelta(days=number % 20, minutes=number))
            tokens[str(FIRST_USER_ID + number)] = {
                "token": f"sample-token-{number:02d}-{self._random.getrandbits(64):016x}",
                "createdAt": created,
                "expiresAt": created + TOKEN_DAYS * 86_400_000,
            }
        return tokens

    def verifications(self) -> dict[str, Any]:
        records = {}
        for number in range(0, USERS, 2):
            verified_at = self._milliseconds(timedelta(days=40, minutes=number))
            is_verified = number != USERS - 2
            records[str(FIRST_USER_ID + number)] = {
                "verified": is_verified,
                "timestamp": verified_at,
                "verifiedAt": verified_at if is_verified else None,
            }
        return records

    def activations(self) -> dict[str, Any]:
        return {
            str(FIRST_CHANNEL_ID + number): {
                "personalityName": self._names[number * 5],
                "activatedBy": str(OWNER_ID),
                "timestamp": self._milliseconds(timedelta(days=9, minutes=number)),
            }
            for number in range(0, CHANNELS, 2)
        }

    def messages(self) -> dict[str, Any]:
        for number in range(MESSAGES):
            sent = self._milliseconds(timedelta(days=20) - timedelta(minutes=50 * number))
            self._messages[str((sent - DISCORD_EPOCH_MS) << 22 | number)] = {
                "userId": str(FIRST_USER_ID + self._random.randrange(USERS)),
                "channelId": str(FIRST_CHANNEL_ID + self._random.randrange(CHANNELS)),
                "personalityName": self._random.choice(self._names),
                "timestamp": sent + self._random.randrange(900),
                "isDM": False,
                "isMentionOnly": number % 6 == 0,
            }
        return self._messages

    def conversations(self) -> dict[str, Any]:
        """The last message of each user in each channel; call it after `messages`."""
        return {
            f"{message['userId']}-{message['channelId']}": {
                "personalityName": message["personalityName"],
                "messageIds": [message_id],
                "timestamp": message["timestamp"],
                "isDM": message["isDM"],
                "isMentionOnly": message["isMentionOnly"],
            }
            for message_id, message in self._messages.items()
        }

    def _milliseconds(self, ago: timedelta) -> int:
        return int((self._now - ago).timestamp() * 1000)


def _display_name(number: int) -> str:
    return f"{FIRST_NAMES[number % len(FIRST_NAMES)]} {TITLES[number // len(FIRST_NAMES)]}"


def _slug(number: int) -> str:
    return f"{LATIN_NAMES[number % len(LATIN_NAMES)]}-{TITLE_SLUGS[number // len(LATIN_NAMES)]}"
