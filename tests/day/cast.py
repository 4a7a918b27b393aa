"""Who takes part in the day: 66 personalities, 50 people, 20 places; all of them invented."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

FIRST_NAMES = ("Amber", "Bölke", "Cinna", "Dorian", "Élodie", "Фёкла", "Gwyn", "ハル", "Ístvan", "Juniper", "Κόρη")
SLUGS = ("amber", "boelke", "cinna", "dorian", "elodie", "fyokla", "gwyn", "haru", "istvan", "juniper", "kore")
TITLES = ("of the Harbour", "the Clockmaker", "Lantern", "of Salt Street", "the Younger", "Moth")
TITLE_SLUGS = ("harbour", "clockmaker", "lantern", "salt-street", "younger", "moth")
ONE_WORD = ("шеф", "лиса", "ворон", "мята", "海", "さくら", "竜", "ünlü", "o'reilly", "pip", "μέλι", "captain")
TWO_WORDS = ("old friend", "the tall one", "captain 🦉", "night | owl", "x y z", "pip squeak", "тихий лес", "星 空")
"""Some begin like another one: of `captain` and `captain 🦉` the longer is meant where it stands."""


@dataclass(frozen=True, slots=True)
class Persona:
    """A personality: `names` are all by which it can be mentioned."""

    full_name: str
    display_name: str
    names: tuple[str, ...]


@cache
def personalities() -> tuple[Persona, ...]:
    """66 of them, each with two to four names."""
    made = []
    for number in range(len(FIRST_NAMES) * len(TITLES)):
        first, title = number % len(FIRST_NAMES), number // len(FIRST_NAMES)
        full_name = f"{SLUGS[first]}-{TITLE_SLUGS[title]}"
        display_name = f"{FIRST_NAMES[first]} {TITLES[title]}"
        more = [names[number] for names in (ONE_WORD, TWO_WORDS) if number < len(names)]
        more += [f"friend {number} of yours"] if number % 3 == 0 else []
        made.append(Persona(full_name, display_name, (full_name, display_name.lower(), *more)))
    return tuple(made)


class Kind(Enum):
    """What the bot knows of a person, or how they write."""

    ORDINARY = "ordinary"
    AUTOMATIC = "automatic answers"
    PLURALKIT = "PluralKit"
    TUPPERBOX = "Tupperbox"
    UNVERIFIED = "no age check"
    STRANGER = "no login"
    EXPIRED = "expired login"
    BANNED = "barred"


CROWD = (
    *[Kind.AUTOMATIC] * 12,
    *[Kind.PLURALKIT] * 5,
    *[Kind.TUPPERBOX] * 2,
    *[Kind.UNVERIFIED] * 3,
    *[Kind.STRANGER] * 3,
    *[Kind.EXPIRED] * 2,
    *[Kind.BANNED] * 2,
    *[Kind.ORDINARY] * 21,
)
"""The 50 people."""


class PlaceKind(Enum):
    """What kind of place people write in."""

    CHANNEL = "channel"
    TAME = "channel for all ages"
    THREAD = "thread"
    FORUM_POST = "forum post"
    DM = "direct message"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place: `persona` answers everything there from the start; `parent` is a thread's; `user` a direct message's."""

    kind: PlaceKind
    persona: int | None = None
    parent: int | None = None
    user: int | None = None


SPOTS = (
    *[Spot(PlaceKind.CHANNEL)] * 7,
    *[Spot(PlaceKind.CHANNEL, persona=number) for number in (5, 7, 40)],
    Spot(PlaceKind.TAME),
    Spot(PlaceKind.THREAD, parent=0),
    Spot(PlaceKind.THREAD, parent=7),
    Spot(PlaceKind.FORUM_POST),
    *[Spot(PlaceKind.DM, user=number) for number in (0, 1, 20, 30, 40, 45)],
)
"""The 20 places; of direct messages those of two with automatic answers, of one without an age check, and others."""


def members() -> list[int]:
    """The numbers of the people who write in the server."""
    return list(range(len(CROWD)))


def by_kind(*kinds: Kind) -> list[int]:
    """The numbers of the people of these kinds."""
    return [number for number, kind in enumerate(CROWD) if kind in kinds]


def folder_files(world: "WorldIds", now_ms: int) -> dict[str, Any]:
    """A data folder of the original's that says all of this."""
    personas = personalities()
    day = 86_400_000
    return {
        "personalities.json": {
            one.full_name: {
                "fullName": one.full_name,
                "addedBy": str(world.owner_id),
                "addedAt": "2025-05-20T09:00:01.331Z",
                "displayName": one.display_name,
                "avatarUrl": world.avatar_url(one.full_name),
            }
            for one in personas
        },
        "aliases.json": {name: one.full_name for one in personas for name in one.names[1:]},
        "auth_tokens.json": {
            str(world.user_ids[number]): {
                "token": token_of(number),
                "createdAt": now_ms - (40 if kind is Kind.EXPIRED else 2) * day,
                "expiresAt": now_ms + (-10 if kind is Kind.EXPIRED else 28) * day,
            }
            for number, kind in enumerate(CROWD)
            if kind is not Kind.STRANGER
        },
        "nsfw_verified.json": {
            str(world.user_ids[number]): {"verified": True, "timestamp": now_ms - day, "verifiedAt": now_ms - day}
            for number, kind in enumerate(CROWD)
            if kind is not Kind.UNVERIFIED
        },
        "channel_activations.json": {
            str(world.spot_ids[number]): {
                "personalityName": personas[spot.persona].full_name,
                "activatedBy": str(world.owner_id),
                "timestamp": now_ms - day,
            }
            for number, spot in enumerate(SPOTS)
            if spot.persona is not None
        },
        "blacklist.json": {
            str(world.user_ids[number]): {
                "userId": str(world.user_ids[number]),
                "reason": "shouts",
                "blacklistedBy": str(world.owner_id),
                "blacklistedAt": "2025-07-20T09:00:01.331Z",
            }
            for number in by_kind(Kind.BANNED)
        },
        "auto_response.json": [str(world.user_ids[number]) for number in by_kind(Kind.AUTOMATIC)],
    }


@dataclass(frozen=True, slots=True)
class WorldIds:
    """What Discord and the AI service call all of these."""

    owner_id: int
    user_ids: tuple[int, ...]
    spot_ids: tuple[int, ...]
    avatar_base: str

    def avatar_url(self, full_name: str) -> str:
        """Where a personality's picture lies."""
        return f"{self.avatar_base}/{full_name}.png"


def token_of(user: int) -> str:
    """The login of a person at the AI service."""
    return f"day-token-{user:02d}"
