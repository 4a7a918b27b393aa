"""Logins that have run out are forgotten batch by batch, and nothing else is."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.errors import NotAllowedError, StorageError, UnavailableError
from bot.model import Login, Member, Secret
from bot.services.people import login_cleanup
from bot.services.people.login_cleanup import LoginCleanup
from bot.services.policy import Policy
from bot.store import changes, logins
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import DM, NSFW, OWNER, USER, Clock, rows

ADMINISTRATOR = Member(USER, is_administrator=True)


@dataclass
class FakeGuilds:
    members: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)

    async def members_among(self, _guild_id: int, user_ids: Collection[int]) -> set[int]:
        self.asked.append(len(user_ids))
        return self.members & {*user_ids}


@pytest.fixture
def guilds() -> FakeGuilds:
    return FakeGuilds()


@pytest.fixture
def cleanup(store: SQLiteStore, policy: Policy, clock: Clock, guilds: FakeGuilds) -> LoginCleanup:
    return LoginCleanup(store=store, policy=policy, guilds=guilds, clock=clock)


@pytest.fixture(autouse=True)
async def known(store: SQLiteStore, cipher: Cipher, clock: Clock) -> None:
    """Users 1 to 7 have a login that has run out, 8 one that is valid, 9 one of each, 10 one without a date."""
    past, future = clock() - timedelta(seconds=1), clock() + timedelta(days=1)
    dates = [*((user_id, "*", past) for user_id in (1, 2, 3, 4, 5, 6, 7)), (8, "*", future), (9, "*", past)]
    given = [*dates, (9, "baba", future), (10, "*", None)]
    await store.write(
        *(
            logins.put(Login(user_id, Secret("token"), past, name, expires_at=until), cipher)
            for user_id, name, until in given
        )
    )


async def left(store: SQLiteStore) -> list[tuple[int, str]]:
    found = await rows(store, "SELECT user_id, personality_name FROM auth_tokens ORDER BY 1, 2")
    return [(row["user_id"], row["personality_name"]) for row in found]


async def test_the_owner_forgets_all_that_have_run_out_and_each_is_recorded(
    cleanup: LoginCleanup, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_cleanup, "BATCH", 3)
    assert await cleanup.run(Member(OWNER), DM) == 8
    assert await left(store) == [(8, "*"), (9, "baba"), (10, "*")]
    records = await store.fetch(changes.latest(100))
    assert sorted(record.subject for record in records) == [f"{user_id} *" for user_id in (1, 2, 3, 4, 5, 6, 7, 9)]
    assert {(record.changed_by, record.action, record.batch) for record in records} == {(OWNER, "delete", None)}
    assert await cleanup.run(Member(OWNER), DM) == 0


async def test_an_administrator_forgets_those_of_the_servers_members(
    cleanup: LoginCleanup, store: SQLiteStore, guilds: FakeGuilds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_cleanup, "BATCH", 3)
    guilds.members = {2, 8, 9}
    assert await cleanup.run(ADMINISTRATOR, NSFW) == 2
    assert [user_id for user_id, _ in await left(store)] == [1, 3, 4, 5, 6, 7, 8, 9, 10]
    assert guilds.asked == [3, 3, 2]


@pytest.mark.parametrize(("who", "where"), [(Member(USER, may_manage_messages=True), NSFW), (ADMINISTRATOR, DM)])
async def test_nobody_else_may(cleanup: LoginCleanup, store: SQLiteStore, who: Member, where: object) -> None:
    with pytest.raises(NotAllowedError):
        await cleanup.run(who, where)  # type: ignore[arg-type]
    assert len(await left(store)) == 11


async def test_what_is_cut_short_goes_on_the_next_time_and_records_what_it_did(
    cleanup: LoginCleanup, store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login_cleanup, "BATCH", 3)
    write, calls = store.write, []

    async def fail_the_second_time(*statements: object) -> object:
        calls.append(statements)
        if len(calls) == 2:
            raise StorageError("The disk is full: nothing was written.")
        return await write(*statements)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "write", fail_the_second_time)
    with pytest.raises(StorageError):
        await cleanup.run(Member(OWNER), DM)
    assert len(await store.fetch(changes.latest(100))) == 3
    assert len(await left(store)) == 8
    assert await cleanup.run(Member(OWNER), DM) == 5
    assert len(await store.fetch(changes.latest(100))) == 8


async def test_who_logs_in_again_in_between_stays_logged_in(
    cleanup: LoginCleanup, store: SQLiteStore, guilds: FakeGuilds, cipher: Cipher, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def renewed(_: int, user_ids: Collection[int]) -> set[int]:
        again = Login(2, Secret("new"), cleanup.clock(), expires_at=cleanup.clock() + timedelta(days=30))
        await store.write(logins.put(again, cipher))
        return {*user_ids}

    monkeypatch.setattr(guilds, "members_among", renewed)
    assert await cleanup.run(ADMINISTRATOR, NSFW) == 7
    assert (2, "*") in await left(store)
    assert not [r for r in await store.fetch(changes.latest(100)) if r.subject == "2 *"]


async def test_where_discord_does_not_tell_nothing_is_forgotten(
    cleanup: LoginCleanup, store: SQLiteStore, guilds: FakeGuilds, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> set[int]:
        raise UnavailableError("Discord is away.")

    monkeypatch.setattr(guilds, "members_among", fail)
    with pytest.raises(UnavailableError):
        await cleanup.run(ADMINISTRATOR, NSFW)
    assert len(await left(store)) == 11
