"""Every model comes back from its table as it went in, and the verbs do what their names say."""

# ruff: noqa: FBT003 - models are given whole, in the order of their fields

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import ConflictError
from bot.model import (
    Activation,
    Alias,
    Avatar,
    Ban,
    Cause,
    Conversation,
    Login,
    Mapping,
    NotificationPreference,
    NotifiedVersion,
    Personality,
    Profile,
    ReplicationState,
    Secret,
    Turn,
    TurnState,
    Verification,
    WebhookKey,
)
from bot.store import (
    activations,
    aliases,
    avatars,
    blacklist,
    canary,
    changes,
    conversations,
    logins,
    messages,
    personalities,
    preferences,
    proxy_users,
    refusals,
    turns,
    verifications,
    webhooks,
)
from bot.store.changes import Action, Edit, Kind
from bot.store.cipher import Cipher
from bot.store.statement import Query, Statement, Store

from .conftest import NOW

SNOWFLAKE = 2**63 - 1
LATER = NOW + timedelta(hours=1)
EXTRA: dict[str, Any] = {"oddKey": [1, {"ünï": None}], "b": "2"}
LILITH = Personality("Lilith-Tzel", "Lilith 🌙", SNOWFLAKE, NOW, extra=EXTRA)


async def add_lilith(store: Store) -> int:
    [outcome] = await store.write(personalities.put(LILITH))
    return int(outcome.rows[0]["id"])


async def test_a_personality_comes_back_as_it_went_in(store: Store) -> None:
    full = Personality(
        "Ĝis", "Ĝis la", 7, NOW, 0, "https://x.invalid/a.png", LATER, False, "err", "pro\nmpt", "m/1", LATER,
        {"a": [1]}, EXTRA,
    )  # fmt: skip
    [outcome] = await store.write(personalities.put(full))
    assert await store.first(personalities.get("Ĝis")) == replace(full, id=outcome.rows[0]["id"])


async def test_every_other_model_comes_back_as_it_went_in(store: Store, cipher: Cipher) -> None:
    personality_id = await add_lilith(store)
    name = LILITH.full_name
    pairs: list[tuple[Statement, Query[Any], object]] = [
        (aliases.add(a := Alias("lil |  ☾", name, 2, NOW, EXTRA)), aliases.get("LIL |  ☾"), a),
        (
            logins.put(t := Login(SNOWFLAKE, Secret("tök"), NOW, name, LATER, NOW, EXTRA), cipher),
            logins.find_by_user(SNOWFLAKE, cipher),
            t,
        ),
        (verifications.put(v := Verification(3, False, NOW, LATER, 4, EXTRA)), verifications.get(3), v),
        (
            conversations.put(c := Conversation(5, 6, name, NOW, LATER, 7, True, True, {"k": 1}, EXTRA)),
            conversations.get(5, 6),
            c,
        ),
        (activations.put(x := Activation(8, name, 9, NOW, EXTRA)), activations.get(8), x),
        (messages.put(m := Mapping(10, 11, 12, personality_id, True, True, NOW, EXTRA)), messages.get(10), m),
        (
            turns.add(
                u := Turn(13, 14, 15, personality_id, Cause.REPLY, TurnState.ANSWERED, NOW, LATER, 16, 17, "txt", 2)
            ),
            turns.get(13),
            u,
        ),
        (webhooks.put(w := WebhookKey(18, 19, Secret("hook"), NOW), cipher), webhooks.get(18, cipher), w),
        (blacklist.put(b := Ban(20, 21, NOW, "rude", EXTRA)), blacklist.get(20), b),
        (blacklist.put(h := Ban(20, 21, NOW, "rude", None, 4, LATER)), blacklist.get(20, 4), h),
        (blacklist.put(e := Ban(0, 21, NOW, guild_id=4)), blacklist.get(0, 4), e),
        (
            avatars.put(p := Avatar(personality_id, "ab", "image/png", b"\0\xff", "https://x", NOW, LATER, EXTRA)),
            avatars.get(personality_id),
            p,
        ),
        (
            preferences.put_notifications(n := NotificationPreference(22, True, "minor", "1.2", NOW, LATER, EXTRA)),
            preferences.get_notifications(22),
            n,
        ),
        (preferences.put_version(o := NotifiedVersion("2.2.10", NOW, EXTRA)), preferences.get_version(), o),
        (refusals.put(r := refusals.Refusal("d1", "4004", NOW)), refusals.get("d1"), r),
    ]
    await store.write(*(statement for statement, _, _ in pairs))
    for _, query, model in pairs:
        assert await store.fetch(query) == [model]


async def test_the_canary_keeps_what_was_confirmed_before(store: Store) -> None:
    await store.write(canary.put("n1", NOW, ReplicationState(True, 7, NOW, 1.5)))
    await store.write(canary.put("n2", LATER, ReplicationState(True, failure="down")))
    assert await store.fetch(canary.get()) == [canary.CanaryRow("n2", LATER, 7, NOW, 1.5)]


async def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        verifications.put(Verification(1, True, NOW.replace(tzinfo=None)))


async def test_a_name_is_found_in_any_case_also_beyond_ascii(store: Store) -> None:
    await store.write(personalities.put(Personality("ÉMILE-Σ", "Émile", 1, NOW)))
    await store.write(aliases.add(Alias("ÇA VA", "ÉMILE-Σ", 1, NOW)))
    for text in ("émile-σ", "ÉMILE-Σ", "ça va", "Ça Va"):
        found = await store.fetch(personalities.find_by_name(text))
        assert [p.full_name for p in found] == ["ÉMILE-Σ"], text


async def test_an_alias_wins_over_a_full_name(store: Store) -> None:
    await store.write(personalities.put(LILITH), personalities.put(Personality("echo", "Echo", 1, NOW)))
    await store.write(aliases.add(Alias("echo", LILITH.full_name, 1, NOW)))
    found = await store.first(personalities.find_by_name("Echo"))
    assert found is not None
    assert found.full_name == LILITH.full_name


async def test_a_taken_alias_conflicts_and_the_error_names_the_constraint(store: Store) -> None:
    await add_lilith(store)
    await store.write(aliases.add(Alias("lil", LILITH.full_name, 1, NOW)))
    with pytest.raises(ConflictError) as caught:
        await store.write(aliases.add(Alias("LIL", LILITH.full_name, 2, NOW)))
    assert caught.value.constraint == "personality_aliases.alias"


async def test_an_alias_of_nobody_conflicts(store: Store) -> None:
    with pytest.raises(ConflictError, match="refers to something that does not exist"):
        await store.write(aliases.add(Alias("lil", "nobody", 1, NOW)))


async def test_adding_an_active_personality_again_returns_no_row(store: Store) -> None:
    await add_lilith(store)
    recorded, outcome = await store.write(*personalities.add(replace(LILITH, added_by=5), Edit(5, LATER)))
    assert (outcome.rows, recorded.count) == ([], 0)
    kept = await store.first(personalities.get(LILITH.full_name))
    assert kept is not None
    assert kept.added_by == SNOWFLAKE


async def test_a_removed_personality_keeps_its_messages_and_comes_back_under_its_id(store: Store) -> None:
    old_id = await add_lilith(store)
    name = LILITH.full_name
    await store.write(
        aliases.add(Alias("lil", name, 1, NOW)),
        activations.put(Activation(8, name, 9, NOW)),
        messages.put(Mapping(10, 11, 12, old_id)),
    )
    await store.write(*personalities.remove(name, 77, LATER, 77))
    assert await store.fetch(personalities.find_by_name("lil")) == []
    assert await store.fetch(activations.get(8)) == []
    mapping = await store.first(messages.get(10))
    removed = await store.first(personalities.get(name))
    assert mapping is not None
    assert removed is not None
    assert (mapping.personality_id, removed.is_active) == (old_id, False)
    _, outcome = await store.write(*personalities.add(replace(LILITH, added_by=5), Edit(5, LATER)))
    assert outcome.rows[0]["id"] == old_id
    assert [p.added_by for p in await store.fetch(personalities.find_by_name(name))] == [5]


async def test_removing_a_personality_records_it_and_all_that_went_with_it(store: Store) -> None:
    await add_lilith(store)
    name = LILITH.full_name
    await store.write(
        aliases.add(Alias("lil", name, 1, NOW)),
        aliases.add(Alias("lilith", name, 1, NOW)),
        activations.put(Activation(SNOWFLAKE, name, 9, NOW)),
    )
    await store.write(*personalities.remove(name, 77, LATER, 77))
    records = await store.fetch(changes.latest(10))
    assert {(r.kind, r.action, r.subject, r.changed_by) for r in records} == {
        (Kind.PERSONALITY, Action.DELETE, name, 77),
        (Kind.ALIAS, Action.DELETE, "lil", 77),
        (Kind.ALIAS, Action.DELETE, "lilith", 77),
        (Kind.ACTIVATION, Action.DELETE, str(SNOWFLAKE), 77),
    }
    activation = next(r for r in records if r.kind is Kind.ACTIVATION)
    assert activation.before is not None
    assert activation.before["channel_id"] == SNOWFLAKE


@pytest.mark.parametrize(
    ("kind", "subject", "write", "table"),
    [
        (Kind.PERSONALITY, LILITH.full_name, personalities.put(replace(LILITH, prompt="new")), "personalities"),
        (Kind.ALIAS, "lil", aliases.put(Alias("lil", LILITH.full_name, 99, NOW)), "personality_aliases"),
        (Kind.ACTIVATION, 8, activations.delete(8), "channel_activations"),
        (Kind.LOGIN, changes.login_subject(4), logins.delete(4), "auth_tokens"),
        (Kind.VERIFICATION, 4, verifications.put(Verification(4, False, LATER)), "nsfw_verifications"),
        (Kind.BAN, changes.ban_subject(4, 5), blacklist.delete(4, 5), "blacklist"),
        (Kind.MESSAGE, SNOWFLAKE, messages.put(Mapping(SNOWFLAKE, 5, 8, 1)), "message_mappings"),
    ],
)
async def test_a_change_keeps_every_column_of_the_state_before(  # noqa: PLR0917 - fixtures and parameters
    store: Store, cipher: Cipher, kind: Kind, subject: str | int, write: Statement, table: str
) -> None:
    await store.write(
        Edit(1, NOW).record(kind, Action.PUT, subject),
        personalities.put(LILITH),
        aliases.add(Alias("lil", LILITH.full_name, 1, NOW, EXTRA)),
        activations.put(Activation(8, LILITH.full_name, 9, NOW)),
        logins.put(Login(4, Secret("invented"), NOW, expires_at=LATER), cipher),
        verifications.put(Verification(4, True, NOW)),
        blacklist.put(Ban(4, 9, NOW, "rude", EXTRA, 5, LATER)),
        messages.put(Mapping(SNOWFLAKE, 4, 8, 1, is_dm=True, sent_at=LATER, extra=EXTRA)),
    )
    [before] = await store.fetch(Query(f"SELECT * FROM {table}", lambda row: dict(zip(row.keys(), row, strict=True))))  # noqa: S608
    before.pop("name_lower", None)
    await store.write(Edit(2, LATER).record(kind, Action.DELETE, subject), write)
    newer, older = await store.fetch(changes.find_by_subject(kind, subject))
    assert newer.before == before
    assert (newer.changed_by, newer.changed_at, newer.action) == (2, LATER, Action.DELETE)
    assert older.before is None
    assert "invented" not in str(newer.before)


async def test_old_changes_are_forgotten_in_small_steps(store: Store) -> None:
    for hour in range(5):
        moment = NOW + timedelta(hours=hour)
        await store.write(Edit(1, moment).record(Kind.ALIAS, Action.DELETE, "x"))
    before = NOW + timedelta(hours=3)
    counts = [(await store.write(changes.delete_before(before, 2)))[0].count for _ in range(3)]
    assert counts == [2, 1, 0]
    assert len(await store.fetch(changes.latest(10))) == 2


async def test_the_exact_login_counts_before_the_one_for_all(store: Store, cipher: Cipher) -> None:
    await store.write(
        logins.put(Login(4, Secret("all"), NOW), cipher), logins.put(Login(4, Secret("own"), NOW, "Lilith"), cipher)
    )
    own = await store.first(logins.find_for(4, "Lilith", cipher))
    other = await store.first(logins.find_for(4, "Other", cipher))
    assert own is not None
    assert other is not None
    assert (own.token, other.token) == (Secret("own"), Secret("all"))


async def test_a_touched_login_never_goes_back_in_time(store: Store, cipher: Cipher) -> None:
    await store.write(logins.put(Login(4, Secret("all"), NOW), cipher))
    await store.write(logins.touch(4, "*", LATER), logins.touch(4, "*", NOW))
    login = await store.first(logins.find_for(4, "any", cipher))
    assert login is not None
    assert login.last_used == LATER


async def test_a_conversation_goes_on_and_starts_anew_with_another_personality(store: Store) -> None:
    first = Conversation(5, 6, "a", NOW, NOW, 1, metadata={"k": 1})
    await store.write(conversations.go_on(first, 1))
    await store.write(conversations.go_on(replace(first, started_at=LATER, last_message_at=LATER), 1))
    same = await store.first(conversations.get(5, 6))
    assert same == replace(first, last_message_at=LATER, message_count=2)
    await store.write(
        conversations.go_on(replace(first, personality_name="b", started_at=LATER, last_message_at=LATER), 1)
    )
    other = await store.first(conversations.get(5, 6))
    assert other is not None
    assert (other.personality_name, other.started_at) == ("b", LATER)


async def test_a_refreshed_profile_does_not_bring_a_removed_personality_back(store: Store) -> None:
    await add_lilith(store)
    await store.write(*personalities.remove(LILITH.full_name, 1, NOW, 1))
    profile = Profile(LILITH.full_name, "New", "https://x")
    [outcome] = await store.write(personalities.refresh(LILITH.full_name, profile, LATER))
    assert outcome.count == 0


async def test_a_turn_goes_from_pending_to_done_and_keeps_no_text(store: Store) -> None:
    personality_id = await add_lilith(store)
    turn = Turn(13, 14, 15, personality_id, Cause.MENTION, TurnState.PENDING, NOW, NOW)
    await store.write(turns.add(turn))
    await store.write(turns.answer(13, "hello", 2, LATER))
    await store.write(turns.add_chunk(13, 0, 100))
    await store.write(turns.add_chunk(13, 1, 101))
    assert [t.answer for t in await store.fetch(turns.find_unfinished())] == ["hello"]
    assert await store.fetch(turns.find_chunks(13)) == [100, 101]
    await store.write(turns.finish(13, LATER))
    done = await store.first(turns.get(13))
    assert done == replace(turn, state=TurnState.DONE, chunk_count=2, updated_at=LATER)
    assert await store.fetch(turns.find_unfinished()) == []


async def test_a_message_is_answered_once(store: Store) -> None:
    personality_id = await add_lilith(store)
    turn = Turn(13, 14, 15, personality_id, Cause.MENTION, TurnState.PENDING, NOW, NOW)
    await store.write(turns.add(turn))
    with pytest.raises(ConflictError) as caught:
        await store.write(turns.add(turn))
    assert caught.value.constraint == "turns.message_id"


async def test_a_page_of_a_users_own_personalities_is_in_the_order_of_their_names(store: Store) -> None:
    for name in ("b", "A", "c", "D"):
        await store.write(personalities.put(Personality(name, name, 1, NOW)))
    await store.write(personalities.put(Personality("other", "other", 2, NOW)), *personalities.remove("c", 1, NOW, 1))
    assert [p.full_name for p in await store.fetch(personalities.find_by_owner(1, 2, 1))] == ["b", "D"]
    assert await store.fetch(personalities.count_by_owner(1)) == [3]


async def test_who_uses_a_proxy_is_known_until_they_have_not_for_long(store: Store) -> None:
    assert await store.first(proxy_users.get(SNOWFLAKE)) is None
    await store.write(proxy_users.put(SNOWFLAKE, NOW), proxy_users.put(1, NOW))
    await store.write(proxy_users.put(SNOWFLAKE, LATER))
    assert await store.first(proxy_users.get(SNOWFLAKE)) == LATER
    (outcome,) = await store.write(proxy_users.delete_before(LATER))
    assert outcome.count == 1
    assert await store.first(proxy_users.get(1)) is None
    assert await store.first(proxy_users.get(SNOWFLAKE)) == LATER
