"""Adding, removing, naming: the rules, the records, and what stays of a removed one."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import (
    ConfigurationError,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    NotFoundError,
    UnavailableError,
)
from bot.model import Activation, Mapping, Member, Personality, Profile
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.results import Wish
from bot.services.policy import Policy
from bot.store import activations, messages
from bot.store import personalities as personality_rows
from bot.store.driver import SQLiteStore
from tests.services.conftest import MEMBER, NSFW, OTHER, OWNER, USER, Clock, FakeProfiles, rows

LILITH = Profile("lilith-tzel-shani", "Lilith", "https://a.example/l.png", "I am lost for words.")


@pytest.fixture
def profiles() -> FakeProfiles:
    return FakeProfiles({LILITH.full_name: LILITH})


@pytest.fixture
def personalities(store: SQLiteStore, policy: Policy, clock: Clock, profiles: FakeProfiles) -> Personalities:
    return Personalities(store=store, policy=policy, profiles=profiles, clock=clock, letters=lambda: "qwerty")


@pytest.fixture
def offline(store: SQLiteStore, policy: Policy, clock: Clock) -> Personalities:
    """Without a profile endpoint."""
    return Personalities(store=store, policy=policy, clock=clock, letters=lambda: "qwerty")


async def records(store: SQLiteStore) -> list[tuple[Any, ...]]:
    found = await rows(store, "SELECT * FROM changes ORDER BY id")
    return [(row["kind"], row["action"], row["subject"], row["changed_by"], row["before"] is None) for row in found]


async def test_adding_takes_name_avatar_and_error_text_from_the_profile(
    personalities: Personalities, store: SQLiteStore
) -> None:
    added = await personalities.add(MEMBER, Wish(full_name="lilith-tzel-shani", alias="Queen of the Night"))
    assert added.aliases == ("queen of the night", "lilith")
    details = await personalities.info("LILITH")
    stored = details.personality
    assert (stored.display_name, stored.avatar_url, stored.error_message, stored.added_by) == (
        "Lilith",
        LILITH.avatar_url,
        LILITH.error_message,
        USER,
    )
    assert added.personality == stored
    assert await records(store) == [
        ("personality", "put", "lilith-tzel-shani", USER, True),
        ("alias", "put", "queen of the night", USER, True),
        ("alias", "put", "lilith", USER, True),
    ]


async def test_without_a_profile_endpoint_adding_takes_avatar_and_prompt(offline: Personalities) -> None:
    wish = Wish(full_name="Baba Yaga", avatar_url="https://a.example/b.png", prompt=" You live in a hut. ")
    added = await offline.add(MEMBER, wish)
    assert added.aliases == ()
    stored = (await offline.info("baba yaga")).personality
    assert (stored.display_name, stored.avatar_url, stored.prompt) == (
        "Baba Yaga",
        "https://a.example/b.png",
        "You live in a hut.",
    )


async def test_an_unknown_or_unavailable_profile_adds_nothing(
    personalities: Personalities, profiles: FakeProfiles, store: SQLiteStore
) -> None:
    profiles.fail["slow"] = UnavailableError("Slow.")
    with pytest.raises(UnavailableError):
        await personalities.add(MEMBER, Wish(full_name="slow"))
    with pytest.raises(NotFoundError):
        await personalities.add(MEMBER, Wish(full_name="unknown"))
    assert await rows(store, "SELECT * FROM personalities") == await rows(store, "SELECT * FROM changes") == []


async def test_a_taken_display_name_gets_the_next_part_of_the_name_and_then_letters(
    personalities: Personalities, profiles: FakeProfiles
) -> None:
    for name in ("lilith-tzel-shani", "lilith-tzel-other", "lilith-tzel-third"):
        profiles.known[name] = replace(LILITH, full_name=name)
    names = ("lilith-tzel-shani", "lilith-tzel-other", "lilith-tzel-third")
    added = [await personalities.add(MEMBER, Wish(full_name=name)) for name in names]
    assert [one.aliases for one in added] == [("lilith",), ("lilith-tzel",), ("lilith-qwerty",)]


async def test_a_name_that_is_there_conflicts_in_any_case_and_says_who_may_free_it(offline: Personalities) -> None:
    await offline.add(MEMBER, Wish(full_name="lilith"))
    with pytest.raises(ConflictError) as raised:
        await offline.add(Member(OTHER), Wish(full_name="LILITH"))
    assert f"<@{USER}>" in str(raised.value)


async def test_a_name_that_is_anothers_alias_conflicts(offline: Personalities) -> None:
    await offline.add(MEMBER, Wish(full_name="lilith", alias="moon"))
    with pytest.raises(ConflictError, match="alias"):
        await offline.add(MEMBER, Wish(full_name="Moon"))


async def test_a_taken_alias_conflicts_and_nothing_is_added(offline: Personalities, store: SQLiteStore) -> None:
    await offline.add(MEMBER, Wish(full_name="lilith", alias="moon"))
    before = await rows(store, "SELECT * FROM changes")
    with pytest.raises(ConflictError):
        await offline.add(MEMBER, Wish(full_name="baba", alias="MOON"))
    with pytest.raises(ConflictError):
        await offline.alias(MEMBER, "lilith", "moon")
    with pytest.raises(ConflictError):
        await offline.add(MEMBER, Wish(full_name="baba", alias="Lilith"))
    assert await rows(store, "SELECT * FROM changes") == before


async def test_two_who_add_the_same_name_at_once_get_one_personality(
    offline: Personalities, store: SQLiteStore
) -> None:
    wishes = [Wish(full_name="lilith", alias=alias) for alias in ("moon", "night", "star")]
    results = await asyncio.gather(*(offline.add(MEMBER, wish) for wish in wishes), return_exceptions=True)
    assert [isinstance(result, ConflictError) for result in results] == [False, True, True]
    assert [row["alias"] for row in await rows(store, "SELECT alias FROM personality_aliases")] == ["moon"]


@pytest.mark.parametrize(
    "wish",
    [
        Wish(full_name="x"),
        Wish(full_name="admin"),
        Wish(full_name="lilith", alias="lilith"),
        Wish(full_name="lilith", alias="x" * 51),
        Wish(full_name="lilith", avatar_url="file:///etc/passwd"),
        Wish(full_name="lilith", prompt="x" * 40_000),
    ],
)
async def test_what_is_outside_of_the_rules_is_refused_before_anything_is_fetched(
    personalities: Personalities, profiles: FakeProfiles, wish: Wish
) -> None:
    with pytest.raises(InvalidInputError):
        await personalities.add(MEMBER, wish)
    assert profiles.asked == []


async def test_removing_takes_aliases_and_activations_and_keeps_who_spoke(
    offline: Personalities, store: SQLiteStore, clock: Clock
) -> None:
    added = await offline.add(MEMBER, Wish(full_name="lilith", alias="moon"))
    await store.write(
        activations.put(Activation(NSFW.channel_id, "lilith", USER, clock())),
        messages.put(Mapping(555, USER, NSFW.channel_id, added.personality.id)),
    )
    removed = await offline.remove(MEMBER, "moon")
    assert (removed.aliases, removed.channel_ids) == (("moon",), (NSFW.channel_id,))
    assert await rows(store, "SELECT * FROM personality_aliases") == []
    assert await rows(store, "SELECT * FROM channel_activations") == []
    (spoken,) = await rows(
        store, "SELECT p.* FROM message_mappings AS m JOIN personalities AS p ON p.id = m.personality_id"
    )
    assert (spoken["full_name"], spoken["is_active"]) == ("lilith", 0)
    assert (await records(store))[-3:] == [
        ("personality", "delete", "lilith", USER, False),
        ("alias", "delete", "moon", USER, False),
        ("activation", "delete", str(NSFW.channel_id), USER, False),
    ]
    with pytest.raises(NotFoundError):
        await offline.info("lilith")


async def test_adding_a_removed_one_brings_the_same_row_back(offline: Personalities, clock: Clock) -> None:
    first = await offline.add(MEMBER, Wish(full_name="Lilith", prompt="Be kind."))
    await offline.remove(MEMBER, "lilith")
    clock.advance(days=1)
    again = await offline.add(Member(OTHER), Wish(full_name="LILITH"))
    assert again.is_revived
    assert (again.personality.id, again.personality.full_name) == (first.personality.id, "Lilith")
    assert (again.personality.added_by, again.personality.prompt) == (OTHER, "Be kind.")


async def test_only_who_added_it_and_the_owner_remove(offline: Personalities) -> None:
    await offline.add(MEMBER, Wish(full_name="lilith"))
    with pytest.raises(NotAllowedError):
        await offline.remove(Member(OTHER), "lilith")
    await offline.remove(Member(OWNER), "lilith")


async def test_a_list_has_pages_of_ten_of_ones_own(offline: Personalities) -> None:
    for number in range(11):
        await offline.add(MEMBER, Wish(full_name=f"name {number:02}"))
    await offline.add(Member(OTHER), Wish(full_name="someone elses"))
    first, second = await offline.list(MEMBER), await offline.list(MEMBER, 2)
    assert [p.full_name for p in first.entries] == [f"name {number:02}" for number in range(10)]
    assert [p.full_name for p in second.entries] == ["name 10"]
    assert (second.number, second.pages, second.total) == (2, 2, 11)
    assert [(await offline.list(MEMBER, page)).number for page in (0, -1, 3)] == [1, 1, 2]


async def test_an_empty_list_has_one_empty_page(offline: Personalities) -> None:
    page = await offline.list(MEMBER)
    assert (page.entries, page.pages, page.total) == ((), 1, 0)


async def test_an_alias_of_several_words_is_found_however_it_is_typed(offline: Personalities) -> None:
    await offline.add(MEMBER, Wish(full_name="baba-yaga"))
    assert (await offline.alias(MEMBER, "Baba-Yaga", " Баба   ЯГА ")).alias == "баба яга"
    assert (await offline.info("БАБА  яга")).aliases == ("баба яга",)


async def test_the_owners_personalities_are_seeded_once_and_without_network(
    store: SQLiteStore, policy: Policy, clock: Clock, profiles: FakeProfiles
) -> None:
    policy = replace(policy, owner_personalities=("lilith", "baba", "lilith"))
    seeding = Personalities(store=store, policy=policy, profiles=profiles, clock=clock)
    assert await seeding.seed() == 2
    assert await seeding.seed() == 0
    assert profiles.asked == []
    assert (await seeding.info("baba")).personality.added_by == OWNER


async def test_a_seeded_one_that_was_removed_stays_removed(store: SQLiteStore, policy: Policy, clock: Clock) -> None:
    seeding = Personalities(store=store, policy=replace(policy, owner_personalities=("lilith",)), clock=clock)
    await seeding.seed()
    await seeding.remove(Member(OWNER), "lilith")
    assert await seeding.seed() == 0


async def test_a_bad_name_in_the_settings_is_a_wrong_configuration(
    store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    seeding = Personalities(store=store, policy=replace(policy, owner_personalities=("lilith", "x")), clock=clock)
    with pytest.raises(ConfigurationError, match="BOT_OWNER_PERSONALITIES"):
        await seeding.seed()


async def test_a_profile_that_changes_nothing_leaves_no_record(
    personalities: Personalities, store: SQLiteStore, clock: Clock
) -> None:
    await personalities.add(MEMBER, Wish(full_name="lilith-tzel-shani"))
    before = await records(store)
    clock.advance(days=1)
    await personalities.adopt("lilith-tzel-shani", LILITH)
    assert await records(store) == before
    assert (await personalities.info("lilith")).personality.profile_fetched_at == clock()


async def test_a_new_display_name_becomes_an_alias_and_is_recorded(
    personalities: Personalities, store: SQLiteStore, clock: Clock
) -> None:
    seeded = Personality("lilith-tzel-shani", "lilith-tzel-shani", OWNER, clock())
    await store.write(personality_rows.put(seeded))
    await personalities.adopt("lilith-tzel-shani", LILITH)
    details = await personalities.info("lilith")
    assert (details.personality.display_name, details.aliases) == ("Lilith", ("lilith",))
    assert (await records(store))[-2:] == [
        ("personality", "put", "lilith-tzel-shani", 0, False),
        ("alias", "put", "lilith", 0, True),
    ]
