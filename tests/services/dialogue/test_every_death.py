"""A process that dies between any two steps of a turn, and what the next one makes of it, with and without its rows."""

import pytest

from bot.store.cipher import Cipher
from tests.services.mortal import ANSWERED, PARTS, House, Steps, house, live, live_on

__all__ = ["house"]


async def count_steps(house: House, cipher: Cipher) -> list[str]:
    steps = Steps()
    assert await live(house, cipher, steps)
    return steps.done


FIRST_COMMIT, STEPS = 1, 20
"""In the life of a turn of three messages; `test_these_are_all_steps_of_a_turn` holds it."""


async def test_these_are_all_steps_of_a_turn(house: House, cipher: Cipher) -> None:
    done = await count_steps(house, cipher)
    one_message = ["before a message is sent", "after a message was sent", "before a commit", "after a commit"]
    assert done == [
        *("before a commit", "after a commit", "before the webhook is ready"),
        *("before the AI is asked", "after the AI has answered"),
        *("before a commit", "after a commit", "before the answer is confirmed"),
        *one_message * 3,
    ]
    assert len(done) == STEPS


@pytest.mark.parametrize("step", range(STEPS + 1))
async def test_after_a_death_at_any_step_the_answer_stands_there_once_and_was_paid_for_once(
    house: House, cipher: Cipher, step: int
) -> None:
    steps = Steps(last=step)
    has_survived = await live(house, cipher, steps)
    is_stored = house.copies > ANSWERED
    is_done = house.copies > ANSWERED + len(PARTS)
    asked = house.asked
    recovered = await live_on(house, cipher)
    assert house.said == PARTS
    assert house.asked == (asked if is_stored else asked + 1)
    assert has_survived == (step == STEPS)
    assert recovered.answered == (0 if is_done else 1)
    assert (recovered.adopted, recovered.skipped) == (0, {})
    assert (await live_on(house, cipher)).missed == 0
    assert house.said == PARTS


@pytest.mark.parametrize("step", range(FIRST_COMMIT + 1, STEPS + 1))
async def test_after_a_restore_that_lacks_some_commits_nothing_stands_there_twice(
    house: House, cipher: Cipher, step: int
) -> None:
    await live(house, cipher, Steps(last=step))
    channel, asked, newest = list(house.channel), house.asked, house.copies - 1
    for number in range(newest):
        house.channel, house.asked = list(channel), asked
        house.restore(number)
        await check_restored(house, cipher, is_text_known=number >= ANSWERED)
    assert newest > 0


async def check_restored(house: House, cipher: Cipher, *, is_text_known: bool) -> None:
    said, asked = len(house.said), house.asked
    recovered = await live_on(house, cipher)
    if is_text_known or not said:
        assert house.said == PARTS
    else:
        assert (house.said, recovered.adopted) == (PARTS[:said], 1)
    assert house.asked == asked + (not is_text_known and not said)
    assert recovered.missed == 1
    assert (await live_on(house, cipher)).missed == 0
