"""Folders as the original can have written them: any text, any missing key, keys that nobody knows."""

from typing import Any

from hypothesis import strategies as st

from bot.store.legacy.moments import FIRST_MS, LAST_MS, to_text

LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
TEXTS = st.text(LETTERS, min_size=1, max_size=8).filter(str.strip)
NAMES = st.sampled_from(["rook", "Rook", "ROOK", "wren-small", "__proto__", "import"]) | TEXTS
ALIASES = TEXTS.map(str.lower).filter(lambda text: text == text.lower() and text.strip())
IDS = st.integers(1, 2**63 - 1).map(str)
MS = st.integers(FIRST_MS, LAST_MS)
ISO = MS.map(to_text)
VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
ODD = st.recursive(VALUES | st.text(LETTERS, max_size=5), lambda inner: st.lists(inner, max_size=2), max_leaves=3)
UNKNOWN = st.dictionaries(
    st.sampled_from(["avatarChanged", "activatedChannels", "import", "sealed", "x"]) | TEXTS.map("_".__add__),
    ODD,
    max_size=2,
)


def record(required: dict[str, Any], optional: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A record with some of its optional keys, and some that nobody knows."""
    known = st.fixed_dictionaries(required, optional=optional)
    return st.builds(lambda mine, others: others | mine, known, UNKNOWN)


def keyed(keys: st.SearchStrategy[str], values: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[Any]:
    """An object of some of them."""
    return st.dictionaries(keys, values, max_size=most)


FLAT_PERSON = record(
    {},
    {
        "addedBy": IDS,
        "addedAt": ISO,
        "displayName": TEXTS,
        "avatarUrl": st.none() | TEXTS,
        "errorMessage": st.none() | TEXTS,
        "lastUpdated": ISO,
    },
)
OLDEST_PERSON = record({"createdBy": IDS}, {"createdAt": MS, "displayName": TEXTS, "description": TEXTS})
PROFILE = record(
    {},
    {
        "mode": st.just("external"),
        "displayName": TEXTS,
        "avatarUrl": st.none() | TEXTS,
        "errorMessage": st.none() | TEXTS,
        "prompt": st.none() | TEXTS,
        "modelPath": st.none() | TEXTS,
        "lastFetched": ISO,
    },
)
NESTED_PERSON = record(
    {"ownerId": IDS},
    {
        "personalityId": TEXTS,
        "profile": st.none() | PROFILE,
        "model": st.none() | st.fixed_dictionaries({"name": TEXTS}),
        "configuration": st.none()
        | record({"prompt": TEXTS}, {"disableContextMetadata": st.none() | st.booleans() | TEXTS}),
        "createdAt": ISO,
        "updatedAt": ISO,
        "removed": st.booleans(),
    },
)
TOKEN = record({"value": TEXTS}, {"expiresAt": st.none() | ISO})
STATUS = record({"verified": st.booleans()}, {"verifiedAt": st.none() | ISO})
USER = st.one_of(
    record({"token": TOKEN}, {"nsfwStatus": st.none() | STATUS, "savedAt": ISO, "blacklisted": st.booleans()}),
    record({"nsfwStatus": STATUS}, {"token": st.none(), "savedAt": ISO}),
    record({"token": TEXTS}, {"createdAt": MS, "expiresAt": MS, "nsfwStatus": STATUS}),
)
FLAT_LOGIN = record({"token": TEXTS}, {"createdAt": MS, "expiresAt": MS | st.just(LAST_MS + 1)})
FLAT_STATUS = record({"verified": st.booleans()}, {"timestamp": MS, "verifiedAt": st.none() | MS})
HEARD = {"isDM": st.booleans(), "isMentionOnly": st.booleans()}
CONVERSATION = st.one_of(
    record({"personalityName": NAMES}, HEARD | {"messageIds": st.lists(IDS, max_size=3), "timestamp": MS}),
    record({"personalityName": NAMES}, HEARD | {"lastMessageId": IDS, "timestamp": MS}),
)
MAPPING = record({"userId": IDS, "channelId": IDS, "personalityName": NAMES}, HEARD | {"timestamp": MS})
BAN = record({}, {"userId": IDS, "reason": st.none() | TEXTS, "blacklistedBy": IDS, "blacklistedAt": ISO})
PREFERENCE = record(
    {},
    {
        "optedOut": st.booleans(),
        "notificationLevel": st.sampled_from(["major", "minor", "patch", "none"]) | TEXTS,
        "lastNotified": st.none() | TEXTS,
        "createdAt": st.none() | ISO,
        "updatedAt": st.none() | ISO,
    },
)


@st.composite
def flat_folders(draw: st.DrawFn) -> dict[str, Any]:
    """Files of gen0 and gen1."""
    people = draw(keyed(NAMES, FLAT_PERSON | OLDEST_PERSON))
    for name, person in people.items():
        if draw(st.booleans()):
            person["fullName"] = name
    names = list(people) or [""]
    return _common(draw, names if people else []) | {
        "personalities.json": people,
        "aliases.json": draw(keyed(ALIASES, st.sampled_from(names))) if people else {},
        "auth_tokens.json": draw(keyed(IDS, FLAT_LOGIN)),
        "nsfw_verified.json": draw(keyed(IDS, FLAT_STATUS)),
    }


@st.composite
def nested_folders(draw: st.DrawFn) -> dict[str, Any]:
    """Files of gen2a and gen2b."""
    people = draw(keyed(NAMES, NESTED_PERSON | FLAT_PERSON))
    for name, person in people.items():
        if isinstance(person.get("profile"), dict) and draw(st.booleans()):
            person["profile"]["name"] = person["id"] = name
    active = [name for name, person in people.items() if not person.get("removed")]
    return _common(draw, active) | {
        "personalities.json": {"personalities": people, "aliases": _alias_map(draw, people, active)},
        "auth.json": draw(keyed(IDS, USER)),
    }


def _alias_map(draw: st.DrawFn, people: dict[str, Any], active: list[str]) -> dict[str, str]:
    mapped = {}
    for alias in draw(st.lists(ALIASES, unique=True, max_size=4)) if active else []:
        name, place = draw(st.sampled_from(active)), draw(st.sampled_from(["map", "list", "both"]))
        if place != "list":
            mapped[alias] = name
        if place != "map":
            listed = people[name].setdefault("aliases", [])
            more: dict[str, Any] = draw(st.sampled_from([{}, {"originalCase": "Ab"}, {"import": 5}]))
            listed.append(draw(st.sampled_from([alias, {"value": alias} | more])))
    for name in active:
        if draw(st.booleans()):
            people[name]["aliases"] = draw(st.permutations(people[name].get("aliases", [])))
    return mapped


def _common(draw: st.DrawFn, active: list[str]) -> dict[str, Any]:
    activation = record({"personalityName": st.sampled_from(active or [""])}, {"activatedBy": IDS, "timestamp": MS})
    version = draw(st.none() | record({"version": TEXTS}, {"notifiedAt": st.none() | ISO}))
    return {
        "channel_activations.json": draw(keyed(IDS, activation)) if active else {},
        "conversations.json": draw(keyed(st.builds("{}-{}".format, IDS, IDS), CONVERSATION)),
        "message_map.json": draw(keyed(IDS, MAPPING)),
        "auto_response.json": sorted(draw(st.lists(IDS, max_size=3, unique=True)), key=int),
        "blacklist.json": draw(keyed(IDS, BAN)),
        "releaseNotificationPreferences.json": draw(keyed(IDS, PREFERENCE)),
        **({} if version is None else {"lastNotifiedVersion.json": version}),
    }
