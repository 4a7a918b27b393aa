"""Another answer in the place of the old one, and an answer that is taken away, whatever is in the way."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.errors import ConflictError, NotAllowedError, NotFoundError, UnavailableError, UncertainError
from bot.model import Mapping, Member, Place, Secret, snowflake_of
from bot.services.answers.answers import Answers
from bot.services.answers.retrying import Retrying
from bot.services.answers.rewriting import Rewriting
from bot.services.dialogue.dialogue import Dialogue
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.store import messages, personalities, turns
from bot.store.cipher import Cipher
from bot.store.statement import Statement
from tests.services.conftest import (
    DM,
    NSFW,
    OTHER,
    OWNER,
    SAFE,
    TIMEOUT_SECONDS,
    USER,
    Clock,
    FakeConfirmer,
    FakeHerald,
    FakeHistory,
    FakeSpeaker,
    FakeThinker,
    go_through,
    heard,
    lilith_and_her_user,
    rows,
)

A, B, C, D = (letter * 1500 for letter in "abcd")
QUESTION = 4_000_000_000_000_000
UNCERTAIN = UncertainError("Discord did not say.")
MODERATOR = Member(OTHER, may_manage_messages=True)


@dataclass
class House:
    """Lilith, who has answered a logged-in user's question."""

    dialogue: Dialogue
    speaker: FakeSpeaker
    thinker: FakeThinker
    history: FakeHistory
    confirmer: FakeConfirmer
    retrying: Retrying

    @property
    def answers(self) -> Answers:
        return self.retrying.answers

    @property
    def texts(self) -> list[str]:
        return self.speaker.texts

    @property
    def first(self) -> int:
        return self.speaker.ids[0]

    def will_say(self, *parts: str) -> None:
        self.thinker.answer_with = lambda _: "\n\n".join(parts)

    async def answer(self, *parts: str, place: Place = NSFW, number: int = QUESTION) -> None:
        self.will_say(*parts)
        question = heard(number, "@lilith hello", place)
        self.history.messages[number] = question
        await self.dialogue.hear(question)
        self.will_say("again")

    async def retry(self) -> None:
        await asyncio.wait_for(self.retrying.retry(USER, self.first), TIMEOUT_SECONDS)

    def begin_retry(self) -> "asyncio.Task[None]":
        return asyncio.create_task(self.retrying.retry(USER, self.first))

    async def retry_until_decided(self) -> "asyncio.Task[None]":
        running = self.begin_retry()
        while not await self.left():  # noqa: ASYNC110 - of a commit nobody tells
            await asyncio.sleep(0)
        return running

    async def left(self) -> list[dict[str, Any]]:
        return await rows(self.dialogue.store, "SELECT * FROM rewrites")


@pytest.fixture
async def house(  # noqa: PLR0917 - fixtures are passed by pytest
    new_dialogue: Dialogue,
    cipher: Cipher,
    clock: Clock,
    speaker: FakeSpeaker,
    thinker: FakeThinker,
    history: FakeHistory,
    confirmer: FakeConfirmer,
) -> AsyncIterator[House]:
    await new_dialogue.store.write(
        *lilith_and_her_user(cipher, clock()),
    )
    answers = Answers(rewriting=Rewriting(delivery=new_dialogue.delivery))
    retrying = Retrying(dialogue=new_dialogue, answers=answers, history=history)
    yield House(new_dialogue, speaker, thinker, history, confirmer, retrying)
    await new_dialogue.close(1)


# --- another answer


async def test_it_is_asked_as_it_was_and_confirmed_before_the_first_message_changes(house: House) -> None:
    await house.answer(A)
    confirmed = len(house.confirmer.asked)
    await house.retry()
    assert house.texts == ["again"]
    assert len(house.confirmer.asked) == confirmed + 1
    assert house.thinker.questions[0] == house.thinker.questions[1]
    assert await house.left() == []
    (login,) = await rows(house.dialogue.store, "SELECT last_used FROM auth_tokens")
    assert login["last_used"]


async def test_what_discord_leaves_open_is_done_again(house: House) -> None:
    await house.answer(A)
    house.speaker.refuse[house.first] = [UNCERTAIN, UNCERTAIN]
    await house.retry()
    assert house.texts == ["again"]
    assert len(house.speaker.changed) == 3


async def test_a_message_that_somebody_has_deleted_is_left_out_and_the_text_moves_on(house: House) -> None:
    await house.answer(A, B, C)
    house.will_say(D, C)
    first = house.speaker.ids[0]
    await house.speaker.delete(NSFW, house.speaker.ids[1])
    await asyncio.wait_for(house.retrying.retry(USER, first), TIMEOUT_SECONDS)
    assert house.texts == [D, C]


async def test_a_webhook_that_dies_meanwhile_leaves_the_new_answer_whole(house: House) -> None:
    await house.answer(A, B)
    house.will_say(C, D)
    running_into = house.speaker.ids[1]
    house.speaker.unchangeable.add(running_into)
    await house.retry()
    assert house.texts == [C, D]
    assert running_into not in house.speaker.ids


async def test_where_discord_refuses_for_good_nothing_is_kept_and_the_person_is_told(house: House) -> None:
    await house.answer(A)
    house.speaker.refuse[house.first] = [NotAllowedError("Not here.")]
    with pytest.raises(NotAllowedError):
        await house.retry()
    assert (house.texts, await house.left()) == ([A], [])


async def test_what_discord_does_not_do_now_is_done_at_the_next_try_and_paid_for_once(house: House) -> None:
    await house.answer(A, B)
    house.will_say(C, D)
    house.speaker.refuse[house.speaker.ids[1]] = [UnavailableError("Not now.")]
    with pytest.raises(UnavailableError):
        await house.retry()
    assert house.texts == [C, B]
    asked = len(house.thinker.questions)
    await house.retry()
    assert (house.texts, await house.left()) == ([C, D], [])
    assert len(house.thinker.questions) == asked


async def test_a_message_that_may_have_arrived_is_looked_for_before_it_is_sent_again(
    house: House, clock: Clock
) -> None:
    await house.answer(A)
    house.will_say(C, D)
    house.speaker.fail = dict.fromkeys(range(2, 7), UNCERTAIN)
    with pytest.raises(UncertainError):
        await house.retry()
    house.history.say(snowflake_of(clock()), D)
    await house.retry()
    assert house.texts == [C]
    chunks = await rows(house.dialogue.store, "SELECT message_id FROM turn_chunks ORDER BY position")
    assert [row["message_id"] for row in chunks] == [house.first, snowflake_of(clock())]


async def test_there_is_one_new_answer_at_a_time(house: House) -> None:
    await house.answer(A)
    house.thinker.hold["@lilith hello"] = asyncio.Event()
    running = house.begin_retry()
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    with pytest.raises(ConflictError):
        await house.retry()
    house.thinker.hold["@lilith hello"].set()
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert (house.texts, len(house.thinker.questions)) == (["again"], 2)


async def test_a_longer_answer_waits_until_it_is_its_turn_in_the_channel(house: House) -> None:
    await house.answer(A)
    house.will_say(B, C)
    with house.dialogue.line(NSFW.channel_id):
        running = await house.retry_until_decided()
        assert house.texts == [A]
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert house.texts == [B, C]


async def test_an_end_that_comes_first_leaves_it_to_the_next_process(house: House) -> None:
    await house.answer(A)
    house.will_say(B, C)
    with house.dialogue.line(NSFW.channel_id):
        running = await house.retry_until_decided()
        house.dialogue.stop_hearing()
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert house.texts == [A]
    channels = ChannelRecovery(dialogue=house.dialogue, history=house.history, herald=FakeHerald())
    await go_through(channels, house.dialogue.watermark)
    assert (house.texts, await house.left()) == ([B, C], [])


async def test_what_can_never_be_finished_is_given_up_when_it_is_too_old(house: House, clock: Clock) -> None:
    await house.answer(A)
    house.speaker.refuse[house.first] = [UnavailableError("Not now."), UnavailableError("Still not.")]
    with pytest.raises(UnavailableError):
        await house.retry()
    clock.advance(minutes=16)
    channels = ChannelRecovery(dialogue=house.dialogue, history=house.history, herald=FakeHerald())
    await go_through(channels, house.dialogue.watermark)
    assert (house.texts, await house.left()) == ([A], [])


async def test_the_end_waits_for_an_answer_that_is_thought_of_again(house: House) -> None:
    await house.answer(A)
    house.thinker.hold["@lilith hello"] = asyncio.Event()
    running = house.begin_retry()
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    closing = asyncio.create_task(house.dialogue.close(TIMEOUT_SECONDS))
    await asyncio.sleep(0)
    house.thinker.hold["@lilith hello"].set()
    await asyncio.wait_for(closing, TIMEOUT_SECONDS)
    assert running.done()
    assert house.texts == ["again"]
    with pytest.raises(UnavailableError):
        await house.retry()


async def test_only_whom_it_answers_may_have_another(house: House) -> None:
    await house.answer(A)
    with pytest.raises(NotAllowedError):
        await house.retrying.retry(OTHER, house.first)
    with pytest.raises(NotFoundError):
        await house.retrying.retry(USER, 12345)


async def test_nothing_is_asked_again_that_is_forgotten_incomplete_or_gone(house: House, clock: Clock) -> None:
    await house.answer(A)
    first = house.first
    asked = len(house.thinker.questions)
    await house.dialogue.store.write(messages.put(Mapping(777, USER, NSFW.channel_id, 1)))
    with pytest.raises(NotAllowedError, match="30 days"):
        await house.retrying.retry(USER, 777)
    del house.history.messages[QUESTION]
    with pytest.raises(NotFoundError, match="find"):
        await house.retry()
    await house.dialogue.store.write(
        Statement("UPDATE turns SET state = 'answered', answer = 'a' WHERE message_id = :id", {"id": QUESTION})
    )
    with pytest.raises(ConflictError):
        await house.retry()
    assert len(house.thinker.questions) == asked
    assert (house.texts, house.first) == ([A], first)
    assert clock()


async def test_the_place_must_still_be_one_to_talk_in(house: House) -> None:
    await house.answer(A)
    question = house.history.messages[QUESTION]
    house.history.messages[QUESTION] = replace(question, place=replace(SAFE, channel_id=NSFW.channel_id))
    with pytest.raises(NotAllowedError, match="age-restricted"):
        await house.retry()


async def test_a_copys_question_is_asked_as_from_the_person_behind_it(house: House) -> None:
    await house.answer(A)
    question = house.history.messages[QUESTION]
    house.history.messages[QUESTION] = replace(question, author_id=0, proxy_id=466378653216014359)
    await house.retry()
    assert [question.user_id for question in house.thinker.questions] == [USER, USER]
    assert house.thinker.questions[1].user_token == Secret("invented-token")


# --- taken away


async def test_an_answer_taken_away_while_it_is_thought_of_again_stays_away(house: House) -> None:
    await house.answer(A)
    house.thinker.hold["@lilith hello"] = asyncio.Event()
    running = house.begin_retry()
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    await house.answers.delete(Member(USER), NSFW, house.first)
    house.thinker.hold["@lilith hello"].set()
    with pytest.raises(ConflictError, match="deleted"):
        await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert (house.texts, await house.left()) == ([], [])


async def test_an_answer_taken_away_while_it_is_changed_goes_after_the_message_at_hand(house: House) -> None:
    await house.answer(A, B)
    house.will_say(C, D)
    first = house.first
    house.speaker.hold_change = asyncio.Event()
    changing = house.begin_retry()
    await asyncio.wait_for(house.speaker.reached.wait(), TIMEOUT_SECONDS)
    deleting = asyncio.create_task(house.answers.delete(Member(USER), NSFW, first))
    while not any(row["is_removal"] for row in await house.left()):  # noqa: ASYNC110 - of a commit nobody tells
        await asyncio.sleep(0)
    house.speaker.hold_change.set()
    await asyncio.wait_for(asyncio.gather(changing, deleting), TIMEOUT_SECONDS)
    assert (house.texts, await house.left()) == ([], [])
    assert [message_id for _, message_id in house.speaker.changed].count(first) == 2


async def test_the_rest_of_an_answer_that_is_taken_away_is_not_said(house: House) -> None:
    house.speaker.hold[2] = asyncio.Event()
    saying = asyncio.create_task(house.answer(A, B, C))
    await asyncio.wait_for(house.speaker.reached.wait(), TIMEOUT_SECONDS)
    deleting = asyncio.create_task(house.answers.delete(Member(USER), NSFW, house.first))
    while not await house.left():  # noqa: ASYNC110 - of a commit nobody tells
        await asyncio.sleep(0)
    house.speaker.hold[2].set()
    await asyncio.wait_for(asyncio.gather(saying, deleting), TIMEOUT_SECONDS)
    assert (house.texts, await house.left()) == ([], [])
    (turn,) = await rows(house.dialogue.store, "SELECT state, failure, answer FROM turns")
    assert turn == {"state": "failed", "failure": "Deleted", "answer": None}
    assert await rows(house.dialogue.store, "SELECT count(*) AS n FROM message_mappings") == [{"n": 2}]


async def test_what_discord_did_not_delete_is_deleted_by_the_next_try_and_recorded_once(house: House) -> None:
    await house.answer(A, B)
    second = house.speaker.ids[1]
    house.speaker.refuse[second] = [UnavailableError("Not now.")]
    with pytest.raises(UnavailableError):
        await house.answers.delete(MODERATOR, NSFW, second)
    assert house.texts == [B]
    await house.answers.delete(MODERATOR, NSFW, second)
    assert (house.texts, await house.left()) == ([], [])
    (change,) = await rows(house.dialogue.store, "SELECT * FROM changes WHERE kind = 'message'")
    assert (change["subject"], change["changed_by"]) == (str(second), OTHER)


async def test_an_answer_that_could_not_be_deleted_may_be_thought_of_again_or_deleted_later(house: House) -> None:
    await house.answer(A)
    house.speaker.refuse[house.first] = [NotAllowedError("Not here."), NotAllowedError("Not yet.")]
    for _ in range(2):
        with pytest.raises(NotAllowedError):
            await house.answers.delete(MODERATOR, NSFW, house.first)
    await house.retry()
    assert (house.texts, await house.left()) == (["again"], [])
    await house.answers.delete(MODERATOR, NSFW, house.first)
    assert house.texts == []


async def test_of_an_answer_whose_turn_is_forgotten_the_one_message_goes(house: House) -> None:
    await house.answer(A, B)
    await house.dialogue.store.write(Statement("DELETE FROM turns"))
    await house.answers.delete(Member(USER), NSFW, house.first)
    assert house.texts == [B]


async def test_in_a_direct_message_nobody_moderates(house: House) -> None:
    await house.dialogue.store.write(
        messages.put(Mapping(777, USER, DM.channel_id, 1, is_dm=True)),
    )
    with pytest.raises(NotAllowedError):
        await house.answers.delete(MODERATOR, DM, 777)


async def test_a_turn_with_something_left_to_do_is_not_forgotten(house: House, clock: Clock) -> None:
    await house.answer(A)
    house.speaker.refuse[house.first] = [UnavailableError("Not now.")]
    with pytest.raises(UnavailableError):
        await house.retry()
    clock.advance(days=60)
    await house.dialogue.store.write(turns.delete_before(clock()))
    assert len(await house.left()) == 1


# --- whose it is


async def test_a_message_is_traced_also_when_its_turn_and_its_personality_are_gone(house: House, clock: Clock) -> None:
    await house.answer(A)
    origin = await house.answers.trace(house.first)
    assert (origin.asked_by, origin.question_id, origin.aliases) == (USER, QUESTION, ("lilith",))
    await house.dialogue.store.write(
        Statement("DELETE FROM turns"),
        *personalities.remove("lilith-tzel-shani", OWNER, clock(), OWNER),
        messages.put(Mapping(777, OTHER, NSFW.channel_id, 1, sent_at=clock())),
    )
    origin = await house.answers.trace(777)
    assert (origin.asked_by, origin.question_id, origin.aliases) == (OTHER, None, ())
    assert (origin.personality.display_name, origin.personality.is_active) == ("Lilith", False)
    assert origin.said_at == clock()
    with pytest.raises(NotFoundError):
        await house.answers.trace(12345)
