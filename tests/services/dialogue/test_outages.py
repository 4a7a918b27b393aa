"""While nothing reaches the bucket: what is refused, who is told, and how often."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.errors import UnavailableError
from bot.model import Member, Personality, ReplicationState
from bot.services.dialogue.dialogue import Dialogue
from bot.services.gate import Gate
from bot.services.operation.outage_notice import OutageNotice
from bot.services.policy import Policy
from bot.store import personalities
from bot.store.driver import SQLiteStore
from tests.services.conftest import NSFW, USER, Clock, heard, rows

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)
MEMBER = Member(USER)
FINE = ReplicationState(is_configured=True, confirmed_at=NOW)
OUTAGE = replace(FINE, failure="The bucket is away.", silent_since=NOW, is_outage=True)
READ_ONLY = replace(OUTAGE, is_read_only=True)


@dataclass
class Copy:
    state: ReplicationState = READ_ONLY


@dataclass
class Owner:
    told: list[str] = field(default_factory=list)
    is_there: bool = True

    async def tell(self, text: str) -> bool:
        if self.is_there:
            self.told.append(text)
        return self.is_there


@pytest.fixture
def copy() -> Copy:
    return Copy()


async def test_what_would_be_saved_is_refused_and_what_only_reads_is_not(
    store: SQLiteStore, open_policy: Policy, copy: Copy
) -> None:
    gate = Gate(store=store, policy=open_policy, replication=copy)
    for command in ("add", "remove", "alias", "activate", "deactivate", "verify", "auth start", "auth code", "undo"):
        with pytest.raises(UnavailableError, match="accept nothing"):
            await gate.admit(MEMBER, command, NSFW)
    for command in ("help", "ping", "list", "info", "status", "auth", "auth status"):
        assert await gate.admit(MEMBER, command, NSFW)
    copy.state = OUTAGE  # the operator prefers to go on
    assert await gate.admit(MEMBER, "add", NSFW)
    copy.state = FINE
    assert await gate.admit(MEMBER, "add", NSFW)


@pytest.fixture
async def talking(
    store: SQLiteStore, new_dialogue: Dialogue, open_policy: Policy, clock: Clock
) -> AsyncIterator[Dialogue]:
    lilith = Personality("lilith", "Lilith", USER, clock())
    await store.write(personalities.put(lilith))
    new_dialogue.decider.policy = open_policy
    yield new_dialogue
    await new_dialogue.close(1)


async def test_a_message_gets_one_sentence_for_each_author_and_channel_and_no_turn(
    talking: Dialogue, store: SQLiteStore, copy: Copy, clock: Clock
) -> None:
    talking.decider.replication = copy
    with pytest.raises(UnavailableError, match="accept nothing"):
        await talking.hear(heard(1, "@lilith hello"))
    await talking.hear(heard(2, "@lilith are you there?"))
    with pytest.raises(UnavailableError):
        await talking.hear(heard(3, "@lilith hello", author_id=USER + 1))
    clock.advance(hours=1)
    with pytest.raises(UnavailableError):
        await talking.hear(heard(4, "@lilith hello"))
    await talking.hear(heard(5, "to nobody at all"))
    assert await rows(store, "SELECT * FROM turns") == []
    copy.state = FINE
    await talking.hear(heard(6, "@lilith hello"))
    assert len(await rows(store, "SELECT * FROM turns")) == 1


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def notice(copy: Copy, owner: Owner) -> OutageNotice:
    return OutageNotice(replication=copy, owner=owner, interval_seconds=0.001, retry_seconds=0.001)


async def test_the_owner_hears_once_of_an_outage_and_once_of_its_end(
    notice: OutageNotice, copy: Copy, owner: Owner
) -> None:
    for state in (FINE, READ_ONLY, READ_ONLY, FINE, FINE):
        later = NOW + timedelta(minutes=75, seconds=5)
        copy.state = state if state.is_outage else replace(state, confirmed_at=later)
        assert await notice.look()
    begun, ended = owner.told
    assert f"<t:{int(NOW.timestamp())}:T>" in begun
    assert "The bucket is away." in begun
    assert "accept nothing" in begun
    assert "For 1 h 15 min" in ended


async def test_an_owner_who_can_not_be_reached_is_told_later_and_not_of_an_end_without_a_beginning(
    notice: OutageNotice, copy: Copy, owner: Owner
) -> None:
    copy.state = OUTAGE
    owner.is_there = False
    assert not await notice.look()
    copy.state = FINE
    assert await notice.look()
    copy.state = OUTAGE
    owner.is_there = True
    assert await notice.look()
    (told,) = owner.told
    assert "I go on" in told
