"""Taking back: every kind of change, in order, whole, and only what is still as it was left."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.errors import ConflictError, NotAllowedError, NotFoundError
from bot.model import Member, Profile, Secret
from bot.rules.undo import Kind
from bot.services.people.logins import Logins
from bot.services.people.verifications import Verifications
from bot.services.personalities.activations import Activations
from bot.services.personalities.personalities import Personalities
from bot.services.personalities.results import Wish
from bot.services.policy import Policy
from bot.services.undo import OperatorUndo, Undo, Wanted
from bot.store import changes, logins
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import (
    DM,
    MEMBER,
    NSFW,
    NSFW_TOO,
    OTHER,
    OWNER,
    USER,
    Clock,
    FakeLogins,
    rows,
    token,
)

MODERATOR = Member(USER, may_manage_messages=True)
SOMEBODY = Member(OTHER, may_manage_messages=True)
TABLES = ("personality_aliases", "channel_activations", "auth_tokens", "nsfw_verifications")


@dataclass
class House:
    """Every use case on one store."""

    store: SQLiteStore
    clock: Clock
    cipher: Cipher
    policy: Policy

    def __post_init__(self) -> None:
        shared: Any = {"store": self.store, "policy": self.policy, "clock": self.clock}
        service = FakeLogins({code: token(code) for code in ("one", "two")})
        self.personalities = Personalities(**shared)
        self.activations = Activations(**shared)
        self.verifications = Verifications(**shared)
        self.logins = Logins(**shared, cipher=self.cipher, service=service)
        self.undo = Undo(**shared, naming=self.personalities.naming)
        self.operator = OperatorUndo(**shared)

    async def add(self, name: str = "lilith", alias: str | None = "lil", member: Member = MODERATOR) -> None:
        await self.personalities.add(member, Wish(full_name=name, alias=alias))

    async def take_back(self, member: Member = MODERATOR, place: Any = NSFW) -> None:
        await self.undo.undo(member, place, await self.undo.preview(member, place))

    async def state(self) -> dict[str, list[dict[str, Any]]]:
        """What people can see of every table that changes are kept of; one removed is as one that never was."""
        people = await rows(self.store, "SELECT * FROM personalities WHERE is_active = 1 ORDER BY full_name")
        others = {name: await rows(self.store, f"SELECT * FROM {name} ORDER BY 1, 2") for name in TABLES}  # noqa: S608
        return {"personalities": people, **others}


@pytest.fixture
def house(store: SQLiteStore, clock: Clock, cipher: Cipher, policy: Policy) -> House:
    return House(store, clock, cipher, policy)


Act = Callable[[House], Coroutine[Any, Any, Any]]

NOTHING: list[Act] = []
ADDED: list[Act] = [lambda h: h.add(), lambda h: h.add("eve", "e")]
ACTIVE: list[Act] = [*ADDED, lambda h: h.activations.activate(MODERATOR, NSFW, "eve")]
WHOLE: list[Act] = [
    *ADDED,
    lambda h: h.personalities.alias(SOMEBODY, "lilith", "queen of the night"),
    lambda h: h.activations.activate(SOMEBODY, NSFW, "lilith"),
    lambda h: h.activations.activate(SOMEBODY, NSFW_TOO, "lilith"),
]
LOGGED_IN: list[Act] = [lambda h: h.logins.code(MODERATOR, DM, "one")]
REMOVED: list[Act] = [*ADDED, lambda h: h.personalities.remove(MODERATOR, "lilith")]

DEEDS: dict[str, tuple[list[Act], Act]] = {
    "a personality is added": (NOTHING, lambda h: h.add()),
    "a personality comes back": (REMOVED, lambda h: h.add("lilith", "lilly")),
    "a personality is removed": (WHOLE, lambda h: h.personalities.remove(MODERATOR, "lilith")),
    "an alias is given": (ADDED, lambda h: h.personalities.alias(MODERATOR, "eve", "first lady")),
    "a channel is activated": (ADDED, lambda h: h.activations.activate(MODERATOR, NSFW, "lilith")),
    "a channel changes hands": (ACTIVE, lambda h: h.activations.activate(MODERATOR, NSFW, "lilith")),
    "a channel is deactivated": (ACTIVE, lambda h: h.activations.deactivate(MODERATOR, NSFW)),
    "a user logs in": (NOTHING, lambda h: h.logins.code(MODERATOR, DM, "one")),
    "a user logs in anew": (LOGGED_IN, lambda h: h.logins.code(MODERATOR, DM, "two")),
    "a login is forgotten": (LOGGED_IN, lambda h: h.logins.revoke(MODERATOR)),
    "a user is verified": (NOTHING, lambda h: h.verifications.verify(MODERATOR, NSFW)),
    "a user is verified again": (
        [lambda h: h.verifications.verify(MODERATOR, NSFW)],
        lambda h: h.verifications.verify(MODERATOR, NSFW),
    ),
}


async def act(house: House, deeds: list[Act]) -> None:
    for deed in deeds:
        await deed(house)
        house.clock.advance(seconds=1)


@pytest.mark.parametrize("name", DEEDS)
async def test_what_is_taken_back_is_as_it_was_before(house: House, name: str) -> None:
    before, deed = DEEDS[name]
    await act(house, before)
    expected = await house.state()
    await act(house, [deed])
    assert await house.state() != expected
    await house.take_back()
    assert await house.state() == expected


@pytest.mark.parametrize("name", DEEDS)
async def test_the_operator_brings_back_the_state_of_a_time(house: House, name: str) -> None:
    before, deed = DEEDS[name]
    await act(house, before)
    at, expected = house.clock.now, await house.state()
    house.clock.advance(seconds=1)
    await act(house, [deed])
    main = (await house.undo.preview(MODERATOR, NSFW)).main
    wanted = Wanted(main.kind, main.subject, at)
    await house.operator.undo(wanted, await house.operator.preview(wanted))
    assert await house.state() == expected
    with pytest.raises(NotFoundError):
        await house.operator.preview(replace(wanted, at=house.clock.now))


async def test_the_second_time_the_change_before_is_taken_back(house: House) -> None:
    states = []
    deeds = [*LOGGED_IN, *ACTIVE, lambda h: h.activations.activate(MODERATOR, NSFW, "lil"), *REMOVED[2:]]
    for deed in deeds:
        states.append(await house.state())
        await act(house, [deed])
    for expected in reversed(states):
        await house.take_back()
        assert await house.state() == expected
    with pytest.raises(NotFoundError, match="nothing of yours"):
        await house.undo.preview(MODERATOR, NSFW)


async def test_a_forgotten_login_comes_back_with_its_secret(house: House) -> None:
    await act(house, LOGGED_IN)
    await house.logins.revoke(MEMBER)
    await house.take_back()
    login = await house.store.first(logins.find_for(USER, "*", house.cipher))
    assert login is not None
    assert login.token == Secret("one")


async def test_after_a_day_nothing_is_taken_back(house: House) -> None:
    await house.add()
    house.clock.advance(hours=24, milliseconds=-1)
    await house.undo.preview(MODERATOR, NSFW)
    house.clock.advance(milliseconds=1)
    with pytest.raises(NotFoundError, match="more than 24 hours"):
        await house.undo.preview(MODERATOR, NSFW)
    assert (await house.operator.preview(Wanted(Kind.PERSONALITY, "lilith"))).main.is_present


async def test_others_changes_are_not_mine_to_take_back(house: House) -> None:
    await house.add()
    with pytest.raises(NotFoundError):
        await house.undo.preview(SOMEBODY, NSFW)


async def test_a_name_that_was_taken_meanwhile_stays_with_who_has_it(house: House) -> None:
    await act(house, REMOVED)
    await house.personalities.alias(SOMEBODY, "eve", "lil")
    expected = await house.state()
    with pytest.raises(ConflictError, match="alias “lil” was changed again"):
        await house.take_back()
    assert await house.state() == expected


async def test_a_full_name_that_became_an_alias_meanwhile_is_taken(house: House) -> None:
    await act(house, REMOVED)
    await house.personalities.alias(SOMEBODY, "eve", "lilith")
    with pytest.raises(ConflictError, match="“lilith” stands for “eve” by now"):
        await house.take_back()


async def test_a_personality_that_others_use_by_now_is_not_taken_back_in_passing(house: House) -> None:
    await house.add()
    await house.activations.activate(SOMEBODY, NSFW, "lilith")
    with pytest.raises(ConflictError, match=r"active in <#\d+>.*remove lilith"):
        await house.undo.preview(MODERATOR, NSFW)
    await house.activations.deactivate(SOMEBODY, NSFW)
    await house.personalities.alias(SOMEBODY, "lilith", "queen")
    with pytest.raises(ConflictError, match="named it too"):
        await house.undo.preview(MODERATOR, NSFW)


async def test_a_channel_given_to_another_meanwhile_stays_so(house: House) -> None:
    await act(house, [*ADDED, lambda h: h.activations.activate(MODERATOR, NSFW, "lilith")])
    await house.activations.activate(SOMEBODY, NSFW, "eve")
    with pytest.raises(ConflictError, match=f"changed again since by <@{OTHER}>"):
        await house.undo.preview(MODERATOR, NSFW)


async def test_a_channel_is_not_given_back_to_who_is_gone(house: House) -> None:
    await house.add(member=SOMEBODY)
    await house.activations.activate(MODERATOR, NSFW, "lilith")
    await house.activations.deactivate(MODERATOR, NSFW)
    await house.personalities.remove(SOMEBODY, "lilith")
    with pytest.raises(ConflictError, match="“lilith” was removed meanwhile"):
        await house.undo.preview(MODERATOR, NSFW)


async def test_an_activation_is_taken_back_only_there_and_by_who_may(house: House) -> None:
    await act(house, ACTIVE)
    with pytest.raises(NotAllowedError, match="Take it back there"):
        await house.undo.preview(MODERATOR, NSFW_TOO)
    with pytest.raises(NotAllowedError, match="Manage Messages"):
        await house.undo.preview(MEMBER, NSFW)


async def test_a_personality_that_came_to_someone_else_is_not_taken_back(house: House) -> None:
    await house.add()
    await house.store.transact(lambda connection: connection.execute(f"UPDATE personalities SET added_by = {OTHER}"))  # noqa: S608
    with pytest.raises(NotAllowedError, match="no longer yours"):
        await house.undo.preview(MODERATOR, NSFW)


async def test_the_profiles_refresh_stands_in_nobodys_way(house: House) -> None:
    await house.add()
    await house.personalities.adopt("lilith", Profile("lilith", "Queen Lilith", "https://pictures.example/l.png"))
    preview = await house.undo.preview(MODERATOR, NSFW)
    assert [step.subject for step in preview.swept] == ["queen lilith"]
    await house.take_back()
    assert (await house.state())["personality_aliases"] == []
    await house.add()
    assert (await house.personalities.info("lilith")).personality.is_active


async def test_the_operator_takes_back_what_people_did_and_not_the_profiles_refresh(house: House) -> None:
    await house.add()
    await house.personalities.adopt("lilith", Profile("lilith", "Queen Lilith"))
    wanted = Wanted(Kind.PERSONALITY, "lilith")
    shown = await house.operator.preview(wanted)
    assert (shown.reversal.main.changed_by, shown.main.will_be_present) == (USER, False)


async def test_what_the_settings_added_is_not_the_owners_own_change(house: House) -> None:
    seeding = replace(house.personalities, policy=replace(house.policy, owner_personalities=("baba",)))
    assert await seeding.seed() == 1
    with pytest.raises(NotFoundError, match="nothing of yours"):
        await house.undo.preview(Member(OWNER), NSFW)


async def test_only_what_was_shown_is_taken_back(house: House) -> None:
    await house.add()
    shown = await house.undo.preview(MODERATOR, NSFW)
    await house.verifications.verify(MODERATOR, NSFW)
    with pytest.raises(ConflictError, match="Look again with `!tz undo`"):
        await house.undo.undo(MODERATOR, NSFW, shown)
    assert len((await house.state())["personalities"]) == 1


async def test_what_is_agreed_to_twice_is_done_once(house: House) -> None:
    await act(house, ADDED)
    shown = await house.undo.preview(MODERATOR, NSFW)
    results = await asyncio.gather(*(house.undo.undo(MODERATOR, NSFW, shown) for _ in range(3)), return_exceptions=True)
    assert [type(result).__name__ for result in results] == ["Preview", "ConflictError", "ConflictError"]
    assert [p["full_name"] for p in (await house.state())["personalities"]] == ["lilith"]


async def test_a_change_between_looking_and_writing_makes_it_look_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else's changes slip in right before the write, twice: first a harmless one, then one that conflicts."""
    await act(house, [*ADDED, lambda h: h.activations.activate(MODERATOR, NSFW, "lilith")])
    shown = await house.undo.preview(MODERATOR, NSFW)
    slipping: list[Act] = [
        lambda h: h.verifications.verify(SOMEBODY, NSFW),
        lambda h: h.activations.activate(SOMEBODY, NSFW, "eve"),
    ]
    write = house.store.write

    async def write_late(*statements: Any) -> Any:
        monkeypatch.setattr(house.store, "write", write)
        await slipping.pop(0)(house)
        if slipping:
            monkeypatch.setattr(house.store, "write", write_late)
        return await write(*statements)

    monkeypatch.setattr(house.store, "write", write_late)
    with pytest.raises(ConflictError, match="changed again since"):
        await house.undo.undo(MODERATOR, NSFW, shown)
    assert slipping == []
    assert [a["personality_name"] for a in (await house.state())["channel_activations"]] == ["eve"]


async def test_many_take_back_at_once_and_all_succeed(house: House) -> None:
    people = [Member(USER + n) for n in range(30)]
    await asyncio.gather(*(house.verifications.verify(person, NSFW) for person in people))
    await asyncio.gather(*(house.take_back(person, NSFW) for person in people))
    assert (await house.state())["nsfw_verifications"] == []


async def test_the_bots_owner_takes_back_a_removal_of_someone_elses(house: House) -> None:
    await act(house, WHOLE)
    expected = await house.state()
    await house.personalities.remove(Member(OWNER), "lilith")
    await house.take_back(Member(OWNER), DM)
    assert await house.state() == expected


async def test_the_operator_takes_along_what_others_made_of_it_and_can_bring_all_back(house: House) -> None:
    await house.add()
    at = house.clock.now
    house.clock.advance(seconds=1)
    await house.personalities.alias(SOMEBODY, "lilith", "queen")
    await house.activations.activate(SOMEBODY, NSFW, "lilith")
    expected = await house.state()
    wanted = Wanted(Kind.PERSONALITY, "lilith")
    shown = await house.operator.preview(wanted)
    assert {step.subject for step in shown.swept} == {"queen", str(NSFW.channel_id)}
    house.clock.advance(seconds=1)
    await house.operator.undo(wanted, shown)
    assert not any((await house.state()).values())
    with pytest.raises(ConflictError, match="changed again since"):
        await house.undo.preview(SOMEBODY, NSFW)
    back = Wanted(Kind.PERSONALITY, "lilith", at)
    await house.operator.undo(back, await house.operator.preview(back))
    assert await house.state() == expected


async def test_the_operator_takes_back_the_last_change_and_then_the_one_before(house: House) -> None:
    wanted = Wanted(Kind.ACTIVATION, str(NSFW.channel_id))
    await act(house, [*ACTIVE, lambda h: h.activations.activate(SOMEBODY, NSFW, "lilith")])
    seen = []
    for _ in range(2):
        await house.operator.undo(wanted, await house.operator.preview(wanted))
        seen.append([a["personality_name"] for a in (await house.state())["channel_activations"]])
    assert seen == [["eve"], []]
    with pytest.raises(NotFoundError, match="No change of the activation"):
        await house.operator.preview(wanted)


async def test_what_the_operator_took_back_is_no_longer_the_users_last_change(house: House) -> None:
    await act(house, [*ADDED, lambda h: h.verifications.verify(MODERATOR, NSFW)])
    wanted = Wanted(Kind.VERIFICATION, str(USER))
    await house.operator.undo(wanted, await house.operator.preview(wanted))
    assert (await house.undo.preview(MODERATOR, NSFW)).main.subject == "eve"


async def test_taking_back_is_itself_on_record_with_the_state_before(house: House) -> None:
    await act(house, LOGGED_IN)
    await house.take_back()
    newest, oldest = await house.store.fetch(changes.find_by_subject(Kind.LOGIN, changes.login_subject(USER)))
    assert (newest.is_undo, newest.changed_by, oldest.undone_by) == (True, USER, newest.batch)
    assert newest.before is not None
    assert newest.before["token"].startswith("v1.")
