"""Whom the bot ignores: who decides it, where, for how long, and that nobody is locked out by it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError
from bot.model import Ban, Member, Place
from bot.rules.moderation import Target
from bot.rules.undo import Action, Kind
from bot.services.gate import Gate
from bot.services.operation.upkeep import Upkeep
from bot.services.people.moderation import Moderation, Sentence
from bot.services.policy import Policy
from bot.services.undo import OperatorUndo, Undo, Wanted
from bot.store import blacklist, changes
from bot.store.driver import SQLiteStore
from tests.services.conftest import DM, GUILD, NSFW, OTHER, OWNER, USER, Clock

OWN_ID = 900_000_000_000_000_009
ADMIN = Member(USER, is_administrator=True)
HOST = Member(OWNER)
TOM = Target(OTHER)
ELSEWHERE = Place(700_000_000_000_000_009, GUILD + 1)
SPAM = Sentence(reason=" spam ")


@pytest.fixture
def owned(policy: Policy) -> Policy:
    return replace(policy, owner_id=OWNER, has_login_service=False)


@pytest.fixture
def moderation(store: SQLiteStore, owned: Policy, clock: Clock) -> Moderation:
    return Moderation(store=store, policy=owned, clock=clock)


@pytest.fixture
def gate(store: SQLiteStore, owned: Policy, clock: Clock) -> Gate:
    return Gate(store=store, policy=owned, clock=clock)


async def bar(moderation: Moderation, how: Sentence = SPAM, member: Member = ADMIN, place: Place = NSFW) -> Ban:
    return (await moderation.bar(member, place, TOM, how)).ban


async def test_an_administrator_bars_in_their_server_only(moderation: Moderation, gate: Gate) -> None:
    ban = await bar(moderation)
    assert (ban.user_id, ban.guild_id, ban.reason, ban.expires_at) == (OTHER, GUILD, "spam", None)
    assert not await gate.admit(Member(OTHER), "help", NSFW)
    assert await gate.admit(Member(OTHER), "help", ELSEWHERE)
    assert await gate.admit(Member(OTHER), "help", DM)
    with pytest.raises(NotAllowedError, match="owner"):
        await bar(moderation, replace(SPAM, everywhere=True))
    with pytest.raises(NotAllowedError, match="owner"):
        await bar(moderation, place=DM)
    with pytest.raises(NotAllowedError, match="administrators"):
        await bar(moderation, member=Member(USER, may_manage_messages=True))


async def test_the_owner_bars_here_or_everywhere_or_a_whole_server(moderation: Moderation, gate: Gate) -> None:
    assert (await bar(moderation, member=HOST)).guild_id == GUILD
    assert (await bar(moderation, replace(SPAM, everywhere=True), HOST)).guild_id == 0
    assert (await bar(moderation, member=HOST, place=DM)).guild_id == 0
    assert not await gate.admit(Member(OTHER), "help", DM)
    await moderation.bar_server(HOST, GUILD, SPAM)
    assert not await gate.admit(Member(4711), "help", NSFW)
    assert not await gate.admit(Member(4711, is_administrator=True), "blacklist remove", NSFW)
    assert await gate.admit(HOST, "help", NSFW)
    assert await gate.admit(Member(4711), "help", DM)
    await moderation.lift_server(HOST, GUILD)
    assert await gate.admit(Member(4711), "help", NSFW)
    for act in (moderation.bar_server(ADMIN, GUILD, SPAM), moderation.lift_server(ADMIN, GUILD)):
        with pytest.raises(NotAllowedError, match="owner"):
            await act
    with pytest.raises(InvalidInputError, match="server's id"):
        await moderation.bar_server(HOST, 0, SPAM)


@pytest.mark.parametrize(
    ("target", "place", "everywhere", "sentence"),
    [
        (Target(USER), NSFW, False, "yourself"),
        (Target(OWNER), NSFW, False, "owner can't"),
        (Target(OWN_ID, is_the_bot=True), NSFW, False, "ignore myself"),
        (Target(OTHER, is_administrator=True), NSFW, False, "Administrators"),
    ],
)
async def test_nobody_is_barred_who_could_then_not_be_helped(
    moderation: Moderation, target: Target, place: Place, sentence: str, *, everywhere: bool
) -> None:
    with pytest.raises(NotAllowedError, match=sentence):
        await moderation.bar(ADMIN, place, target, replace(SPAM, everywhere=everywhere))
    assert not await moderation.store.fetch(changes.latest(10))


async def test_the_owner_can_not_lock_themselves_out(moderation: Moderation) -> None:
    for how in (SPAM, replace(SPAM, everywhere=True)):
        with pytest.raises(NotAllowedError, match="yourself"):
            await moderation.bar(HOST, NSFW, Target(OWNER), how)


async def test_a_ban_that_is_there_binds_neither_the_owner_nor_an_administrator_who_lifts_it(
    moderation: Moderation, gate: Gate, clock: Clock
) -> None:
    bans = (Ban(OWNER, 1, clock()), Ban(USER, 1, clock(), guild_id=GUILD))
    await moderation.store.write(*map(blacklist.put, bans))
    assert await gate.admit(HOST, "list", DM)
    assert not await gate.admit(ADMIN, "list", NSFW)
    assert await gate.admit(ADMIN, "blacklist remove", NSFW)
    assert not await gate.admit(Member(USER, may_manage_messages=True), "blacklist remove", NSFW)
    await moderation.lift(ADMIN, NSFW, USER)
    assert await gate.admit(ADMIN, "list", NSFW)
    await moderation.store.write(blacklist.put(Ban(USER, OWNER, clock())))
    assert not await gate.admit(ADMIN, "blacklist remove", NSFW)


async def test_a_ban_ends_to_the_millisecond_and_is_swept_with_a_record(
    moderation: Moderation, gate: Gate, clock: Clock
) -> None:
    ban = await bar(moderation, Sentence(period=timedelta(days=3), reason="spam"))
    upkeep = Upkeep(store=moderation.store, policy=moderation.policy, interval_seconds=1, clock=clock)
    clock.advance(days=3, milliseconds=-1)
    assert not await gate.admit(Member(OTHER), "help", NSFW)
    assert await upkeep.end_bans() == 0
    clock.advance(milliseconds=1)
    assert await gate.admit(Member(OTHER), "help", NSFW)
    assert not await moderation.check(ADMIN, NSFW, OTHER)
    assert not (await moderation.list(ADMIN, NSFW)).entries
    with pytest.raises(NotFoundError):
        await moderation.lift(ADMIN, NSFW, OTHER)
    assert await upkeep.end_bans() == 1
    assert not await moderation.store.fetch(blacklist.get(OTHER, GUILD))
    swept, _ = await moderation.store.fetch(changes.find_by_subject(Kind.BAN, changes.ban_subject(OTHER, GUILD)))
    assert (swept.changed_by, swept.action, swept.is_refresh) == (0, Action.DELETE, True)
    assert swept.before is not None
    assert swept.before["reason"] == ban.reason


async def test_a_ban_that_is_renewed_while_it_is_swept_stays(moderation: Moderation, clock: Clock) -> None:
    old = await bar(moderation, Sentence(period=timedelta(days=3)))
    clock.advance(days=3)
    new = await bar(moderation)
    await moderation.store.write(*blacklist.end(old, changes.Edit(0, clock())))
    assert await moderation.store.fetch(blacklist.get(OTHER, GUILD)) == [new]
    assert len(await moderation.store.fetch(changes.latest(10))) == 2


async def test_every_act_is_on_record_with_what_was_before(moderation: Moderation, clock: Clock) -> None:
    first = await moderation.bar(ADMIN, NSFW, TOM, SPAM)
    clock.advance(hours=1)
    again = await moderation.bar(HOST, NSFW, TOM, Sentence(reason="eggs"))
    assert (first.is_renewed, again.is_renewed) == (False, True)
    await moderation.lift(ADMIN, NSFW, OTHER)
    with pytest.raises(NotFoundError, match="not on my list"):
        await moderation.lift(ADMIN, NSFW, OTHER)
    records = await moderation.store.fetch(changes.find_by_subject(Kind.BAN, changes.ban_subject(OTHER, GUILD)))
    found = [(r.changed_by, r.action, (r.before or {}).get("reason"), r.changed_at == clock()) for r in records]
    assert found == [
        (USER, Action.DELETE, "eggs", True),
        (OWNER, Action.PUT, "spam", True),
        (USER, Action.PUT, None, False),
    ]


async def test_why_somebody_is_barred_everywhere_is_the_owners_to_know(moderation: Moderation) -> None:
    here = await bar(moderation)
    there = await bar(moderation, Sentence(reason="secret", everywhere=True), HOST)
    assert await moderation.check(HOST, NSFW, OTHER) == [there, here]
    assert await moderation.check(ADMIN, NSFW, OTHER) == [replace(there, reason=None), here]


async def test_a_list_shows_what_its_reader_decides_about(moderation: Moderation, clock: Clock) -> None:
    here = await bar(moderation)
    clock.advance(seconds=1)
    there = await bar(moderation, replace(SPAM, everywhere=True), HOST)
    clock.advance(seconds=1)
    elsewhere = await bar(moderation, member=Member(7, is_administrator=True), place=ELSEWHERE)
    clock.advance(seconds=1)
    server = (await moderation.bar_server(HOST, GUILD, SPAM)).ban
    assert (await moderation.list(ADMIN, NSFW)).entries == (here,)
    assert (await moderation.list(HOST, NSFW)).entries == (server, there, here)
    assert (await moderation.list(HOST, DM)).entries == (server, elsewhere, there, here)


async def test_a_list_has_ten_a_page_and_a_page_beyond_the_last_is_the_last(moderation: Moderation) -> None:
    for user_id in range(1, 22):
        await moderation.bar(ADMIN, NSFW, Target(user_id), SPAM)
    page = await moderation.list(ADMIN, NSFW, 9)
    assert (page.number, page.pages, page.total, len(page.entries)) == (3, 3, 21, 1)
    assert len((await moderation.list(ADMIN, NSFW, 1)).entries) == 10


async def test_a_reason_is_at_most_500_characters(moderation: Moderation) -> None:
    assert (await bar(moderation, Sentence(reason="x" * 500))).reason == "x" * 500
    with pytest.raises(InvalidInputError, match="501 characters"):
        await bar(moderation, Sentence(reason="x" * 501))


async def undone(moderation: Moderation, member: Member, place: Place) -> None:
    undo = undo_of(moderation)
    await undo.undo(member, place, await undo.preview(member, place))


def undo_of(moderation: Moderation) -> Undo:
    return Undo(store=moderation.store, policy=moderation.policy, clock=moderation.clock, naming=asyncio.Lock())


async def test_a_ban_is_taken_back_where_it_was_made_by_who_may_still_make_it(moderation: Moderation) -> None:
    await bar(moderation, Sentence(period=timedelta(days=3), reason="spam"))
    undo = undo_of(moderation)
    for place in (DM, ELSEWHERE):
        with pytest.raises(NotAllowedError, match="another server"):
            await undo.preview(ADMIN, place)
    with pytest.raises(NotAllowedError, match="administrator"):
        await undo.preview(Member(USER), NSFW)
    await undone(moderation, ADMIN, NSFW)
    assert not await moderation.check(ADMIN, NSFW, OTHER)


async def test_lifting_a_ban_is_taken_back_whole(moderation: Moderation) -> None:
    ban = await bar(moderation, Sentence(period=timedelta(days=3), reason="spam"))
    await moderation.lift(ADMIN, NSFW, OTHER)
    await undone(moderation, ADMIN, NSFW)
    assert await moderation.check(ADMIN, NSFW, OTHER) == [ban]


async def test_what_the_owner_decided_is_the_owners_to_take_back(moderation: Moderation) -> None:
    host = replace(moderation.policy, owner_id=0)
    await moderation.bar_server(HOST, GUILD, SPAM)
    await bar(moderation, replace(SPAM, everywhere=True), HOST)
    dethroned = replace(undo_of(moderation), policy=host)
    with pytest.raises(NotAllowedError, match="owner"):
        await dethroned.preview(replace(HOST, is_administrator=True), NSFW)
    await undone(moderation, HOST, DM)
    await undone(moderation, HOST, DM)
    assert not await moderation.store.fetch(blacklist.get(0, GUILD))
    assert not await moderation.store.fetch(blacklist.get(OTHER))


async def test_a_ban_that_has_run_out_meanwhile_hinders_no_undo(moderation: Moderation, clock: Clock) -> None:
    await bar(moderation)
    clock.advance(seconds=1)
    await bar(moderation, Sentence(period=timedelta(minutes=1)))
    clock.advance(minutes=1)
    upkeep = Upkeep(store=moderation.store, policy=moderation.policy, interval_seconds=1, clock=clock)
    assert await upkeep.end_bans() == 1
    await undone(moderation, ADMIN, NSFW)
    (back,) = await moderation.check(ADMIN, NSFW, OTHER)
    assert back.expires_at is None


async def test_the_operator_takes_back_bans_but_no_deleted_messages(moderation: Moderation, clock: Clock) -> None:
    await bar(moderation)
    operator = OperatorUndo(store=moderation.store, policy=moderation.policy, clock=clock)
    wanted = Wanted(Kind.BAN, changes.ban_subject(OTHER, GUILD))
    await operator.undo(wanted, await operator.preview(wanted))
    assert not await moderation.check(ADMIN, NSFW, OTHER)
    await moderation.store.write(changes.Edit(USER, clock()).record(Kind.MESSAGE, Action.DELETE, 4711))
    with pytest.raises(InvalidInputError, match="can't be brought back"):
        await operator.preview(Wanted(Kind.MESSAGE, "4711"))


async def test_undo_passes_over_messages_that_a_moderator_deleted(moderation: Moderation, clock: Clock) -> None:
    await bar(moderation)
    clock.advance(seconds=1)
    await moderation.store.write(changes.Edit(USER, clock()).record(Kind.MESSAGE, Action.DELETE, 4711))
    await undone(moderation, ADMIN, NSFW)
    assert not await moderation.check(ADMIN, NSFW, OTHER)
