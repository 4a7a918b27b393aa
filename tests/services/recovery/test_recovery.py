"""A start after a death at each point of a turn: what is said, what is asked, and what the rows tell in the end."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.errors import NotAllowedError, UnavailableError
from bot.model import Ban, Cause, Mapping, Place, Recovered, Secret, Turn, TurnState
from bot.services.dialogue.dialogue import Dialogue
from bot.services.recovery.channel_recovery import ChannelRecovery
from bot.store import blacklist, logins, messages, personalities, turns
from bot.store.cipher import Cipher
from bot.store.statement import Statement, Store
from tests.services.conftest import (
    GUILD,
    NSFW,
    NSFW_TOO,
    OWNER,
    TIMEOUT_SECONDS,
    USER,
    Clock,
    FakeConfirmer,
    FakeHerald,
    FakeHistory,
    FakeSpeaker,
    FakeThinker,
    answered_for_another,
    go_through,
    heard,
    lilith_and_her_user,
    rows,
)

PARTS = ("a" * 1500, "b" * 1500, "c" * 1500)
LONG = "\n\n".join(PARTS)


@dataclass
class House:
    """Lilith, who is known to a logged-in user, and what a process before this one left behind."""

    channels: ChannelRecovery
    history: FakeHistory
    speaker: FakeSpeaker
    thinker: FakeThinker
    clock: Clock
    confirmer: FakeConfirmer
    herald: FakeHerald

    @property
    def dialogue(self) -> Dialogue:
        return self.channels.dialogue

    @property
    def store(self) -> Store:
        return self.dialogue.store

    async def left(self, message_id: int, place: Place = NSFW, answer: str | None = None, *, chunks: int = 0) -> None:
        """A turn as it stands after a death: `chunks` of its answer are noted, as the messages 501, 502, …"""
        self.history.messages[message_id] = heard(message_id, f"@lilith {message_id}", place)
        turn = Turn(message_id, place.channel_id, USER, 1, Cause.MENTION, TurnState.PENDING, self.clock(), self.clock())
        statements: list[Statement] = [turns.add(replace(turn, guild_id=GUILD))]
        if answer is not None:
            statements.append(turns.answer(message_id, answer, 3, self.clock()))
        for position in range(chunks):
            statements.append(turns.add_chunk(message_id, position, 501 + position))
            statements.append(messages.put(Mapping(501 + position, USER, place.channel_id, 1)))
            self.history.say(501 + position, PARTS[position], place=place)
        await self.store.write(*statements)

    async def start(self) -> Recovered:
        return await go_through(self.channels, self.dialogue.watermark)

    async def states(self) -> list[tuple[str, str | None]]:
        found = await rows(self.store, "SELECT state, failure FROM turns ORDER BY message_id")
        return [(row["state"], row["failure"]) for row in found]

    async def noted(self) -> list[int]:
        found = await rows(self.store, "SELECT message_id FROM turn_chunks ORDER BY turn_id, position")
        return [row["message_id"] for row in found]

    async def mapped(self) -> list[int]:
        return [row["message_id"] for row in await rows(self.store, "SELECT message_id FROM message_mappings")]

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
    confirmer: FakeConfirmer,
    clock: Clock,
) -> AsyncIterator[House]:
    store = new_dialogue.store
    await store.write(
        *lilith_and_her_user(cipher, clock()),
    )
    herald = FakeHerald()
    channels = ChannelRecovery(dialogue=new_dialogue, history=history, herald=herald)
    yield House(channels, history, speaker, thinker, clock, confirmer, herald)
    await new_dialogue.close(1)


async def test_a_turn_whose_answer_is_not_there_is_asked_and_answered(house: House) -> None:
    await house.left(1)
    await house.start()
    assert house.texts == ["echo @lilith 1"]
    assert await house.states() == [("done", None)]
    assert await house.noted() == await house.mapped() == house.speaker.ids
    assert house.thinker.questions[0].user_token == Secret("invented-token")
    (talk,) = await rows(house.store, "SELECT * FROM conversations")
    assert (talk["personality_name"], talk["message_count"]) == ("lilith-tzel-shani", 1)


@pytest.mark.parametrize("noted", [0, 1, 2])
@pytest.mark.parametrize("unnoted", [0, 1])
async def test_a_stored_answer_is_said_from_where_it_broke_off_and_never_asked_for_again(
    house: House, noted: int, unnoted: int
) -> None:
    await house.left(1, answer=LONG, chunks=noted)
    if unnoted:
        house.history.say(599, PARTS[noted])
    await house.start()
    assert house.thinker.questions == []
    assert house.texts == list(PARTS[noted + unnoted :])
    assert await house.states() == [("done", None)]
    expected = [501 + n for n in range(noted)] + [599] * unnoted + house.speaker.ids
    assert await house.noted() == await house.mapped() == expected
    assert len(await rows(house.store, "SELECT * FROM conversations")) == 1


async def test_the_same_words_in_an_earlier_answer_are_not_taken_for_this_one(house: House) -> None:
    await house.left(1, answer="yes")
    await house.store.write(*answered_for_another(501, house.clock()))
    house.history.say(501, "yes")
    await house.start()
    assert house.texts == ["yes"]


async def test_two_turns_with_the_same_answer_each_get_one_message(house: House) -> None:
    await house.left(1, answer="yes")
    await house.left(2, answer="yes")
    house.history.say(501, "yes")
    await house.start()
    assert house.texts == ["yes"]
    assert await house.noted() == [501, *house.speaker.ids]


@pytest.mark.parametrize("answer", [None, LONG])
async def test_a_message_that_was_deleted_is_not_answered(house: House, answer: str | None) -> None:
    await house.left(1, answer=answer)
    house.history.messages.clear()
    await house.start()
    assert (house.texts, house.thinker.questions) == ([], [])
    assert await house.states() == [("failed", "Deleted")]


@pytest.mark.parametrize("answer", [None, LONG])
async def test_nothing_is_said_late(house: House, answer: str | None) -> None:
    await house.left(1, answer=answer)
    house.clock.advance(minutes=15)
    await house.start()
    assert (house.texts, house.thinker.questions) == ([], [])
    assert await house.states() == [("failed", "TooOld")]


async def test_who_was_blacklisted_meanwhile_is_not_answered(house: House) -> None:
    await house.left(1)
    await house.left(2, answer=LONG)
    await house.store.write(
        blacklist.put(Ban(user_id=USER, reason="spam", blacklisted_by=OWNER, blacklisted_at=house.clock()))
    )
    await house.start()
    assert house.texts == []
    assert await house.states() == [("failed", "Unwanted")] * 2


async def test_where_the_channel_is_open_to_all_ages_by_now_nothing_is_said(house: House) -> None:
    await house.left(1)
    await house.left(2, answer=LONG)
    for number in (1, 2):
        house.history.messages[number] = heard(number, "@lilith", replace(NSFW, is_nsfw=False))
    await house.start()
    assert (house.texts, house.thinker.questions) == ([], [])
    assert await house.states() == [("failed", "NotAllowedError")] * 2


async def test_without_a_login_nothing_is_asked_any_more_but_an_answer_is_said_to_its_end(house: House) -> None:
    await house.left(1)
    await house.left(2, answer=LONG, chunks=1)
    await house.store.write(logins.delete(USER))
    await house.start()
    assert house.thinker.questions == []
    assert house.texts == list(PARTS[1:])
    assert await house.states() == [("failed", "NotAllowedError"), ("done", None)]


async def test_a_removed_personality_says_nothing_more(house: House) -> None:
    await house.left(1, answer=LONG, chunks=1)
    await house.store.write(*personalities.remove("lilith-tzel-shani", OWNER, house.clock(), OWNER))
    await house.start()
    assert house.texts == []
    assert await house.states() == [("failed", "Unwanted")]


async def test_while_discord_does_not_let_it_read_the_turn_stays_for_the_next_start(house: House) -> None:
    await house.left(1)
    await house.left(2, NSFW_TOO, answer=LONG)
    house.history.fail = UnavailableError("Discord is down.")
    await house.start()
    assert await house.states() == [("pending", None), ("answered", None)]
    house.history.fail = None
    await house.start()
    assert sorted(house.texts) == sorted([*PARTS, "echo @lilith 1"])


async def test_while_discord_does_not_let_it_speak_the_answer_stays_for_the_next_start(house: House) -> None:
    await house.left(1)
    house.speaker.fail[1] = UnavailableError("Discord is down.")
    await house.start()
    assert await house.states() == [("answered", None)]
    await house.start()
    assert house.texts == ["echo @lilith 1"]
    assert len(house.thinker.questions) == 1


async def test_where_it_may_not_speak_any_more_the_turn_has_failed(house: House) -> None:
    await house.left(1, answer="yes")
    house.speaker.fail[1] = NotAllowedError("No webhooks here.")
    await house.start()
    assert await house.states() == [("failed", "NotAllowedError")]


async def test_when_the_ai_fails_again_the_turn_has_failed_and_the_next_goes_on(house: House) -> None:
    def answer(question: Any) -> str:
        if question.content.endswith("1"):
            raise UnavailableError("The AI is down.")
        return "yes"

    house.thinker.answer_with = answer
    await house.left(1)
    await house.left(2)
    await house.start()
    assert await house.states() == [("failed", "UnavailableError"), ("done", None)]
    assert house.texts == ["yes"]


async def test_new_messages_wait_behind_the_old_ones_of_their_channel_and_of_no_other(house: House) -> None:
    await house.left(1)
    await house.left(2, answer="echo @lilith 2")
    house.thinker.hold["@lilith 1"] = asyncio.Event()
    recovering = asyncio.create_task(house.start())
    await asyncio.sleep(0)
    new = asyncio.create_task(house.dialogue.hear(heard(3, "@lilith 3")))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    await asyncio.wait_for(house.dialogue.hear(heard(4, "@lilith 4", NSFW_TOO)), TIMEOUT_SECONDS)
    assert house.texts == ["echo @lilith 4"]
    house.thinker.hold["@lilith 1"].set()
    await asyncio.wait_for(asyncio.gather(recovering, new), TIMEOUT_SECONDS)
    assert house.texts[1:] == [f"echo @lilith {number}" for number in (1, 2, 3)]
    assert await house.states() == [("done", None)] * 4


async def test_turns_that_this_process_is_about_to_end_are_not_touched(house: House) -> None:
    house.thinker.hold["@lilith 1"] = asyncio.Event()
    live = asyncio.create_task(house.dialogue.hear(heard(1, "@lilith 1")))
    await asyncio.wait_for(house.thinker.reached.wait(), TIMEOUT_SECONDS)
    starting = asyncio.create_task(house.start())
    await asyncio.sleep(0)
    house.thinker.hold["@lilith 1"].set()
    await asyncio.wait_for(live, TIMEOUT_SECONDS)
    assert (await starting).missed == 0
    assert house.texts == ["echo @lilith 1"]
    assert len(house.thinker.questions) == 1


async def test_a_process_that_ends_meanwhile_leaves_the_turn_for_the_next(house: House) -> None:
    await house.left(1, answer=LONG)
    house.speaker.hold[2] = asyncio.Event()
    running = asyncio.create_task(house.start())
    await asyncio.wait_for(house.speaker.reached.wait(), TIMEOUT_SECONDS)
    running.cancel()
    await asyncio.wait({running}, timeout=TIMEOUT_SECONDS)
    assert await house.states() == [("answered", None)]
    await house.start()
    assert house.texts == list(PARTS)
