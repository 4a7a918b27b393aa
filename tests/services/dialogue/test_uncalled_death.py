"""A process that dies at any step of what began without a call: a conversation that goes on, a changed message."""

from datetime import timedelta

import pytest

from bot.model import Conversation, Heard, Mapping, snowflake_of
from bot.services.dialogue.dialogue import Dialogue
from bot.store import activations, conversations, marks, messages, preferences
from bot.store.cipher import Cipher
from tests.services.conftest import NSFW, OTHER, USER, Clock, heard, rows
from tests.services.dialogue.test_every_death import STEPS
from tests.services.mortal import ANSWERED, PARTS, DeathError, House, Steps, house, live_on, process

__all__ = ["house"]


@pytest.fixture(params=["conversation", "changed message"])
async def uncalled(house: House, cipher: Cipher, clock: Clock, request: pytest.FixtureRequest) -> House:
    """Lilith is active nowhere, and has answered the user a minute ago; now comes what begins the turn."""
    now, is_edit = clock(), request.param == "changed message"
    begun = now - timedelta(minutes=1)
    async with process(house, cipher, Steps()) as channels:
        await channels.dialogue.store.write(
            activations.delete(NSFW.channel_id),
            messages.put(Mapping(snowflake_of(begun), OTHER if is_edit else USER, NSFW.channel_id, 1)),
            marks.put(snowflake_of(now - timedelta(seconds=1)), now),
        )
        if not is_edit:
            talk = Conversation(NSFW.channel_id, USER, "lilith-tzel-shani", begun, begun)
            await channels.dialogue.store.write(conversations.put(talk), preferences.enable_auto_response(USER, begun))
    asked_at = now - timedelta(seconds=30 if is_edit else 0)
    content = "@lilith-tzel-shani, are you there?" if is_edit else "are you there?"
    house.question = heard(snowflake_of(asked_at) + 1, content, edited_at=now if is_edit else None)
    house.channel[:] = [house.question]
    house.newest_id = snowflake_of(now) + 2
    house.copies = 0
    return house


async def hear(dialogue: Dialogue, question: Heard) -> None:
    await (dialogue.hear_edit(question) if question.edited_at else dialogue.hear(question))


@pytest.mark.parametrize("step", range(STEPS + 1))
async def test_the_answer_stands_there_once_and_was_paid_for_once(uncalled: House, cipher: Cipher, step: int) -> None:
    async with process(uncalled, cipher, Steps(last=step)) as channels:
        try:
            await hear(channels.dialogue, uncalled.question)
        except DeathError:
            assert step < STEPS
    asked, is_stored = uncalled.asked, uncalled.copies >= ANSWERED
    uncalled.clock.advance(minutes=5)
    for _ in range(2):
        await live_on(uncalled, cipher)
        assert uncalled.said == PARTS
        assert uncalled.asked == (asked if is_stored else asked + 1)
    async with process(uncalled, cipher, Steps()) as channels:
        await hear(channels.dialogue, uncalled.question)
        (talk,) = await rows(channels.dialogue.store, "SELECT personality_name, user_id FROM conversations")
    assert (talk["personality_name"], talk["user_id"]) == ("lilith-tzel-shani", USER)
    assert uncalled.said == PARTS
