"""A process that dies between any two steps of replacing or removing an answer: it is the old or the new one, whole."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from bot.model import Member, Spoken
from bot.services.answers.answers import Answers
from bot.services.answers.retrying import Retrying
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.store.cipher import Cipher
from tests.services.conftest import NSFW, USER, go_through, rows
from tests.services.mortal import DeathError, House, Steps, house, live, process

__all__ = ["house"]

A, B, C = "a" * 1500, "b" * 1500, "c" * 1500
X, Y, Z = "x" * 1500, "y" * 1500, "z" * 1500

Act = Callable[[ChannelRecovery, int], Awaitable[None]]


async def retry(channels: ChannelRecovery, message_id: int) -> None:
    answers = Answers(rewriting=channels.rewriting)
    retrying = Retrying(dialogue=channels.dialogue, answers=answers, history=channels.history)
    await retrying.retry(USER, message_id)


async def remove(channels: ChannelRecovery, message_id: int) -> None:
    await Answers(rewriting=channels.rewriting).delete(Member(USER), NSFW, message_id)


@dataclass(frozen=True)
class Case:
    """What stands there, what shall, and in how many steps that is done."""

    act: Act
    old: tuple[str, ...]
    new: tuple[str, ...]
    steps: int


CASES = {
    "as long": Case(retry, (A, B), (X, Y), 11),
    "shorter": Case(retry, (A, B, C), (X,), 17),
    "longer": Case(retry, (A,), (X, Y, Z), 17),
    "removed": Case(remove, (A, B, C), (), 17),
}
EVERY_STEP = [(name, step) for name, case in CASES.items() for step in range(case.steps + 1)]


async def answer(house: House, cipher: Cipher, case: Case) -> None:
    """Live until the old answer stands there; the AI would say the new one now."""
    house.answer = "\n\n".join(case.old)
    assert await live(house, cipher, Steps())
    assert house.said == [*case.old]
    house.answer = "\n\n".join(case.new)


async def act(house: House, cipher: Cipher, case: Case, steps: Steps) -> bool:
    """Do it to the answer; whether it was outlived."""
    first = next(entry for entry in house.channel if isinstance(entry, Spoken))
    async with process(house, cipher, steps) as channels:
        try:
            await case.act(channels, first.message_id)
        except DeathError:
            return False
    return True


async def live_on(house: House, cipher: Cipher) -> None:
    """Be the next process; nothing is left to do then, and no text is kept."""
    async with process(house, cipher, Steps()) as channels:
        await go_through(channels, channels.dialogue.watermark)
        assert await rows(channels.dialogue.store, "SELECT * FROM rewrites") == []
        assert await rows(channels.dialogue.store, "SELECT * FROM turns WHERE answer IS NOT NULL") == []
        chunks = await rows(channels.dialogue.store, "SELECT message_id FROM turn_chunks ORDER BY position")
    assert [row["message_id"] for row in chunks] == [m.message_id for m in house.channel if isinstance(m, Spoken)]


@pytest.mark.parametrize("name", CASES)
async def test_these_are_all_its_steps(house: House, cipher: Cipher, name: str) -> None:
    case, steps = CASES[name], Steps()
    await answer(house, cipher, case)
    assert await act(house, cipher, case, steps)
    assert house.said == [*case.new]
    changes = [step for step in steps.done if "message" in step]
    assert steps.done.index("after a commit") < steps.done.index(changes[0])  # what shall stand there is known first
    assert len(steps.done) == case.steps


@pytest.mark.parametrize(("name", "step"), EVERY_STEP)
async def test_after_a_death_at_any_step_the_next_process_leaves_it_whole(
    house: House, cipher: Cipher, name: str, step: int
) -> None:
    case = CASES[name]
    await answer(house, cipher, case)
    answered = house.copies
    assert await act(house, cipher, case, Steps(last=step)) == (step == case.steps)
    is_decided = house.copies > answered
    assert house.said == [*case.old] or is_decided
    asked = house.asked
    for _ in range(2):
        await live_on(house, cipher)
        assert house.said == [*(case.new if is_decided else case.old)]
        assert house.asked == asked


@pytest.mark.parametrize("name", CASES)
async def test_after_a_restore_that_lacks_some_steps_it_is_whole_too(house: House, cipher: Cipher, name: str) -> None:
    case = CASES[name]
    await answer(house, cipher, case)
    answered = house.copies
    assert await act(house, cipher, case, Steps())
    channel = list(house.channel)
    for number in range(answered, house.copies):
        house.channel = list(channel)
        house.restore(number)
        await live_on(house, cipher)
        assert house.said == [*case.new]


@pytest.mark.parametrize("name", ["as long", "shorter", "longer"])
async def test_after_a_restore_that_knows_only_the_old_answer_the_new_one_is_left_alone(
    house: House, cipher: Cipher, name: str
) -> None:
    case = CASES[name]
    await answer(house, cipher, case)
    answered = house.copies
    assert await act(house, cipher, case, Steps())
    channel, asked = list(house.channel), house.asked
    for number in range(answered):
        house.channel = list(channel)
        house.restore(number)
        async with process(house, cipher, Steps()) as channels:
            await go_through(channels, channels.dialogue.watermark)
            (turn,) = await rows(channels.dialogue.store, "SELECT state, answer FROM turns")
        assert house.said == [*case.new]
        assert house.asked == asked
        assert turn == {"state": "done", "answer": None}


@pytest.mark.parametrize("step", range(14))
async def test_an_answer_that_is_removed_while_it_is_said_is_gone_after_any_death(
    house: House, cipher: Cipher, step: int
) -> None:
    house.answer = f"{A}\n\n{B}\n\n{C}"
    said = house.question.message_id + 1
    steps = Steps()
    async with process(house, cipher, steps) as channels:
        taken = steps.take

        def take(name: str) -> None:
            if name == "before a message is sent" and house.said == [A]:
                steps.last = len(steps.done)  # the saying process stands still here
            taken(name)

        steps.take = take  # type: ignore[method-assign]
        with pytest.raises(DeathError):
            await channels.dialogue.hear(house.question)
    house.channel.append(Spoken(said + 1, B, "Lilith"))  # under way when it died, and never noted
    house.newest_id = said + 1
    copies = house.copies
    async with process(house, cipher, Steps(last=step)) as channels:
        with contextlib.suppress(DeathError):
            await remove(channels, said)
    is_decided = house.copies > copies
    await live_on(house, cipher)
    assert house.said == ([] if is_decided else [A, B, C])
