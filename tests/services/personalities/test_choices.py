"""Only what a command can be used for is offered, and only to who may use it."""

from datetime import timedelta

import pytest

from bot.model import Activation, Alias, Ban, Login, Member, Personality, Place, Secret
from bot.services.gate import Gate
from bot.services.personalities.choices import Choices
from bot.services.policy import Policy
from bot.store import activations, aliases, blacklist, logins, personalities
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import MEMBER, NSFW, OTHER, OWNER, SAFE, USER, Clock


@pytest.fixture
async def choosing(store: SQLiteStore, policy: Policy, clock: Clock, cipher: Cipher) -> Choices:
    now = clock()
    names = (("mine", USER), ("minister", OTHER), ("baba", OTHER))
    await store.write(*(personalities.put(Personality(name, name.title(), by, now)) for name, by in names))
    await store.write(aliases.put(Alias("my granny", "baba", OTHER, now)))
    for user_id in (USER, OWNER):
        await store.write(logins.put(Login(user_id, Secret("token"), now, expires_at=now + timedelta(days=1)), cipher))
    return Choices(store=store, policy=policy, gate=Gate(store=store, policy=policy, clock=clock))


async def offered(
    choosing: Choices, command: str, typed: str = "", *, by: Member = MEMBER, at: Place = NSFW
) -> list[str]:
    return [choice.value for choice in await choosing.find(by, at, command, typed)]


async def test_ones_own_come_first_and_a_mention_is_a_name(choosing: Choices) -> None:
    assert await offered(choosing, "info", "@Mi") == ["mine", "minister"]
    assert await offered(choosing, "info", " GRANNY ") == ["baba"]


async def test_for_removing_only_ones_own_are_offered_and_all_to_the_bots_owner(choosing: Choices) -> None:
    assert await offered(choosing, "remove") == ["mine"]
    assert await offered(choosing, "remove", by=Member(OWNER)) == ["baba", "mine", "minister"]


async def test_for_deactivating_only_the_active_one_is_offered(
    choosing: Choices, store: SQLiteStore, clock: Clock
) -> None:
    await store.write(activations.put(Activation(NSFW.channel_id, "baba", USER, clock())))
    moderator = Member(USER, may_manage_messages=True)
    assert await offered(choosing, "deactivate", "mi", by=moderator) == ["baba"]
    assert await offered(choosing, "deactivate", by=moderator, at=SAFE) == []


async def test_who_may_not_use_the_command_is_offered_nothing(
    choosing: Choices, store: SQLiteStore, clock: Clock
) -> None:
    assert await offered(choosing, "info", by=Member(OTHER)) == []  # not logged in
    assert await offered(choosing, "activate") == []  # no Manage Messages
    assert await offered(choosing, "activate", by=Member(USER, may_manage_messages=True), at=SAFE) == []
    await store.write(blacklist.put(Ban(USER, OWNER, clock())))
    assert await offered(choosing, "info") == []


async def test_with_an_expired_login_nothing_is_offered(choosing: Choices, clock: Clock) -> None:
    clock.advance(days=2)
    assert await offered(choosing, "info") == []


async def test_a_name_that_the_database_refuses_finds_nothing(choosing: Choices) -> None:
    assert await offered(choosing, "info", "\0") == []
    assert await offered(choosing, "info", "\ud800") == []
