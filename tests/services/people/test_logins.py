"""Logins, the gate before commands, verifications, activations, status and upkeep."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.errors import InvalidInputError, NotAllowedError, NotFoundError
from bot.model import Ban, Login, Member, Personality, ReplicationState, Secret
from bot.services.gate import Gate
from bot.services.operation.status_report import StatusReport
from bot.services.operation.upkeep import Upkeep
from bot.services.people.logins import Logins, LoginStatus
from bot.services.people.verifications import Verifications
from bot.services.personalities.activations import Activations
from bot.services.policy import Policy
from bot.settings import load_settings
from bot.store import blacklist, changes, logins, personalities
from bot.store.changes import Action, Edit, Kind
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from bot.store.files.standing import find_standing
from tests.services.conftest import (
    DM,
    MEMBER,
    MODERATOR,
    NSFW,
    OTHER,
    OWNER,
    SAFE,
    USER,
    Clock,
    FakeLogins,
    rows,
    token,
)


@pytest.fixture
def service(clock: Clock) -> FakeLogins:
    return FakeLogins({"good": token("invented-token"), "short": token("t", clock() + timedelta(hours=1))})


@pytest.fixture
def users(store: SQLiteStore, cipher: Cipher, policy: Policy, clock: Clock, service: FakeLogins) -> Logins:
    return Logins(store=store, cipher=cipher, policy=policy, service=service, clock=clock)


@pytest.fixture
def gate(store: SQLiteStore, policy: Policy, clock: Clock) -> Gate:
    return Gate(store=store, policy=policy, clock=clock)


async def test_a_code_becomes_a_token_that_is_stored_as_ciphertext(
    users: Logins, store: SQLiteStore, cipher: Cipher, clock: Clock
) -> None:
    status = await users.code(MEMBER, DM, " ||good|| ")
    assert status == LoginStatus(
        is_needed=True, is_logged_in=True, created_at=clock(), expires_at=clock() + timedelta(days=30)
    )
    (row,) = await rows(store, "SELECT * FROM auth_tokens")
    assert row["personality_name"] == "*"
    assert cipher.decrypt(row["token"], "auth_tokens", "token", USER) == Secret("invented-token")
    everything = str(await rows(store, "SELECT * FROM changes")) + str(row)
    assert "invented-token" not in everything


async def test_logging_in_again_replaces_the_token_and_keeps_the_old_ciphertext_in_the_record(
    users: Logins, store: SQLiteStore
) -> None:
    await users.code(MEMBER, DM, "good")
    (old,) = await rows(store, "SELECT token FROM auth_tokens")
    await users.code(MEMBER, DM, "short")
    change = (await store.fetch(changes.latest(1)))[0]
    assert (change.kind, change.action) == (Kind.LOGIN, Action.PUT)
    assert change.before is not None
    assert change.before["token"] == old["token"]


@pytest.mark.parametrize("code", ["wrong", "", "   ", "x" * 1000, "a\nb"])
async def test_a_bad_code_stores_nothing(users: Logins, store: SQLiteStore, code: str) -> None:
    with pytest.raises((NotAllowedError, InvalidInputError)):
        await users.code(MEMBER, DM, code)
    assert await rows(store, "SELECT * FROM auth_tokens") == []


async def test_a_code_is_only_taken_in_a_direct_message(users: Logins, store: SQLiteStore) -> None:
    with pytest.raises(NotAllowedError, match="direct message"):
        await users.code(MEMBER, NSFW, "good")
    assert await rows(store, "SELECT * FROM auth_tokens") == []


async def test_status_tells_never_valid_and_expired_apart(users: Logins, clock: Clock) -> None:
    assert await users.status(MEMBER) == LoginStatus(is_needed=True)
    await users.code(MEMBER, DM, "short")
    assert (await users.status(MEMBER)).is_logged_in
    clock.advance(hours=2)
    status = await users.status(MEMBER)
    assert (status.is_logged_in, status.is_expired) == (False, True)


async def test_revoking_forgets_every_token_of_the_user_and_records_it(
    users: Logins, store: SQLiteStore, cipher: Cipher, clock: Clock
) -> None:
    await users.code(MEMBER, DM, "good")
    await store.write(
        logins.put(Login(USER, Secret("t"), clock(), personality_name="lilith"), cipher),
        logins.put(Login(OTHER, Secret("t"), clock()), cipher),
    )
    await users.revoke(MEMBER)
    assert [row["user_id"] for row in await rows(store, "SELECT user_id FROM auth_tokens")] == [OTHER]
    assert {change.action for change in await store.fetch(changes.latest(2))} == {Action.DELETE}
    with pytest.raises(NotFoundError):
        await users.revoke(MEMBER)


async def test_without_a_login_service_everything_but_status_says_that_nobody_needs_it(
    store: SQLiteStore, cipher: Cipher, open_policy: Policy
) -> None:
    users = Logins(store=store, cipher=cipher, policy=open_policy, service=None)
    assert await users.status(MEMBER) == LoginStatus(is_needed=False)
    with pytest.raises(NotAllowedError, match="operator's key"):
        users.start(MEMBER)
    with pytest.raises(NotAllowedError, match="operator's key"):
        await users.code(MEMBER, DM, "good")
    with pytest.raises(NotAllowedError, match="operator's key"):
        await users.revoke(MEMBER)


async def test_the_gate_lets_help_and_auth_through_and_asks_the_rest_for_a_login(gate: Gate, users: Logins) -> None:
    for command in ("help", "auth", "auth start", "auth code"):
        assert await gate.admit(MEMBER, command, NSFW)
    with pytest.raises(NotAllowedError, match="not logged in"):
        await gate.admit(MEMBER, "ping", NSFW)
    await users.code(MEMBER, DM, "good")
    assert await gate.admit(MEMBER, "ping", NSFW)


async def test_the_gate_has_a_sentence_of_its_own_for_an_expired_login(gate: Gate, users: Logins, clock: Clock) -> None:
    await users.code(MEMBER, DM, "short")
    clock.advance(hours=2)
    with pytest.raises(NotAllowedError, match="expired"):
        await gate.admit(MEMBER, "add", NSFW)


async def test_the_gate_needs_no_login_where_there_is_no_login_service(store: SQLiteStore, open_policy: Policy) -> None:
    assert await Gate(store=store, policy=open_policy).admit(MEMBER, "add", NSFW)


async def test_the_gate_stays_silent_for_the_blacklisted_even_at_help(
    gate: Gate, store: SQLiteStore, clock: Clock
) -> None:
    await store.write(blacklist.put(Ban(user_id=USER, reason="spam", blacklisted_by=OWNER, blacklisted_at=clock())))
    assert not await gate.admit(MEMBER, "help", NSFW)


async def test_verifying_is_recorded_with_what_was_before(store: SQLiteStore, policy: Policy, clock: Clock) -> None:
    verifying = Verifications(store=store, policy=policy, clock=clock)
    with pytest.raises(NotAllowedError):
        await verifying.verify(MEMBER, SAFE)
    await verifying.verify(MEMBER, NSFW)
    await verifying.verify(replace(MEMBER, can_see_nsfw_channel=True), DM)
    (row,) = await rows(store, "SELECT * FROM nsfw_verifications")
    assert (row["user_id"], row["is_verified"], row["verified_at"]) == (USER, 1, "2026-11-23T12:00:00.000Z")
    found = await store.fetch(changes.latest(5))
    assert [change.before is None for change in found] == [False, True]


async def test_activating_and_deactivating_name_who_answered_before(
    store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    channels = Activations(store=store, policy=policy, clock=clock)
    await store.write(*(personalities.put(Personality(name, name, OWNER, clock())) for name in ("anna", "bert")))
    assert (await channels.activate(MODERATOR, NSFW, "ANNA")).replaced is None
    assert (await channels.activate(MODERATOR, NSFW, "anna")).replaced is None
    assert (await channels.activate(MODERATOR, NSFW, "bert")).replaced == "anna"
    with pytest.raises(NotFoundError, match="bert"):
        await channels.deactivate(MODERATOR, NSFW, "anna")
    with pytest.raises(NotAllowedError):
        await channels.deactivate(Member(USER), NSFW)
    assert await channels.deactivate(MODERATOR, NSFW) == "bert"
    with pytest.raises(NotFoundError):
        await channels.deactivate(MODERATOR, NSFW)
    with pytest.raises(NotFoundError):
        await channels.activate(MODERATOR, NSFW, "nobody")
    kinds = [(change.action, change.before is None) for change in await store.fetch(changes.latest(9))]
    assert kinds == [(Action.DELETE, False), (Action.PUT, False), (Action.PUT, False), (Action.PUT, True)]


async def test_the_report_counts_rows_and_names_the_schema(store: SQLiteStore, clock: Clock, tmp_path: Path) -> None:
    look = partial(find_standing, load_settings({"json_dir": tmp_path}))
    report_maker = StatusReport(store=store, look=look, clock=clock, started_at=clock())
    clock.advance(minutes=5)
    await store.write(personalities.put(Personality("anna", "Anna", OWNER, clock())))
    report = await report_maker.read()
    assert report.rows["personalities"] == 1
    assert report.rows["message_mappings"] == 0
    assert not any(name.startswith(("sqlite_", "_")) for name in report.rows)
    assert report.uptime == timedelta(minutes=5)
    assert report.replication == ReplicationState(is_configured=False)
    assert (report.standing.mode, report.standing.folder, report.standing.compared) == ("database", None, 0)


async def test_upkeep_forgets_changes_past_their_lifetime_and_no_others(
    store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    upkeep = Upkeep(store=store, policy=policy, interval_seconds=1, clock=clock)
    old = [Edit(USER, clock()).record(Kind.ALIAS, Action.PUT, f"a{n}") for n in range(450)]
    await store.write(*old)
    clock.advance(days=29)
    await store.write(Edit(USER, clock()).record(Kind.ALIAS, Action.PUT, "young"))
    assert await upkeep.forget_old_changes() == 0
    clock.advance(days=2)
    assert await upkeep.forget_old_changes() == 450
    assert [change.subject for change in await store.fetch(changes.latest(5))] == ["young"]
