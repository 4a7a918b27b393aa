"""Profiles in the background: one at a time, apart, and no failure ends it or is repeated at once."""

import asyncio

import pytest

from bot.errors import UnavailableError
from bot.model import Personality, Profile
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.profiles import ProfileRefresher
from bot.services.policy import Policy
from bot.store import aliases
from bot.store import personalities as table
from bot.store.driver import SQLiteStore
from tests.services.conftest import OWNER, Clock, FakeProfiles

INTERVAL, LIMIT, LIFETIME, IDLE = 3, 300, 86_400, 60


@pytest.fixture
async def profiles(store: SQLiteStore, clock: Clock) -> FakeProfiles:
    names = ("anna", "bert", "carl")
    await store.write(*(table.put(Personality(name, name, OWNER, clock())) for name in names))
    return FakeProfiles({name: Profile(name, f"{name} display") for name in names})


@pytest.fixture
def refresher(store: SQLiteStore, policy: Policy, clock: Clock, profiles: FakeProfiles) -> ProfileRefresher:
    return ProfileRefresher(
        store=store,
        source=profiles,
        personalities=Personalities(store=store, policy=policy, profiles=profiles, clock=clock),
        interval_seconds=INTERVAL,
        lifetime_seconds=LIFETIME,
        backoff_limit_seconds=LIMIT,
        idle_seconds=IDLE,
        clock=clock,
    )


async def _step(refresher: ProfileRefresher, clock: Clock) -> float:
    wait = await refresher.refresh_next()
    clock.advance(seconds=wait)
    return wait


async def test_each_profile_is_fetched_once_in_its_lifetime(
    refresher: ProfileRefresher, clock: Clock, profiles: FakeProfiles
) -> None:
    assert [await _step(refresher, clock) for _ in range(5)] == [INTERVAL, INTERVAL, INTERVAL, IDLE, IDLE]
    assert profiles.asked == ["anna", "bert", "carl"]
    clock.advance(seconds=LIFETIME)
    await _step(refresher, clock)
    assert profiles.asked[3:] == ["anna"]


async def test_a_failing_profile_lets_the_others_go_first_and_the_wait_grows(
    refresher: ProfileRefresher, clock: Clock, profiles: FakeProfiles
) -> None:
    for name in ("anna", "bert"):
        profiles.fail[name] = UnavailableError("Down.")
    assert [await _step(refresher, clock) for _ in range(4)] == [2 * INTERVAL, 4 * INTERVAL, INTERVAL, IDLE]
    assert profiles.asked == ["anna", "bert", "carl"]
    profiles.fail.clear()
    clock.advance(seconds=LIMIT)
    assert [await _step(refresher, clock) for _ in range(3)] == [INTERVAL, INTERVAL, IDLE]
    assert profiles.asked[3:] == ["anna", "bert"]


async def test_the_wait_has_a_limit_and_what_the_service_asks_for_counts(
    refresher: ProfileRefresher, profiles: FakeProfiles, clock: Clock
) -> None:
    busy = UnavailableError("Too often.")
    busy.retry_after_seconds = 1000
    profiles.fail = dict.fromkeys(("anna", "bert", "carl"), busy)
    assert await _step(refresher, clock) == 1000
    busy.retry_after_seconds = None
    waits = [await _step(refresher, clock) for _ in range(12)]
    assert max(waits) <= LIMIT
    assert min(waits) >= 2 * INTERVAL


async def test_a_profile_nobody_knows_keeps_what_is_stored_and_is_not_asked_for_again_soon(
    refresher: ProfileRefresher, profiles: FakeProfiles, clock: Clock, store: SQLiteStore
) -> None:
    del profiles.known["anna"]
    waits = [await _step(refresher, clock) for _ in range(4)]
    assert waits == [INTERVAL, INTERVAL, INTERVAL, IDLE]
    anna = await store.first(table.get("anna"))
    assert anna is not None
    assert (anna.display_name, anna.is_active) == ("anna", True)


async def test_a_personality_removed_while_its_profile_loads_stays_removed(
    refresher: ProfileRefresher, profiles: FakeProfiles, clock: Clock, store: SQLiteStore
) -> None:
    await store.write(*table.remove("anna", OWNER, clock(), OWNER))
    await refresher.personalities.adopt("anna", profiles.known["anna"])
    again = await store.first(table.get("anna"))
    assert again is not None
    assert (again.is_active, again.display_name) == (False, "anna")
    assert await store.fetch(aliases.find_by_personality("anna")) == []


async def test_the_task_runs_until_it_is_cancelled(refresher: ProfileRefresher, profiles: FakeProfiles) -> None:
    idle = asyncio.Event()
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if seconds == IDLE:
            idle.set()
            await asyncio.Event().wait()

    profiles.fail["bert"] = UnavailableError("Down.")
    task = asyncio.create_task(_with_pause(refresher, pause).run())
    await asyncio.wait_for(idle.wait(), 5)
    task.cancel()
    assert pauses == [INTERVAL, 2 * INTERVAL, INTERVAL, IDLE]
    assert profiles.asked == ["anna", "bert", "carl"]


def _with_pause(refresher: ProfileRefresher, pause: object) -> ProfileRefresher:
    return ProfileRefresher(
        store=refresher.store,
        source=refresher.source,
        personalities=refresher.personalities,
        interval_seconds=INTERVAL,
        lifetime_seconds=LIFETIME,
        backoff_limit_seconds=LIMIT,
        idle_seconds=IDLE,
        clock=refresher.clock,
        pause=pause,  # type: ignore[arg-type] # any awaitable function will do
    )
