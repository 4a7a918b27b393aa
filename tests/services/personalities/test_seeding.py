"""The owner's personalities: from the database first, only unknown ones fetched, and no removed one comes back."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import UnavailableError
from bot.model import Alias, Member, Personality, Profile
from bot.rules.undo import Action, Kind
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.profiles import ProfileRefresher
from bot.services.policy import Policy
from bot.store import aliases, changes
from bot.store import personalities as table
from bot.store.driver import SQLiteStore
from tests.services.conftest import OTHER, OWNER, Clock, FakeProfiles, rows

DAY = 86_400
SEED = tuple(f"owned-{number:02}" for number in range(66))


@dataclass
class Counting:
    """A store that notes what it is used for."""

    store: SQLiteStore
    used: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        self.used.append(name)
        return getattr(self.store, name)


@pytest.fixture
def seeding(store: SQLiteStore, policy: Policy, clock: Clock) -> Callable[..., Personalities]:
    def make(*names: str, owner_id: int = OWNER) -> Personalities:
        own = replace(policy, owner_personalities=names, owner_id=owner_id)
        return Personalities(store=store, policy=own, profiles=FakeProfiles(), clock=clock)

    return make


def refresher(people: Personalities, source: FakeProfiles, clock: Clock) -> ProfileRefresher:
    """As a process that has just started has it."""
    return ProfileRefresher(
        store=people.store,
        source=source,
        personalities=people,
        interval_seconds=3,
        lifetime_seconds=DAY,
        backoff_limit_seconds=300,
        clock=clock,
    )


def profiles_of(*names: str) -> FakeProfiles:
    return FakeProfiles({name: Profile(name, f"Shown {name}") for name in names})


async def names(store: SQLiteStore, is_active: int = 1) -> list[str]:
    found = await rows(store, "SELECT full_name FROM personalities WHERE is_active = :a ORDER BY id", a=is_active)
    return [row["full_name"] for row in found]


async def test_many_are_there_at_once_and_known_ones_cost_one_read(
    store: SQLiteStore, seeding: Callable[..., Personalities]
) -> None:
    people = seeding(*SEED)
    assert await people.seed() == len(SEED)
    assert await names(store) == list(SEED)
    assert {row["added_by"] for row in await rows(store, "SELECT added_by FROM personalities")} == {OWNER}
    recorded = await store.fetch(changes.latest(100))
    assert {(record.kind, record.action, record.before) for record in recorded} == {
        (Kind.PERSONALITY, Action.PUT, None)
    }
    assert len(recorded) == len(SEED)
    counting = Counting(store)
    assert await replace(people, store=counting).seed() == 0
    assert counting.used == ["fetch"]
    assert await store.fetch(changes.latest(100)) == recorded
    assert people.profiles is not None
    assert people.profiles.asked == []  # type: ignore[attr-defined]


async def test_names_that_differ_in_case_only_are_one(
    store: SQLiteStore, seeding: Callable[..., Personalities], clock: Clock
) -> None:
    await store.write(table.put(Personality("Lilith", "Lilith", OTHER, clock())))
    assert await seeding("lilith", "Eve", "EVE", "eve").seed() == 1
    assert [name.lower() for name in await names(store)] == ["lilith", "eve"]


async def test_a_name_that_is_an_alias_of_another_by_now_stays_one_and_the_log_says_so(
    store: SQLiteStore, seeding: Callable[..., Personalities], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    await store.write(
        table.put(Personality("lilith-tzel", "Lilith", OTHER, clock())),
        aliases.put(Alias("lilith", "lilith-tzel", OTHER, clock())),
    )
    assert await seeding("Lilith", "LILITH-tzel").seed() == 0
    assert await names(store) == ["lilith-tzel"]
    assert "lilith of BOT_OWNER_PERSONALITIES is not added: it is an alias of lilith-tzel" in caplog.text
    assert caplog.text.count("not added") == 1


async def test_a_removed_one_does_not_come_back_however_it_is_written_and_whoever_removed_it(
    store: SQLiteStore, seeding: Callable[..., Personalities], clock: Clock
) -> None:
    gone = Personality("Lilith", "Lilith", OTHER, clock(), is_active=False)  # as an import brings it, before any start
    await store.write(table.put(gone))
    for name in ("lilith", "LILITH"):
        assert await seeding(name).seed() == 0
    await seeding("eve").seed()
    await seeding("eve").remove(Member(OWNER), "eve")
    assert await seeding("eve").seed() == 0
    assert await names(store) == []


async def test_without_an_owner_they_are_nobodys_and_nobody_removes_them(
    store: SQLiteStore, seeding: Callable[..., Personalities]
) -> None:
    people = seeding("lilith", owner_id=0)
    assert await people.seed() == 1
    for user_id in (0, OTHER):
        assert (await store.write(*table.remove("lilith", user_id, people.clock(), 0)))[-1].count == 0
    await seeding("lilith", owner_id=OWNER).remove(Member(OWNER), "lilith")


async def test_two_that_seed_at_once_add_each_once(store: SQLiteStore, seeding: Callable[..., Personalities]) -> None:
    """Between the look and the write of a start, `tzurot undo` or an import may have added one."""
    one = table.seed(Personality("Lilith", "Lilith", OTHER, seeding().clock()), changes.Edit(OTHER, seeding().clock()))
    two = table.seed(Personality("lilith", "lilith", OWNER, seeding().clock()), changes.Edit(0, seeding().clock()))
    assert [outcome.count for outcome in await store.write(*one, *two)] == [1, 1, 0, 0]


async def test_fetching_goes_on_where_a_killed_process_left_it(
    store: SQLiteStore, seeding: Callable[..., Personalities], clock: Clock
) -> None:
    people, source = seeding(*SEED[:6]), profiles_of(*SEED[:6])
    await people.seed()
    first = refresher(people, source, clock)
    assert [await first.refresh_next() for _ in range(2)] == [3, 3]
    assert (await people.info(f"shown {SEED[0]}")).personality.full_name == SEED[0]  # an alias at once
    assert await people.seed() == 0
    again = refresher(people, source, clock)
    waits = [await again.refresh_next() for _ in range(5)]
    assert waits == [3, 3, 3, 3, again.idle_seconds]
    assert source.asked == list(SEED[:6])


async def test_a_profile_that_is_not_found_is_asked_for_again_after_a_day_only(
    seeding: Callable[..., Personalities], clock: Clock
) -> None:
    people, source = seeding("lilith", "eve"), profiles_of("eve")
    await people.seed()
    await refresher(people, source, clock).refresh_next()
    for _ in range(3):
        await refresher(people, source, clock).refresh_next()
    assert source.asked == ["lilith", "eve"]
    clock.advance(seconds=DAY + 1)
    await refresher(people, source, clock).refresh_next()
    assert source.asked == ["lilith", "eve", "lilith"]


async def test_a_429_waits_as_long_as_it_says_and_the_others_go_first(
    seeding: Callable[..., Personalities], clock: Clock
) -> None:
    people, source = seeding("lilith", "eve"), profiles_of("lilith", "eve")
    busy = UnavailableError("Too often.")
    busy.retry_after_seconds = 77
    source.fail["lilith"] = busy
    await people.seed()
    task = refresher(people, source, clock)
    assert await task.refresh_next() == 77
    assert await task.refresh_next() == 3
    source.fail.clear()
    clock.advance(seconds=300)
    assert await task.refresh_next() == 3
    assert source.asked == ["lilith", "eve", "lilith"]


@pytest.mark.parametrize(
    ("known", "is_asked"),
    [
        ({"display_name": "Lilith", "updated_at": timedelta(hours=-23)}, False),
        ({"avatar_url": "https://a.example/l.png", "updated_at": timedelta(hours=-23)}, False),
        ({"display_name": "Lilith", "profile_fetched_at": timedelta(hours=-23)}, False),
        ({"display_name": "Lilith", "updated_at": timedelta(hours=-25)}, True),
        ({"display_name": "Lilith", "profile_fetched_at": timedelta(hours=-25), "updated_at": timedelta(0)}, True),
        ({"display_name": "Lilith"}, True),
        ({"updated_at": timedelta(hours=-1)}, True),
    ],
)
async def test_an_imported_profile_is_fetched_when_it_is_old_or_nothing_is_known_of_it(
    store: SQLiteStore, seeding: Callable[..., Personalities], clock: Clock, known: dict[str, object], *, is_asked: bool
) -> None:
    plain = Personality("lilith", "lilith", OTHER, clock() - timedelta(days=30))
    moments = {key: clock() + value if isinstance(value, timedelta) else value for key, value in known.items()}
    await store.write(table.put(replace(plain, **moments)))  # type: ignore[arg-type]
    source = profiles_of("lilith")
    await refresher(seeding("lilith"), source, clock).refresh_next()
    assert source.asked == (["lilith"] if is_asked else [])


async def test_of_whom_nothing_is_known_comes_before_whoever_is_only_old(
    store: SQLiteStore, seeding: Callable[..., Personalities], clock: Clock
) -> None:
    long_ago = clock() - timedelta(days=9)
    await store.write(table.put(Personality("old", "Old", OTHER, long_ago, updated_at=long_ago)))
    people, source = seeding("old", "new"), profiles_of("old", "new")
    await people.seed()
    task = refresher(people, source, clock)
    for _ in range(3):
        await task.refresh_next()
    assert source.asked == ["new", "old"]
