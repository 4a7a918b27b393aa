"""Whose something is decides in the statement that changes it, however the right changed since it was looked at."""

# ruff: noqa: S608 - SQL is put together from constants

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bot.errors import BusyError, ConflictError, NotAllowedError, NotFoundError
from bot.model import Activation, Alias, Login, Member, Personality, Secret
from bot.rules.undo import Action, Kind
from bot.services.people.logins import Logins
from bot.services.personalities.activations import Activations
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.results import Wish
from bot.services.policy import Policy
from bot.services.undo import Undo
from bot.store import activations, aliases, changes, logins, personalities
from bot.store.changes import Edit
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from bot.store.statement import Outcome, Query, Statement
from tests.services.conftest import NSFW, OTHER, OWNER, USER, Clock, FakeLogins, rows

MODERATOR = Member(USER, may_manage_messages=True)
TABLES = ("personalities", "personality_aliases", "channel_activations", "auth_tokens", "changes")


@dataclass
class Racing:
    """A store in which others are quicker: `before_write` happens between what was read and what is written."""

    store: SQLiteStore
    before_write: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)

    async def write(self, *statements: Statement) -> list[Outcome]:
        if self.before_write:
            await self.before_write.pop(0)()
        return await self.store.write(*statements)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@pytest.fixture
async def racing(store: SQLiteStore, clock: Clock) -> Racing:
    """Lilith is the user's, with a name and a channel; Eve is somebody else's."""
    await store.write(
        personalities.put(Personality("lilith", "Lilith", USER, clock())),
        personalities.put(Personality("eve", "Eve", OTHER, clock())),
        aliases.put(Alias("lil", "lilith", USER, clock())),
        activations.put(Activation(NSFW.channel_id, "lilith", USER, clock())),
    )
    return Racing(store)


@pytest.fixture
def shared(racing: Racing, policy: Policy, clock: Clock) -> dict[str, Any]:
    return {"store": racing, "policy": replace(policy, owner_id=OWNER), "clock": clock}


async def everything(store: Any) -> dict[str, list[dict[str, Any]]]:
    return {table: await rows(store, f"SELECT * FROM {table}") for table in TABLES}


def wrongs(clock: Clock) -> dict[str, list[Statement]]:
    """What nobody may: each by someone who has no right to it, or who has seen something else."""
    now, edit = clock(), Edit(OTHER, clock())
    return {
        "a stranger removes": personalities.remove("lilith", OTHER, now, OWNER),
        "nobody removes": personalities.remove("lilith", 0, now, 0),
        "a stranger adds what is there": personalities.add(Personality("lilith", "Mine", OTHER, now), edit),
        "a stranger adds it in capitals": personalities.add(Personality("LILITH", "Mine", OTHER, now), edit),
        "a stranger adds what is an alias": personalities.add(Personality("Lil", "Mine", OTHER, now), edit),
        "a stranger takes the alias": aliases.claim(Alias("lil", "eve", OTHER, now), edit),
        "a stranger takes the name": aliases.claim(Alias("lilith", "eve", OTHER, now), edit),
        "an alias of nobody": aliases.claim(Alias("new", "nobody", OTHER, now), edit),
        "an alias of what was not added": aliases.claim(Alias("new", "eve", OTHER, now), edit, is_of_new=True),
        "a channel seen empty": activations.take_over(Activation(NSFW.channel_id, "eve", OTHER, now), None, edit),
        "a channel seen as another's": activations.end(NSFW.channel_id, "eve", edit),
        "a channel for nobody": activations.take_over(Activation(5, "nobody", OTHER, now), None, edit),
    }  # fmt: skip


@pytest.mark.usefixtures("racing")
@pytest.mark.parametrize("name", wrongs(Clock()))
async def test_the_statements_themselves_do_nothing_without_the_right_and_record_nothing(
    store: SQLiteStore, clock: Clock, name: str
) -> None:
    clock.advance(hours=1)
    before = await everything(store)
    outcomes = await store.write(*wrongs(clock)[name])
    assert [outcome.count for outcome in outcomes] == [0] * len(outcomes)
    assert await everything(store) == before


async def test_what_was_given_to_another_meanwhile_is_not_removed(racing: Racing, shared: dict[str, Any]) -> None:
    async def give_away() -> None:
        await racing.store.write(Statement(f"UPDATE personalities SET added_by = {OTHER} WHERE full_name = 'lilith'"))

    racing.before_write.append(give_away)
    with pytest.raises(NotAllowedError, match="Only who added"):
        await Personalities(**shared).remove(MODERATOR, "lil")
    assert await racing.store.fetch(changes.latest(5)) == []
    assert await racing.store.fetch(aliases.get("lil"))
    assert await racing.store.fetch(activations.get(NSFW.channel_id))


async def test_the_owner_removes_whosever_it_is(racing: Racing, shared: dict[str, Any]) -> None:
    assert (await Personalities(**shared).remove(Member(OWNER), "eve")).personality.added_by == OTHER
    with pytest.raises(NotFoundError):
        await Personalities(**shared).remove(Member(OWNER), "eve")


async def test_a_name_that_another_took_meanwhile_stays_theirs(
    racing: Racing, shared: dict[str, Any], clock: Clock
) -> None:
    theirs = Personality("naamah", "Theirs", OTHER, clock())
    racing.before_write.append(lambda: racing.store.write(personalities.put(theirs)))
    clock.advance(seconds=1)
    with pytest.raises(ConflictError, match="in this moment"):
        await Personalities(**shared).add(MODERATOR, Wish(full_name="naamah", alias="nini"))
    kept = await racing.store.first(personalities.get("naamah"))
    assert kept is not None
    assert (kept.added_by, kept.display_name) == (OTHER, "Theirs")
    assert not await racing.store.fetch(aliases.get("nini"))
    assert await racing.store.fetch(changes.latest(5)) == []


async def test_an_alias_that_another_took_meanwhile_stays_theirs(
    racing: Racing, shared: dict[str, Any], clock: Clock
) -> None:
    house = Personalities(**shared)
    taken = aliases.put(Alias("nini", "eve", OTHER, clock()))
    racing.before_write.append(lambda: racing.store.write(taken))
    with pytest.raises(ConflictError, match="in this moment"):
        await house.alias(MODERATOR, "lilith", "nini")
    racing.before_write.append(lambda: racing.store.write(aliases.put(Alias("dada", "eve", OTHER, clock()))))
    added = await house.add(MODERATOR, Wish(full_name="naamah", alias="dada"))
    assert added.aliases == ()
    owners = {row["alias"]: row["personality_name"] for row in await rows(racing, "SELECT * FROM personality_aliases")}
    assert owners == {"lil": "lilith", "nini": "eve", "dada": "eve"}
    recorded = await racing.store.fetch(changes.latest(5))
    assert [(record.kind, record.subject) for record in recorded] == [(Kind.PERSONALITY, "naamah")]


async def test_a_channel_is_taken_over_and_ended_only_as_it_was_seen(
    racing: Racing, shared: dict[str, Any], clock: Clock
) -> None:
    house = Activations(**shared)
    for act in (house.activate(MODERATOR, NSFW, "lilith"), house.deactivate(MODERATOR, NSFW)):
        await racing.store.write(activations.put(Activation(NSFW.channel_id, "lilith", USER, clock())))
        other = activations.put(Activation(NSFW.channel_id, "eve", OTHER, clock()))
        racing.before_write.append(lambda other=other: racing.store.write(other))  # type: ignore[misc]
        with pytest.raises(ConflictError, match="somebody else"):
            await act
        (kept,) = await racing.store.fetch(activations.get(NSFW.channel_id))
        assert kept.activated_by == OTHER
    assert await racing.store.fetch(changes.latest(5)) == []


async def test_no_channel_is_given_to_who_was_removed_meanwhile(
    racing: Racing, shared: dict[str, Any], clock: Clock
) -> None:
    gone = personalities.remove("eve", OTHER, clock(), OWNER)
    racing.before_write.append(lambda: racing.store.write(*gone))
    with pytest.raises(ConflictError):
        await Activations(**shared).activate(MODERATOR, NSFW, "eve")
    (kept,) = await racing.store.fetch(activations.get(NSFW.channel_id))
    assert kept.personality_name == "lilith"


async def test_revoking_forgets_every_token_of_the_users_and_nobody_elses(
    racing: Racing, shared: dict[str, Any], cipher: Cipher, clock: Clock
) -> None:
    theirs = Login(OTHER, Secret("theirs"), clock())
    await racing.store.write(logins.put(Login(USER, Secret("mine"), clock()), cipher), logins.put(theirs, cipher))
    late = logins.put(Login(USER, Secret("late"), clock(), "lilith"), cipher)
    racing.before_write.append(lambda: racing.store.write(late))
    house = Logins(**shared, cipher=cipher, service=FakeLogins({}))
    await house.revoke(MODERATOR)
    assert await racing.store.fetch(logins.find_by_user(USER, cipher)) == []
    assert await racing.store.fetch(logins.find_by_user(OTHER, cipher)) == [theirs]
    recorded = await racing.store.fetch(changes.latest(5))
    assert {(record.action, record.changed_by) for record in recorded} == {(Action.DELETE, USER)}
    assert {record.subject for record in recorded} == {
        changes.login_subject(USER), changes.login_subject(USER, "lilith"),
    }  # fmt: skip
    with pytest.raises(NotFoundError):
        await house.revoke(MODERATOR)


async def test_nobody_takes_back_what_another_did_even_if_the_record_changes_hands_meanwhile(
    racing: Racing, shared: dict[str, Any]
) -> None:
    await Personalities(**shared).alias(MODERATOR, "lilith", "queen")
    undo = Undo(**shared, naming=asyncio.Lock())
    shown = await undo.preview(MODERATOR, NSFW)

    async def rewrite() -> None:
        await racing.store.write(Statement(f"UPDATE changes SET changed_by = {OTHER}"))

    racing.before_write.append(rewrite)
    with pytest.raises((BusyError, ConflictError, NotFoundError)):
        await undo.undo(MODERATOR, NSFW, shown)
    assert await racing.store.fetch(aliases.get("queen"))


async def test_of_two_who_remove_and_activate_at_once_nothing_half_is_left(
    racing: Racing, shared: dict[str, Any], clock: Clock
) -> None:
    """Whatever comes first, no activation is left of a personality that is gone, and every act is on record."""
    for round_number in range(20):
        await racing.store.write(personalities.put(Personality("lilith", "Lilith", USER, clock())))
        await asyncio.gather(
            Personalities(**shared).remove(MODERATOR, "lilith"),
            Activations(**shared).activate(MODERATOR, NSFW, "lilith"),
            return_exceptions=True,
        )
        left = await racing.store.fetch(Query("SELECT count(*) AS n FROM channel_activations", lambda row: row["n"]))
        assert left == [0], round_number
