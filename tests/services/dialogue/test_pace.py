"""Who asks for too much is told once, and the rest of it is neither answered nor kept."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import NotAllowedError
from bot.model import Heard, Login, Personality, Place, Secret, snowflake_of
from bot.rules.dialogue.pace import Window
from bot.services.dialogue import pace
from bot.services.dialogue.dialogue import Dialogue
from bot.services.dialogue.pace import Counter, Pace
from bot.services.policy import Policy
from bot.store import logins, personalities, turns
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import NSFW, OTHER, OWNER, USER, Clock, FakeSpeaker, rows

LIMIT, IN_CHANNEL = 3, 5
STRANGER = 900_000_000_000_000_010


@pytest.fixture
def policy() -> Policy:
    return Policy(owner_id=OWNER, user_rate_limit=LIMIT, channel_rate_limit=IN_CHANNEL)


@pytest.fixture
async def dialogue(store: SQLiteStore, cipher: Cipher, clock: Clock, new_dialogue: Dialogue) -> AsyncIterator[Dialogue]:
    """Lilith, and three who are logged in."""
    await store.write(
        personalities.put(Personality("lilith", "Lilith", OWNER, clock())),
        *(logins.put(Login(user, Secret("invented"), clock()), cipher) for user in (USER, OTHER, OWNER)),
    )
    yield new_dialogue
    await new_dialogue.close(1)


def said(clock: Clock, author_id: int = USER, text: str = "@lilith hello", place: Place = NSFW) -> Heard:
    """A message of this moment; a moment later the clock goes on."""
    clock.advance(milliseconds=1)
    return Heard(snowflake_of(clock()), author_id, place, text)


async def outcomes(dialogue: Dialogue, messages: list[Heard]) -> list[str]:
    """For each `answered`, `silent`, or what its author is told."""
    found = []
    for message in messages:
        before = len(await rows(dialogue.store, "SELECT 1 FROM turns"))
        try:
            await dialogue.hear(message)
        except NotAllowedError as error:
            found.append(str(error))
        else:
            found.append("answered" if len(await rows(dialogue.store, "SELECT 1 FROM turns")) > before else "silent")
    return found


async def test_whoever_asks_too_much_is_told_once_when_to_go_on_and_then_is_answered_again(
    dialogue: Dialogue, clock: Clock, speaker: FakeSpeaker
) -> None:
    start = clock()
    *answered, told, silent, also = await outcomes(dialogue, [said(clock) for _ in range(LIMIT + 3)])
    assert answered == ["answered"] * LIMIT
    assert f"<t:{int(start.timestamp()) + 61}:R>" in told
    assert (silent, also) == ("silent", "silent")
    assert await outcomes(dialogue, [said(clock, OTHER)]) == ["answered"]
    clock.advance(minutes=1)
    assert await outcomes(dialogue, [said(clock)]) == ["answered"]
    clock.advance(minutes=5)
    assert len(speaker.said) == LIMIT + 2  # nothing of what was refused comes later
    assert len(await rows(dialogue.store, "SELECT 1 FROM turns")) == LIMIT + 2


async def test_nobody_is_told_of_what_would_get_no_answer_anyway(dialogue: Dialogue, clock: Clock) -> None:
    assert set(await outcomes(dialogue, [said(clock, text="just talk") for _ in range(20)])) == {"silent"}
    assert await outcomes(dialogue, [said(clock)]) == ["answered"]


async def test_a_channel_has_a_limit_of_its_own_and_others_go_on(dialogue: Dialogue, clock: Clock) -> None:
    messages = [said(clock, author) for author in (USER, OTHER) for _ in range(LIMIT)]
    *answered, told = await outcomes(dialogue, messages)
    assert answered == ["answered"] * IN_CHANNEL
    assert "this channel" in told
    assert await outcomes(dialogue, [said(clock, OWNER)]) == ["silent"]
    elsewhere = replace(NSFW, channel_id=NSFW.channel_id + 5)
    # What the channel refused did not count for its author.
    assert await outcomes(dialogue, [said(clock, OTHER, place=elsewhere)]) == ["answered"]
    clock.advance(minutes=1)
    assert await outcomes(dialogue, [said(clock, OWNER)]) == ["answered"]


async def test_refusals_count_too_but_not_for_the_channel(dialogue: Dialogue, clock: Clock) -> None:
    found = await outcomes(dialogue, [said(clock, STRANGER) for _ in range(10)])
    assert all("not logged in" in one for one in found[:LIMIT])
    assert "lost track" in found[LIMIT]
    assert set(found[LIMIT + 1 :]) == {"silent"}
    assert await outcomes(dialogue, [said(clock) for _ in range(LIMIT)]) == ["answered"] * LIMIT


async def test_what_came_while_nobody_listened_counts_when_it_was_written(dialogue: Dialogue, clock: Clock) -> None:
    missed = []
    for _ in range(4):
        missed += [said(clock) for _ in range(LIMIT)]
        clock.advance(minutes=1)
    assert await outcomes(dialogue, missed) == ["answered"] * len(missed)  # all of it heard in this moment
    assert await outcomes(dialogue, [said(clock)]) == ["answered"]


async def test_a_message_that_is_heard_twice_counts_once(dialogue: Dialogue, clock: Clock) -> None:
    first = said(clock)
    assert await outcomes(dialogue, [first] * 5) == ["answered", *["silent"] * 4]
    assert await outcomes(dialogue, [said(clock) for _ in range(LIMIT - 1)]) == ["answered"] * (LIMIT - 1)


async def test_a_new_process_refuses_what_was_refused(dialogue: Dialogue, clock: Clock, policy: Policy) -> None:
    asked = [said(clock) for _ in range(LIMIT + 1)]
    assert (await outcomes(dialogue, asked))[:-1] == ["answered"] * LIMIT
    keeper = Pace(policy=policy, clock=clock)
    for _ in range(2):  # what is known already counts once
        keeper.remember(await dialogue.store.look_up(turns.find_since(asked[0].message_id)))
    with pytest.raises(NotAllowedError):
        keeper.admits(asked[-1])
    assert keeper.admits(said(clock, OTHER))


def test_commands_and_messages_count_together_and_what_only_the_author_sees_is_always_told(
    policy: Policy, clock: Clock
) -> None:
    keeper = Pace(policy=policy, clock=clock)
    assert keeper.admits(said(clock))
    assert all(keeper.admits_command(USER, said(clock).message_id, is_seen_by_all=True) for _ in range(LIMIT - 1))
    for _ in range(2):
        with pytest.raises(NotAllowedError):
            keeper.admits_command(USER, said(clock).message_id, is_seen_by_all=False)
    with pytest.raises(NotAllowedError):
        keeper.admits_command(USER, said(clock).message_id, is_seen_by_all=True)
    assert not keeper.admits_command(USER, said(clock).message_id, is_seen_by_all=True)
    assert not keeper.admits(said(clock))


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> None:
    monkeypatch.setattr(pace, "REMEMBERED", 100)
    counter = Counter(Window(LIMIT, timedelta(minutes=1)))
    for user_id in range(1000):
        for _ in range(LIMIT):
            counter.add(user_id, said(clock).message_id)
    assert len(counter._counted) == 100
    assert len(counter.of(999)) == LIMIT
    assert counter.of(1) == []
