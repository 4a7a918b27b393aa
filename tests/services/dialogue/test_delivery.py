"""Saying an answer: confirmed first, each message once whatever Discord answers, nothing to a deleted question."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.errors import NotAllowedError, TzurotError, UnavailableError, UncertainError
from bot.services.dialogue.deletions import REMEMBERED_DELETIONS, Deletions
from bot.services.dialogue.dialogue import Dialogue
from bot.store.cipher import Cipher
from tests.services.conftest import (
    TIMEOUT_SECONDS,
    Clock,
    FakeConfirmer,
    FakeHistory,
    FakeSpeaker,
    FakeThinker,
    answered_for_another,
    heard,
    lilith_and_her_user,
    rows,
)

PARTS = ["a" * 1500, "b" * 1500]
UNCERTAIN = UncertainError("Discord did not say.")


@pytest.fixture
async def dialogue(
    new_dialogue: Dialogue, cipher: Cipher, clock: Clock, thinker: FakeThinker
) -> AsyncIterator[Dialogue]:
    """Lilith, who says two messages to everyone who is logged in."""
    await new_dialogue.store.write(
        *lilith_and_her_user(cipher, clock()),
    )
    thinker.answer_with = lambda _: "\n\n".join(PARTS)
    yield new_dialogue
    await new_dialogue.close(1)


async def states(dialogue: Dialogue) -> list[tuple[str, str | None]]:
    return [(row["state"], row["failure"]) for row in await rows(dialogue.store, "SELECT state, failure FROM turns")]


def texts(speaker: FakeSpeaker) -> list[str]:
    return speaker.texts


@pytest.mark.parametrize("confirms", [True, False])
async def test_the_answer_is_confirmed_before_its_first_message_and_said_even_where_it_is_not(
    dialogue: Dialogue, speaker: FakeSpeaker, confirmer: FakeConfirmer, *, confirms: bool
) -> None:
    confirmer.confirms, confirmer.hold = confirms, asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(confirmer.reached.wait(), TIMEOUT_SECONDS)
    assert (confirmer.states, speaker.said) == (["answered"], [])
    confirmer.hold.set()
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert texts(speaker) == PARTS
    assert confirmer.asked == [2.0]


async def test_each_message_says_what_it_follows(dialogue: Dialogue, speaker: FakeSpeaker) -> None:
    await dialogue.hear(heard(1, "@lilith"))
    assert speaker.after == [1, speaker.ids[0]]


async def test_a_message_deleted_before_the_first_word_gets_none(
    dialogue: Dialogue, speaker: FakeSpeaker, confirmer: FakeConfirmer
) -> None:
    confirmer.hold = asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(confirmer.reached.wait(), TIMEOUT_SECONDS)
    dialogue.forget([5, 1])
    confirmer.hold.set()
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert speaker.said == []
    assert await states(dialogue) == [("failed", "Deleted")]


async def test_a_message_deleted_before_its_turn_comes_is_not_asked_for(
    dialogue: Dialogue, thinker: FakeThinker
) -> None:
    thinker.hold["@lilith 1"] = asyncio.Event()
    running = [asyncio.create_task(dialogue.hear(heard(n, f"@lilith {n}"))) for n in (1, 2)]
    await asyncio.wait_for(thinker.reached.wait(), TIMEOUT_SECONDS)
    dialogue.forget([2])
    thinker.hold["@lilith 1"].set()
    await asyncio.wait_for(asyncio.gather(*running), TIMEOUT_SECONDS)
    assert [question.content for question in thinker.questions] == ["@lilith 1"]
    assert await states(dialogue) == [("done", None), ("failed", "Deleted")]


async def test_a_message_deleted_in_the_middle_of_its_answer_gets_the_rest(
    dialogue: Dialogue, speaker: FakeSpeaker
) -> None:
    speaker.hold[2] = asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(speaker.reached.wait(), TIMEOUT_SECONDS)
    dialogue.forget([1])
    speaker.hold[2].set()
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert texts(speaker) == PARTS


def test_only_so_many_deletions_are_remembered() -> None:
    deletions = Deletions()
    deletions.note(range(REMEMBERED_DELETIONS + 1))
    assert (0 in deletions, 1 in deletions, REMEMBERED_DELETIONS in deletions) == (False, True, True)


@pytest.mark.parametrize("part", [1, 2])
async def test_what_was_taken_without_a_word_is_found_and_not_sent_again(
    dialogue: Dialogue, speaker: FakeSpeaker, history: FakeHistory, part: int
) -> None:
    found_id = 600_000_000_000_000_500
    speaker.fail[part] = UNCERTAIN
    history.say(found_id, PARTS[part - 1])
    await dialogue.hear(heard(1, "@lilith"))
    assert texts(speaker) == [text for number, text in enumerate(PARTS, start=1) if number != part]
    noted = [row["message_id"] for row in await rows(dialogue.store, "SELECT message_id FROM turn_chunks")]
    assert sorted(noted) == sorted([found_id, *speaker.ids])
    assert await states(dialogue) == [("done", None)]


async def test_what_was_not_taken_is_sent_again(dialogue: Dialogue, speaker: FakeSpeaker, clock: Clock) -> None:
    began = clock()
    speaker.fail |= {1: UNCERTAIN, 2: UNCERTAIN, 3: UNCERTAIN, 4: UNCERTAIN}
    await dialogue.hear(heard(1, "@lilith"))
    assert texts(speaker) == PARTS
    assert (clock() - began).total_seconds() == 1 + 2 + 4 + 8


async def test_the_same_words_of_another_turn_are_not_taken_for_it(
    dialogue: Dialogue, speaker: FakeSpeaker, history: FakeHistory
) -> None:
    await dialogue.store.write(*answered_for_another(500, dialogue.clock()))
    history.say(500, PARTS[0])
    speaker.fail[1] = UNCERTAIN
    await dialogue.hear(heard(1, "@lilith"))
    assert texts(speaker) == PARTS


@pytest.mark.parametrize(
    ("error", "tries", "left"),
    [
        (UNCERTAIN, 5, ("answered", None)),
        (UnavailableError("No such thing."), 1, ("answered", None)),
        (NotAllowedError("No."), 1, ("failed", "NotAllowedError")),
    ],
)
async def test_it_gives_up_at_once_where_it_is_sure_and_in_the_end_where_it_is_not(
    dialogue: Dialogue, speaker: FakeSpeaker, error: TzurotError, tries: int, left: tuple[str, str | None]
) -> None:
    speaker.fail = dict.fromkeys(range(1, 10), error)
    with pytest.raises(type(error)):
        await dialogue.hear(heard(1, "@lilith"))
    assert next(speaker.numbers) == tries + 1
    assert await states(dialogue) == [left]


async def test_while_it_can_not_look_it_sends_nothing_again(
    dialogue: Dialogue, speaker: FakeSpeaker, history: FakeHistory
) -> None:
    speaker.fail[1] = UNCERTAIN
    history.fail = UnavailableError("Discord is down.")
    with pytest.raises(UnavailableError):
        await dialogue.hear(heard(1, "@lilith"))
    assert next(speaker.numbers) == 2


async def test_how_often_it_tries_is_the_operators_choice(dialogue: Dialogue, speaker: FakeSpeaker) -> None:
    dialogue.delivery = replace(dialogue.delivery, policy=replace(dialogue.policy, send_attempts=1))
    speaker.fail[1] = UNCERTAIN
    with pytest.raises(UncertainError):
        await dialogue.hear(heard(1, "@lilith"))
