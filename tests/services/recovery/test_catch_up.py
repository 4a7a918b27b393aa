"""Messages that came while nobody listened: which channels are read, from where on, and what becomes of each."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import NotAllowedError, UnavailableError
from bot.model import (
    Activation,
    Ban,
    Heard,
    Login,
    Mapping,
    Personality,
    Place,
    Recovered,
    Secret,
    snowflake_of,
    snowflake_time,
)
from bot.services.dialogue.dialogue import Dialogue
from bot.services.ports import Told
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.services.recovery.recovery import Recovery
from bot.store import activations, blacklist, logins, marks, messages, personalities
from bot.store.cipher import Cipher
from bot.store.statement import Statement, Store
from tests.services.conftest import (
    NSFW,
    NSFW_TOO,
    OTHER,
    OWNER,
    TIMEOUT_SECONDS,
    USER,
    Clock,
    FakeHerald,
    FakeHistory,
    FakeSpeaker,
    FakeThinker,
    go_through,
    heard,
    rows,
)


@dataclass
class House:
    """Lilith answers everything in two channels; everything before `mark`, a minute ago, was seen."""

    recovery: Recovery
    history: FakeHistory
    speaker: FakeSpeaker
    thinker: FakeThinker
    herald: FakeHerald
    clock: Clock
    told: list[Recovered] = field(default_factory=list)

    @property
    def dialogue(self) -> Dialogue:
        return self.recovery.dialogue

    @property
    def store(self) -> Store:
        return self.dialogue.store

    def ago(self, seconds: float) -> int:
        return snowflake_of(self.clock() - timedelta(seconds=seconds))

    def missed(self, seconds_ago: float, content: str = "hello", place: Place = NSFW, **more: Any) -> Heard:
        message = heard(self.ago(seconds_ago), content, place, **more)
        self.history.messages[message.message_id] = message
        return message

    async def start(self) -> Recovered:
        await self.recovery.watermark.load()
        return await go_through(self.recovery.channels, self.recovery.watermark)

    async def running(self) -> "asyncio.Task[None]":
        await self.recovery.watermark.load()
        await self.recovery.begin()
        self.recovery.go_on()
        return asyncio.create_task(self.recovery.run())

    async def until_told(self) -> Recovered:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not self.told:  # noqa: ASYNC110 - a list has no event
                await asyncio.sleep(0.005)
        return self.told[0]

    @property
    def texts(self) -> list[str]:
        return self.speaker.texts


@pytest.fixture
async def house(  # noqa: PLR0917 - fixtures are passed by pytest
    new_dialogue: Dialogue,
    cipher: Cipher,
    speaker: FakeSpeaker,
    thinker: FakeThinker,
    history: FakeHistory,
    clock: Clock,
) -> AsyncIterator[House]:
    herald, told = FakeHerald(), list[Recovered]()

    async def on_recovered(recovered: Recovered) -> None:
        told.append(recovered)

    new_dialogue.decider.policy = replace(new_dialogue.policy, send_retry=timedelta(milliseconds=5))
    channels = ChannelRecovery(dialogue=new_dialogue, history=history, herald=herald)
    recovery = Recovery(channels=channels, watermark=new_dialogue.watermark, on_recovered=on_recovered)
    made = House(recovery, history, speaker, thinker, herald, clock, told)
    await made.store.write(
        personalities.put(Personality("lilith-tzel-shani", "Lilith", OWNER, clock())),
        logins.put(Login(USER, Secret("invented-token"), clock()), cipher),
        *(
            activations.put(Activation(place.channel_id, "lilith-tzel-shani", OWNER, clock()))
            for place in (NSFW, NSFW_TOO)
        ),
        marks.put(made.ago(60), clock()),
    )
    yield made
    await new_dialogue.close(1)


async def test_missed_messages_are_answered_in_order_as_if_they_came_now(house: House) -> None:
    house.missed(30, "one")
    house.missed(20, "two")
    house.missed(10, "elsewhere", NSFW_TOO)
    assert await house.start() == Recovered(answered=3)
    assert [text for text in house.texts if text != "echo elsewhere"] == ["echo one", "echo two"]
    assert (await house.start()).missed == 0
    assert len(house.thinker.questions) == 3


async def test_without_a_mark_nothing_is_read_and_the_mark_begins_now(house: House) -> None:
    await house.store.write(*[replace(marks.put(0, house.clock()), sql="DELETE FROM gateway_marks", parameters={})])
    house.missed(30)
    assert (await house.start()).missed == 0
    assert house.history.read == []
    assert house.recovery.watermark.message_id == house.ago(0)


@pytest.mark.parametrize(("mark", "since"), [(60, 125), (3600, 900)])
async def test_reading_begins_as_long_before_the_mark_as_changes_count_and_never_before_the_limit(
    house: House, mark: int, since: int
) -> None:
    await house.store.write(marks.put(house.ago(mark), house.clock()))
    await house.start()
    assert sorted(house.history.read) == [(NSFW.channel_id, house.ago(since)), (NSFW_TOO.channel_id, house.ago(since))]


def spoke(house: House, channel_id: int) -> Statement:
    """A personality has just said something there."""
    return messages.put(Mapping(snowflake_of(house.clock()) + channel_id, USER, channel_id, personality_id=1))


async def test_a_channel_is_read_while_its_conversation_is_young_and_so_are_its_threads(house: House) -> None:
    await house.store.write(spoke(house, 81), spoke(house, 82))
    house.clock.advance(hours=23)
    await house.store.write(spoke(house, 83))
    house.history.threads = {83: [84], 81: [81]}
    await house.start()
    assert {81, 82, 83, 84} < {channel_id for channel_id, _ in house.history.read}
    house.history.read.clear()
    house.clock.advance(hours=2)
    await house.start()
    read = [channel_id for channel_id, _ in house.history.read]
    assert sorted(read) == sorted([83, 84, NSFW.channel_id, NSFW_TOO.channel_id])


async def test_only_so_many_channels_are_read_at_once(house: House) -> None:
    house.history.hold = asyncio.Event()
    await house.store.write(*(spoke(house, 100 + number) for number in range(10)))
    starting = asyncio.create_task(house.start())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not house.history.read_at_once:  # noqa: ASYNC110 - a number has no event
            await asyncio.sleep(0.005)
    house.history.hold.set()
    await asyncio.wait_for(starting, TIMEOUT_SECONDS)
    assert house.history.read_at_once == 4
    assert len(house.history.read) == 12


async def test_what_is_not_for_a_personality_or_not_wanted_is_no_missed_message(house: House) -> None:
    await house.store.write(
        blacklist.put(Ban(user_id=OTHER, reason="spam", blacklisted_by=OWNER, blacklisted_at=house.clock()))
    )
    house.missed(30, "hello", author_id=OTHER)
    house.missed(20, "   ")
    await house.store.write(spoke(house, 81))
    house.missed(10, "nobody is meant", replace(NSFW, channel_id=81))
    assert (await house.start()).missed == 0
    assert house.herald.told == []


async def test_a_refusal_is_told_and_counted_only_for_what_was_surely_not_heard_before(house: House) -> None:
    house.missed(63, "@lilith-tzel-shani hello", author_id=OTHER)
    new = house.missed(30, "@lilith-tzel-shani hello?", author_id=OTHER)
    assert await house.start() == Recovered(skipped={"NotAllowedError": 1})
    assert house.herald.told == [(new.message_id, "NotAllowedError")]


async def test_whoever_had_a_word_from_the_bot_gets_no_second_one(house: House) -> None:
    for message in (house.missed(30), house.missed(20, author_id=OTHER)):
        house.history.told.setdefault(NSFW.channel_id, []).append(Told(house.ago(5), message.message_id))
    assert (await house.start()).missed == 0
    assert (house.texts, house.herald.told) == ([], [])


async def test_a_failing_ai_is_told_and_not_asked_again(house: House) -> None:
    def fail(_: object) -> str:
        raise UnavailableError("The AI is down.")

    house.thinker.answer_with = fail
    message = house.missed(30)
    assert await house.start() == Recovered(skipped={"UnavailableError": 1})
    assert house.herald.told == [(message.message_id, "UnavailableError")]
    assert (await house.start()).missed == 0
    assert len(house.thinker.questions) == 1


async def test_what_becomes_too_old_while_it_waits_is_skipped(house: House) -> None:
    def slow(question: Any) -> str:
        house.clock.advance(minutes=16)
        return "yes"

    house.thinker.answer_with = slow
    house.missed(30, "one")
    house.missed(20, "two")
    assert await house.start() == Recovered(answered=1, skipped={"TooOld": 1})


async def test_what_was_too_old_before_the_gap_is_given_up_and_not_called_missed(house: House) -> None:
    house.speaker.fail[1] = UnavailableError("Discord is down.")
    with pytest.raises(UnavailableError):
        await house.dialogue.hear(heard(house.ago(0), "hello"))
    house.clock.advance(hours=1)
    await house.dialogue.hear(heard(house.ago(0), "hello again"))
    await house.recovery.watermark.write()
    assert (await house.start()).missed == 0
    assert await rows(house.store, "SELECT state, failure FROM turns ORDER BY message_id") == [
        {"state": "failed", "failure": "TooOld"},
        {"state": "done", "failure": None},
    ]


async def test_what_was_deleted_meanwhile_is_skipped(house: House) -> None:
    message = house.missed(30)
    house.dialogue.forget([message.message_id])
    assert await house.start() == Recovered(skipped={"Deleted": 1})
    assert house.thinker.questions == []


async def test_new_messages_wait_behind_missed_ones_and_one_that_is_both_is_answered_once(house: House) -> None:
    house.missed(30, "one")
    both = house.missed(20, "two")
    house.history.hold = asyncio.Event()
    starting = asyncio.create_task(house.start())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not house.history.read:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    live = [asyncio.create_task(house.dialogue.hear(message)) for message in (both, heard(house.ago(1), "three"))]
    await asyncio.sleep(0)
    house.history.hold.set()
    await asyncio.wait_for(asyncio.gather(starting, *live), TIMEOUT_SECONDS)
    assert house.texts == ["echo one", "echo two", "echo three"]


async def test_the_mark_waits_for_the_end_of_the_gap(house: House) -> None:
    house.missed(30)
    house.thinker.hold["hello"] = asyncio.Event()
    running = await house.running()
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    talk = replace(NSFW, channel_id=99)
    await house.dialogue.hear(heard(house.ago(0), "new", talk))
    assert house.recovery.watermark.message_id == house.ago(60)
    house.thinker.hold["hello"].set()
    assert await house.until_told() == Recovered(answered=1)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while house.recovery.watermark.message_id != house.ago(0):  # noqa: ASYNC110 - a number has no event
            await asyncio.sleep(0.005)
    running.cancel()


async def test_the_mark_waits_already_while_discord_is_not_there_yet(house: House) -> None:
    house.missed(30)
    await house.recovery.watermark.load()
    await house.recovery.begin()
    await house.dialogue.hear(heard(house.ago(0), "new", replace(NSFW, channel_id=99)))
    await house.recovery.watermark.write()
    assert await house.store.first(marks.get()) == house.ago(60)


async def test_only_the_channel_that_failed_is_gone_through_again(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.missed(30, "one")
    house.missed(20, "two", NSFW_TOO)
    house.history.broken[NSFW.channel_id] = [ValueError("a text"), UnavailableError("Discord is down.")]
    running = await house.running()
    assert await house.until_told() == Recovered(answered=1)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(house.texts) < 2:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    running.cancel()
    assert house.texts == ["echo two", "echo one"]
    read = [channel_id for channel_id, _ in house.history.read]
    assert (read.count(NSFW.channel_id), read.count(NSFW_TOO.channel_id)) == (3, 1)
    assert "ValueError" in caplog.text
    assert "a text" not in caplog.text


async def test_a_channel_that_can_not_be_read_is_tried_again_and_the_start_is_told_of_once(house: House) -> None:
    house.missed(30)
    house.history.fail = UnavailableError("Discord is down.")
    running = await house.running()
    assert (await house.until_told()).missed == 0
    house.history.fail = None
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not house.texts:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    assert len(house.told) == 1
    running.cancel()


async def test_a_further_session_catches_up_from_the_last_message_seen(house: House) -> None:
    running = await house.running()
    await house.until_told()
    house.clock.advance(minutes=5)
    await house.dialogue.hear(heard(house.ago(0), "seen"))
    house.clock.advance(seconds=60)
    house.missed(30, "missed")
    house.history.read.clear()
    await house.recovery.begin()
    await house.dialogue.hear(heard(house.ago(0), "elsewhere", replace(NSFW, channel_id=99)))
    house.recovery.go_on()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(house.texts) < 2:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    assert house.texts == ["echo seen", "echo missed"]
    assert (NSFW.channel_id, house.ago(125)) in house.history.read
    assert len(house.told) == 1
    running.cancel()


async def test_a_further_session_reads_a_channel_whose_first_answer_is_under_way(house: House) -> None:
    running = await house.running()
    await house.until_told()
    place, call = replace(NSFW, channel_id=99), "@lilith-tzel-shani"
    house.thinker.hold[f"{call} one"] = asyncio.Event()
    first = asyncio.create_task(house.dialogue.hear(heard(house.ago(1), f"{call} one", place)))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    await house.recovery.begin()
    house.missed(0.5, f"{call} two", place)
    house.recovery.go_on()
    house.thinker.hold[f"{call} one"].set()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(house.texts) < 2:  # noqa: ASYNC110 - a list has no event
            await asyncio.sleep(0.005)
    assert house.texts == [f"echo {call} one", f"echo {call} two"]
    await first
    running.cancel()


async def test_a_session_that_ends_before_it_was_ready_leaves_its_gap_to_the_next(house: House) -> None:
    await house.recovery.watermark.load()
    await house.recovery.begin()
    with house.recovery.watermark.deciding(house.ago(0)):
        pass
    house.missed(30)
    await house.recovery.begin()
    house.recovery.go_on()
    running = asyncio.create_task(house.recovery.run())
    assert await house.until_told() == Recovered(answered=1)
    running.cancel()


async def test_a_missed_message_is_answered_before_a_later_one_whose_turn_was_begun(house: House) -> None:
    house.thinker.hold["two"] = asyncio.Event()
    begun = asyncio.create_task(house.dialogue.hear(house.missed(20, "two")))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    begun.cancel()
    await asyncio.wait({begun})
    house.thinker.hold.clear()
    house.missed(30, "one")
    assert await house.start() == Recovered(answered=2)
    assert house.texts == ["echo one", "echo two"]


async def test_a_turn_that_the_gap_before_is_finishing_is_not_begun_again(house: House) -> None:
    message = house.missed(30)
    house.thinker.hold["hello"] = asyncio.Event()
    first = asyncio.create_task(house.dialogue.hear(message))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    first.cancel()
    await asyncio.wait({first})
    house.thinker.reached.clear()
    finishing = asyncio.create_task(house.start())
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    again = asyncio.create_task(house.start())
    await asyncio.sleep(0.01)
    house.thinker.hold["hello"].set()
    await asyncio.wait_for(asyncio.gather(finishing, again), TIMEOUT_SECONDS)
    assert house.texts == ["echo hello"]
    assert len(house.thinker.questions) == 2


async def test_an_answer_of_unknown_text_is_adopted_for_a_pending_turn_and_for_one_that_no_row_knows(
    house: House,
) -> None:
    house.missed(30, "one")
    house.history.say(house.ago(28), "of course")
    house.missed(20, "two")
    house.history.say(house.ago(18), "certainly")
    last = house.missed(10, "three")
    assert await house.start() == Recovered(answered=1, adopted=2)
    assert house.texts == ["echo three"]
    found = await rows(house.store, "SELECT state FROM turns")
    assert [row["state"] for row in found] == ["done"] * 3
    assert (await house.start()).missed == 0
    assert snowflake_time(last.message_id) < house.clock()


async def test_what_the_original_answered_while_it_served_in_between_is_not_answered_again(house: House) -> None:
    house.missed(30, "one")
    said = house.ago(28)
    house.history.say(said, "of course")
    await house.store.write(messages.put(Mapping(said, USER, NSFW.channel_id, 1, sent_at=house.clock())))
    house.missed(10, "two")
    assert await house.start() == Recovered(answered=1, adopted=1)
    assert house.texts == ["echo two"]


async def test_what_may_not_be_said_any_more_is_still_adopted(house: House) -> None:
    house.missed(30)
    house.history.say(house.ago(28), "of course")
    await house.store.write(logins.delete(USER))
    assert await house.start() == Recovered(adopted=1)
    assert (house.herald.told, house.thinker.questions) == ([], [])


async def test_where_it_may_not_speak_any_more_the_turn_has_failed_and_its_author_knows(house: House) -> None:
    house.speaker.fail[1] = NotAllowedError("No webhooks here.")
    message = house.missed(30)
    assert await house.start() == Recovered(skipped={"NotAllowedError": 1})
    assert house.herald.told == [(message.message_id, "NotAllowedError")]
    assert (await house.start()).missed == 0


async def test_of_what_was_seen_before_the_gap_only_a_change_in_time_that_names_someone_is_answered(
    house: House,
) -> None:
    def edited(seconds_ago: float, content: str, edited_ago: float) -> None:
        edited_at = house.clock() - timedelta(seconds=edited_ago)
        house.missed(seconds_ago, content, edited_at=edited_at)

    edited(100, "@lilith-tzel-shani in time", 50)
    edited(101, "@lilith-tzel-shani too late", 41)
    edited(102, "@lilith-tzel-shani before the gap", 70)
    edited(103, "nobody", 50)
    house.missed(104, "@lilith-tzel-shani never changed")
    assert await house.start() == Recovered(answered=1)
    assert house.texts == ["echo @lilith-tzel-shani in time"]
    assert (await house.start()).missed == 0
