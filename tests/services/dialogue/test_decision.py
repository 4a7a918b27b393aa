"""Who answers: running conversations by the time of the message, changed messages, and what others are told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import NotAllowedError, NotFoundError, UnavailableError
from bot.model import (
    Activation,
    Ban,
    Conversation,
    Heard,
    Login,
    Personality,
    Place,
    Secret,
    Verification,
    snowflake_of,
)
from bot.services.dialogue.dialogue import Dialogue
from bot.store import (
    activations,
    blacklist,
    conversations,
    logins,
    personalities,
    preferences,
    verifications,
)
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import (
    DM,
    NSFW,
    NSFW_TOO,
    OTHER,
    OWNER,
    TIMEOUT_SECONDS,
    USER,
    Clock,
    FakeSpeaker,
    FakeThinker,
    heard,
    rows,
)

HALF_AN_HOUR, TWO_HOURS = timedelta(minutes=30), timedelta(hours=2)
MILLISECOND = timedelta(milliseconds=1)


@dataclass
class House:
    """A user with automatic answers, and one without; both are logged in and verified. Lilith and Baba live here."""

    dialogue: Dialogue
    store: SQLiteStore
    clock: Clock
    speaker: FakeSpeaker
    thinker: FakeThinker
    count: int = 0

    def message(self, content: str, place: Place = NSFW, author_id: int = USER, **more: Any) -> Heard:
        """A message of this moment."""
        self.count += 1
        return heard(snowflake_of(self.clock()) + self.count, content, place, author_id, **more)

    async def hear(self, content: str, place: Place = NSFW, author_id: int = USER, **more: Any) -> str | None:
        """Who has answered a message of this moment, if anyone has."""
        before = len(self.speaker.said)
        await self.dialogue.hear(self.message(content, place, author_id, **more))
        return self.speaker.said[-1][1] if len(self.speaker.said) > before else None

    async def edit(self, message: Heard, content: str) -> str | None:
        """Who has answered the message after it was changed."""
        before = len(self.speaker.said)
        await self.dialogue.hear_edit(replace(message, content=content))
        return self.speaker.said[-1][1] if len(self.speaker.said) > before else None

    @property
    def questions(self) -> list[str]:
        return [question.content for question in self.thinker.questions]


@pytest.fixture
async def house(  # noqa: PLR0917 - fixtures are passed by pytest
    new_dialogue: Dialogue,
    store: SQLiteStore,
    cipher: Cipher,
    clock: Clock,
    speaker: FakeSpeaker,
    thinker: FakeThinker,
) -> AsyncIterator[House]:
    now = clock()
    await store.write(
        personalities.put(Personality("lilith", "Lilith", OWNER, now)),
        personalities.put(Personality("baba", "Baba", OWNER, now)),
        preferences.enable_auto_response(USER, now),
        *(logins.put(Login(user, Secret("invented-token"), now), cipher) for user in (USER, OTHER)),
        *(verifications.put(Verification(user, is_verified=True, recorded_at=now)) for user in (USER, OTHER)),
    )
    yield House(new_dialogue, store, clock, speaker, thinker)
    await new_dialogue.close(1)


async def test_after_a_mention_those_who_want_it_are_answered_on_and_others_are_not(house: House) -> None:
    for user, answering in ((USER, "Lilith"), (OTHER, None)):
        assert await house.hear("@lilith", author_id=user) == "Lilith"
        assert await house.hear("and how are you?", author_id=user) == answering
    (turn,) = await rows(house.store, "SELECT cause FROM turns WHERE cause NOT IN ('mention')")
    assert turn["cause"] == "conversation"


async def test_a_conversation_ends_half_an_hour_after_its_last_answer(house: House) -> None:
    await house.hear("@lilith")
    for _ in range(3):  # each answer makes it last longer
        house.clock.advance(minutes=29, seconds=59.999)
        assert await house.hear("still here") == "Lilith"
    house.clock.advance(minutes=30)
    assert await house.hear("still here") is None


async def test_in_direct_messages_the_last_one_answers_on_for_two_hours_whether_wanted_or_not(house: House) -> None:
    for name, shown in (("lilith", "Lilith"), ("baba", "Baba")):
        assert await house.hear(f"@{name}", DM, OTHER) == shown
        house.clock.advance(hours=1, minutes=59, seconds=59.999)
        assert await house.hear("still here", DM, OTHER) == shown
    house.clock.advance(hours=2)
    with pytest.raises(NotFoundError, match="Whom do you mean"):
        await house.hear("still here", DM, OTHER)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    after_ms=st.integers(0, 3 * 3_600_000) | st.sampled_from([1_799_999, 1_800_000, 7_199_999, 7_200_000]),
    is_dm=st.booleans(),
    is_wanted=st.booleans(),
    late_ms=st.sampled_from([0, 60_000, 10_000_000]),
)
async def test_a_conversation_goes_on_by_the_time_of_the_message_not_of_its_answer(
    house: House, after_ms: int, is_dm: bool, is_wanted: bool, late_ms: int
) -> None:
    place, user = (DM if is_dm else NSFW), (USER if is_wanted else OTHER)
    begun = Conversation(place.channel_id, user, "lilith", house.clock(), house.clock())
    await house.store.write(conversations.put(begun))
    house.clock.advance(milliseconds=after_ms)
    message = house.message("hello", place, user)
    house.clock.advance(milliseconds=late_ms)
    task = await house.dialogue.decider.addressee(message)
    lasts = 7_200_000 if is_dm else 1_800_000
    assert (task is not None) == (after_ms < lasts and (is_dm or is_wanted))


async def test_a_message_written_while_the_answer_is_under_way_belongs_to_the_conversation(house: House) -> None:
    house.thinker.hold["@lilith"] = asyncio.Event()
    first = asyncio.create_task(house.hear("@lilith"))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    second = asyncio.create_task(house.hear("I forgot to say"))
    others = asyncio.create_task(house.hear("I talk to nobody", author_id=OTHER))
    assert await asyncio.wait_for(others, TIMEOUT_SECONDS) is None
    house.thinker.hold["@lilith"].set()
    await asyncio.wait_for(asyncio.gather(first, second), TIMEOUT_SECONDS)
    assert house.questions == ["@lilith", "I forgot to say"]


async def test_what_is_written_while_another_one_answers_goes_to_that_one(house: House) -> None:
    await house.hear("@lilith")
    house.speaker.hold[2] = asyncio.Event()
    taking_over = asyncio.create_task(house.hear("@baba"))
    await asyncio.wait_for(house.speaker.reached.wait(), TIMEOUT_SECONDS)
    next_one = asyncio.create_task(house.hear("and you?"))
    await asyncio.sleep(0)
    house.speaker.hold[2].set()
    await asyncio.wait_for(asyncio.gather(taking_over, next_one), TIMEOUT_SECONDS)
    assert [name for _, name, _ in house.speaker.said] == ["Lilith", "Baba", "Baba"]


async def test_in_direct_messages_nobody_is_told_how_to_talk_while_an_answer_is_under_way(house: House) -> None:
    house.thinker.hold["@lilith"] = asyncio.Event()
    first = asyncio.create_task(house.hear("@lilith", DM))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    second = asyncio.create_task(house.hear("I forgot to say", DM))
    house.thinker.hold["@lilith"].set()
    await asyncio.wait_for(asyncio.gather(first, second), TIMEOUT_SECONDS)
    assert house.questions == ["@lilith", "I forgot to say"]


async def test_a_message_from_before_the_mention_does_not_belong_to_the_conversation(house: House) -> None:
    before = house.message("hello everyone")
    house.clock.advance(seconds=5)
    await house.hear("@lilith")
    assert await house.dialogue.decider.addressee(before) is None
    house.clock.advance(hours=3)
    again = house.message("hello everyone")
    house.clock.advance(seconds=5)
    await house.hear("@lilith")
    assert await house.dialogue.decider.addressee(again) is None


async def test_another_personality_takes_the_conversation_over(house: House) -> None:
    await house.hear("@lilith")
    assert await house.hear("@baba") == "Baba"
    assert await house.hear("and you?") == "Baba"


async def test_a_conversation_stays_in_its_channel_and_its_thread(house: House) -> None:
    await house.hear("@lilith")
    assert await house.hear("hello", NSFW_TOO) is None
    thread = replace(NSFW, channel_id=42, parent_id=NSFW.channel_id)
    assert await house.hear("hello", thread) is None
    assert await house.hear("@baba", thread) == "Baba"
    assert await house.hear("hello", thread) == "Baba"
    assert await house.hear("hello") == "Lilith"


async def test_an_activated_channel_goes_before_a_conversation_and_a_mention_before_both(house: House) -> None:
    await house.store.write(activations.put(Activation(NSFW.channel_id, "baba", OWNER, house.clock())))
    assert await house.hear("@lilith") == "Lilith"
    assert await house.hear("hello") == "Baba"


async def test_a_removed_personality_ends_its_conversations(house: House) -> None:
    await house.hear("@lilith")
    await house.store.write(*personalities.remove("lilith", OWNER, house.clock(), OWNER))
    assert await house.hear("hello") is None


async def test_a_conversation_that_was_reset_is_over(house: House) -> None:
    await house.hear("@lilith")
    await house.store.write(conversations.delete(NSFW.channel_id, USER))
    assert await house.hear("hello") is None


async def test_in_a_conversation_a_refusal_is_told_once_in_a_while(house: House) -> None:
    await house.hear("@lilith")
    await house.store.write(logins.delete(USER))
    with pytest.raises(NotAllowedError):
        await house.hear("hello")
    assert await house.hear("hello again") is None
    with pytest.raises(NotAllowedError):
        await house.hear("@lilith")


async def test_a_stranger_in_direct_messages_is_told_what_to_do_first_once_in_a_while(
    house: House, cipher: Cipher
) -> None:
    stranger, now = 77, house.clock()
    with pytest.raises(NotAllowedError, match=r"`!tz auth start`.*`!tz verify`"):
        await house.hear("hello?", DM, stranger)
    assert await house.hear("anyone?", DM, stranger) is None
    await house.store.write(logins.put(Login(stranger, Secret("t"), now), cipher))
    with pytest.raises(NotAllowedError) as verifying:
        await house.hear("and now?", DM, stranger)
    assert "auth start" not in str(verifying.value)
    await house.store.write(verifications.put(Verification(stranger, is_verified=True, recorded_at=now)))
    with pytest.raises(NotFoundError, match=r"`@`.*`!tz list`.*`!tz help`"):
        await house.hear("and now?", DM, stranger)
    assert await house.hear("hm", DM, stranger) is None
    house.clock.advance(minutes=10)
    with pytest.raises(NotFoundError):
        await house.hear("hm", DM, stranger)


async def test_nobody_gets_a_hint_who_is_banned_or_only_talks_in_a_server(house: House) -> None:
    assert await house.hear("hello everyone") is None
    await house.store.write(blacklist.put(Ban(USER, OWNER, house.clock())))
    assert await house.hear("hello?", DM) is None
    assert await house.hear("<@1>", pings_bot=True) is None


async def test_who_only_names_the_bot_is_told_how_to_talk_once_in_a_while(house: House) -> None:
    with pytest.raises(NotFoundError, match="To talk to a personality"):
        await house.hear("<@1>", pings_bot=True)
    assert await house.hear("<@1>", pings_bot=True) is None


async def test_a_message_that_names_a_personality_only_after_a_change_is_answered_as_it_reads_then(
    house: House,
) -> None:
    message = house.message("lilith, are you there?", author_id=OTHER)
    await house.dialogue.hear(message)
    house.clock.advance(seconds=59.999)
    assert await house.edit(message, "@lilith, are you there?") == "Lilith"
    assert await house.edit(message, "@lilith, are you really there?") is None
    assert house.questions == ["@lilith, are you there?"]


async def test_after_a_minute_a_change_comes_too_late(house: House) -> None:
    message = house.message("lilith?")
    house.clock.advance(minutes=1)
    assert await house.edit(message, "@lilith?") is None


async def test_a_change_that_names_nobody_is_no_reason_to_answer(house: House) -> None:
    message = house.message("hello")
    await house.dialogue.hear(message)
    await house.store.write(activations.put(Activation(NSFW.channel_id, "baba", OWNER, house.clock())))
    assert await house.edit(message, "hello everyone") is None
    assert await house.edit(house.message("hello", DM), "hello?") is None


async def test_a_message_that_is_being_answered_or_could_not_be_is_left_alone_when_it_changes(house: House) -> None:
    house.thinker.hold["@lilith"] = asyncio.Event()
    message = house.message("@lilith")
    running = asyncio.create_task(house.dialogue.hear(message))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    changing = asyncio.create_task(house.edit(message, "@baba"))
    house.thinker.hold["@lilith"].set()
    await asyncio.wait_for(asyncio.gather(running, changing), TIMEOUT_SECONDS)
    assert house.questions == ["@lilith"]

    def fail(_: object) -> str:
        raise UnavailableError("Down.")

    house.thinker.answer_with = fail
    failing = house.message("@lilith")
    with pytest.raises(UnavailableError):
        await house.dialogue.hear(failing)
    assert await house.edit(failing, "@baba") is None


async def test_a_change_that_comes_while_the_message_waits_in_line_is_answered_in_its_turn(house: House) -> None:
    house.thinker.hold["@lilith"] = asyncio.Event()
    first = asyncio.create_task(house.hear("@lilith", author_id=OTHER))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    message = house.message("you there", author_id=OTHER, replied_to_id=555)  # which may become the answer to someone
    waiting = asyncio.create_task(house.dialogue.hear(message))
    await asyncio.sleep(0)
    changed = [asyncio.create_task(house.edit(message, text)) for text in ("you, @nobody", "you, @baba", "@lilith!")]
    later = asyncio.create_task(house.hear("@lilith later", author_id=OTHER))
    house.thinker.hold["@lilith"].set()
    await asyncio.wait_for(asyncio.gather(first, waiting, *changed, later), TIMEOUT_SECONDS)
    assert house.questions == ["@lilith", "you, @baba", "@lilith later"]


async def test_while_a_change_waits_the_mark_stays_before_its_message(house: House) -> None:
    message = house.message("you there", author_id=OTHER, replied_to_id=555)
    house.clock.advance(seconds=1)
    house.thinker.hold["@lilith"] = asyncio.Event()
    first = asyncio.create_task(house.hear("@lilith", author_id=OTHER))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    tasks = [asyncio.create_task(house.dialogue.hear(message)), asyncio.create_task(house.edit(message, "@baba"))]
    await asyncio.sleep(0)
    house.clock.advance(seconds=1)
    await house.dialogue.hear(house.message("nobody is meant", author_id=OTHER))
    assert house.dialogue.watermark.message_id == message.message_id - 1
    await house.dialogue.close(0.01)
    await asyncio.gather(first, *tasks, return_exceptions=True)
    assert house.dialogue.watermark.message_id == message.message_id - 1


async def test_a_refusal_is_not_told_again_with_each_change(house: House) -> None:
    message = house.message("@lilith", author_id=77)
    with pytest.raises(NotAllowedError):
        await house.dialogue.hear(message)
    assert await house.edit(message, "@lilith!") is None


async def test_where_the_bot_may_not_write_only_who_called_someone_is_told_and_once(house: House) -> None:
    await house.store.write(activations.put(Activation(NSFW.channel_id, "baba", OWNER, house.clock())))
    assert await house.hear("hello", is_muted=True) is None
    with pytest.raises(NotAllowedError, match=f"<#{NSFW.channel_id}>"):
        await house.hear("@lilith", is_muted=True)
    assert await house.hear("@lilith", is_muted=True) is None
    with pytest.raises(NotAllowedError):
        await house.hear("@lilith", is_muted=True, author_id=OTHER)
    assert house.questions == []


async def test_where_it_may_not_speak_the_ai_is_not_asked_and_an_activated_channel_hears_of_it_once(
    house: House,
) -> None:
    house.speaker.unprepared = NotAllowedError("No webhooks here.")
    await house.store.write(activations.put(Activation(NSFW.channel_id, "baba", OWNER, house.clock())))
    with pytest.raises(NotAllowedError):
        await house.hear("hello")
    assert await house.hear("hello") is None
    for _ in range(2):
        with pytest.raises(NotAllowedError):
            await house.hear("@lilith")
    assert house.questions == []
    assert {row["state"] for row in await rows(house.store, "SELECT state FROM turns")} == {"failed"}


async def test_a_reply_to_a_removed_one_falls_through_to_the_next_reason(house: House) -> None:
    lilith = await house.store.first(personalities.get("lilith"))
    assert lilith is not None
    await house.hear("@lilith")
    spoken = house.speaker.ids[-1]
    await house.store.write(*personalities.remove("lilith", OWNER, house.clock(), OWNER))
    with pytest.raises(NotFoundError, match="Lilith has been removed"):
        await house.hear("and?", replied_to_id=spoken)
    assert await house.hear("@baba and you?", replied_to_id=spoken) == "Baba"
    assert await house.hear("and?", replied_to_id=spoken) == "Baba"
