"""What is found where personalities do not answer, and who may see it."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import UnavailableError
from bot.model import (
    Activation,
    Ban,
    Login,
    Member,
    Personality,
    Place,
    ReplicationState,
    Secret,
    TurnState,
    Verification,
    WebhookKey,
    snowflake_of,
)
from bot.services.diagnosis import Account, Diagnosis
from bot.services.dialogue.dialogue import Dialogue
from bot.services.people.moderation import Moderation
from bot.services.policy import Policy
from bot.store import activations, blacklist, logins, personalities, verifications, webhooks
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import GUILD, NSFW, NSFW_TOO, OTHER, OWNER, USER, Clock, FakeThinker, heard

HOST, KEEPER = Member(OWNER), Member(USER, is_administrator=True)
THREAD = Place(700_000_000_000_000_009, GUILD, NSFW.channel_id, is_nsfw=True)


@pytest.fixture
async def dialogue(new_dialogue: Dialogue, store: SQLiteStore, clock: Clock, open_policy: Policy) -> Dialogue:
    new_dialogue.decider = replace(new_dialogue.decider, policy=open_policy)
    await store.write(personalities.put(Personality("lilith", "Lilith", USER, clock())))
    return new_dialogue


@pytest.fixture
def diagnosis(store: SQLiteStore, policy: Policy, clock: Clock, dialogue: Dialogue) -> Diagnosis:
    moderation = Moderation(store=store, policy=policy, clock=clock)
    return Diagnosis(store=store, policy=policy, dialogue=dialogue, moderation=moderation, clock=clock)


async def test_where_nothing_ever_happened_nothing_is_found(diagnosis: Diagnosis) -> None:
    findings = await diagnosis.look(KEEPER, NSFW, None)
    assert (findings.activation, findings.waiting, findings.last_turn, findings.webhook_id) == (None, 0, None, None)
    assert findings.patient is None
    assert findings.replication == ReplicationState(is_configured=False)


async def test_a_thread_shows_its_own_activation_else_its_channels_and_the_channels_webhook(
    diagnosis: Diagnosis, store: SQLiteStore, clock: Clock, cipher: Cipher
) -> None:
    await store.write(
        activations.put(Activation(NSFW.channel_id, "lilith", USER, clock())),
        webhooks.put(WebhookKey(NSFW.channel_id, 17, Secret("hidden"), clock()), cipher),
    )
    findings = await diagnosis.look(KEEPER, THREAD, None)
    assert findings.activation is not None
    assert (findings.activation.channel_id, findings.webhook_id) == (NSFW.channel_id, 17)
    await store.write(activations.put(Activation(THREAD.channel_id, "lilith", USER, clock())))
    own = (await diagnosis.look(KEEPER, THREAD, None)).activation
    assert own is not None
    assert own.channel_id == THREAD.channel_id
    assert (await diagnosis.look(KEEPER, NSFW_TOO, None)).webhook_id is None


async def test_who_waits_and_what_became_of_the_last_one_is_seen_without_any_text(
    diagnosis: Diagnosis, dialogue: Dialogue, thinker: FakeThinker, clock: Clock
) -> None:
    first = snowflake_of(clock())
    thinker.hold["@lilith one"] = asyncio.Event()
    asking = [
        asyncio.create_task(dialogue.hear(heard(first + number, f"@lilith {word}")))
        for number, word in enumerate(("one", "two"))
    ]
    await thinker.reached.wait()
    assert (await diagnosis.look(KEEPER, NSFW, None)).waiting == 2
    thinker.hold["@lilith one"].set()
    await asyncio.gather(*asking)
    findings = await diagnosis.look(KEEPER, NSFW, None)
    assert findings.waiting == 0
    assert findings.last_turn is not None
    assert (findings.last_turn.message_id, findings.last_turn.state) == (first + 1, TurnState.DONE)
    assert findings.last_turn.answer is None

    def fail(_: object) -> str:
        raise UnavailableError("Away.")

    thinker.answer_with = fail
    with pytest.raises(UnavailableError):
        await dialogue.hear(heard(first + 2, "@lilith three"))
    failed = (await diagnosis.look(KEEPER, NSFW, None)).last_turn
    assert failed is not None
    assert (failed.state, failed.failure) == (TurnState.FAILED, "UnavailableError")
    clock.advance(days=1, seconds=1)
    assert (await diagnosis.look(KEEPER, NSFW, None)).last_turn is None


async def test_an_administrator_sees_bans_and_the_owner_logins_too(
    diagnosis: Diagnosis, store: SQLiteStore, clock: Clock, cipher: Cipher
) -> None:
    ends = clock() + timedelta(days=2)
    await store.write(
        blacklist.put(Ban(OTHER, OWNER, clock(), "spam", guild_id=GUILD, expires_at=ends)),
        logins.put(Login(OTHER, Secret("hidden"), clock(), expires_at=ends), cipher),
        verifications.put(Verification(OTHER, True, clock())),  # noqa: FBT003 - the row says so
    )
    seen = (await diagnosis.look(KEEPER, NSFW, OTHER)).patient
    assert seen is not None
    assert ([ban.guild_id for ban in seen.bans], seen.account) == ([GUILD], None)
    known = (await diagnosis.look(HOST, NSFW, OTHER)).patient
    assert known is not None
    assert known.account == Account(has_login=True, expires_at=ends, is_expired=False, is_verified=True)
    clock.advance(days=3)
    later = (await diagnosis.look(HOST, NSFW, OTHER)).patient
    assert later is not None
    assert (later.bans, later.account and later.account.is_expired) == ((), True)
    nobody = (await diagnosis.look(HOST, NSFW, USER)).patient
    assert nobody is not None
    assert nobody.account == Account(has_login=False, expires_at=None, is_expired=False, is_verified=False)
