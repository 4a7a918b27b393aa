"""Names under many hands: each leads to one personality, and to the same one as long as that is there."""

import asyncio
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import TzurotError
from bot.model import Member, Profile
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.results import Wish
from bot.services.policy import Policy
from bot.store.driver import SQLiteStore
from tests.services.conftest import Clock, FakeProfiles, rows

SHOWN = st.sampled_from(["Lilith", "lilith", "Rose Red", "Rose", "Эхо", "everyone", "", "p1-rose"])
ACTS = st.lists(
    st.tuples(st.sampled_from(["add", "alias", "adopt", "remove"]), st.integers(0, 4), SHOWN), min_size=1, max_size=12
)
EXAMPLES = count()


@pytest.fixture
def profiles() -> FakeProfiles:
    return FakeProfiles()


@pytest.fixture
def service(store: SQLiteStore, policy: Policy, clock: Clock, profiles: FakeProfiles) -> Personalities:
    letters = count(100_000)
    return Personalities(
        store=store, policy=policy, profiles=profiles, clock=clock, letters=lambda: f"x{next(letters)}"
    )


async def owners(store: SQLiteStore) -> dict[str, str]:
    found = await rows(store, "SELECT alias, personality_name FROM personality_aliases")
    return {row["alias"]: row["personality_name"] for row in found}


async def names(store: SQLiteStore) -> dict[str, str]:
    found = await rows(store, "SELECT name_lower, full_name FROM personalities WHERE is_active = 1")
    return {row["name_lower"]: row["full_name"] for row in found}


async def act(service: Personalities, profiles: FakeProfiles, example: int, what: tuple[str, int, str]) -> None:
    """One person does one thing, which may be refused."""
    verb, number, shown = what
    name, member = f"p{number}-rose-{example}", Member(number + 1)
    profile = Profile(name, shown or name)
    try:
        if verb == "add":
            profiles.known[name] = profile
            await service.add(member, Wish(full_name=name, alias=shown or None))
        elif verb == "alias":
            await service.alias(member, name, shown)
        elif verb == "adopt":
            await service.adopt(name, profile)
        else:
            await service.remove(member, name)
    except TzurotError:
        pass


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=1, max_size=3))
async def test_an_alias_never_changes_its_owner_however_many_want_it(
    service: Personalities, profiles: FakeProfiles, store: SQLiteStore, rounds: list[list[tuple[str, int, str]]]
) -> None:
    example = next(EXAMPLES)
    for acts in rounds:
        before = await owners(store)
        await asyncio.gather(*(act(service, profiles, example, what) for what in acts))
        after, active = await owners(store), await names(store)
        is_removed = {f"p{number}-rose-{example}" for verb, number, _ in acts if verb == "remove"}
        kept = {alias: owner for alias, owner in before.items() if owner not in is_removed}
        assert kept.items() <= after.items()
        assert set(after.values()) <= set(active.values())
        assert all(active.get(alias, owner) == owner for alias, owner in after.items())


async def test_everybody_who_wants_the_same_display_name_gets_a_name_of_their_own(
    service: Personalities, profiles: FakeProfiles, store: SQLiteStore
) -> None:
    full_names = [f"rose-{number}" for number in range(10)]
    profiles.known = {name: Profile(name, "Rose") for name in full_names}
    await asyncio.gather(*(service.add(Member(n + 1), Wish(full_name=name)) for n, name in enumerate(full_names)))
    assert sorted((await owners(store)).values()) == full_names
