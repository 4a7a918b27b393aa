"""Automatic answers on and off, and conversations that are over stay over."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import NotFoundError
from bot.model import Alias, Personality, snowflake_of
from bot.services.dialogue.dialogue import Dialogue
from bot.services.operation.upkeep import Upkeep
from bot.services.people.conversations import Conversations
from bot.services.policy import Policy
from bot.store import aliases, personalities, preferences
from bot.store.driver import SQLiteStore
from tests.services.conftest import MEMBER, NSFW, NSFW_TOO, OTHER, USER, Clock, FakeThinker, heard, rows

OLD = 500


@pytest.fixture
def conversations(store: SQLiteStore, policy: Policy, clock: Clock) -> Conversations:
    return Conversations(store=store, policy=policy, clock=clock)


@pytest.fixture
async def dialogue(new_dialogue: Dialogue, store: SQLiteStore, clock: Clock, open_policy: Policy) -> Dialogue:
    """Two personalities, and nobody needs a login."""
    new_dialogue.decider = replace(new_dialogue.decider, policy=open_policy)
    for name in ("lilith", "gardener"):
        await store.write(personalities.put(Personality(name, name.title(), USER, clock())))
    await store.write(aliases.put(Alias("lil", "lilith", USER, clock())))
    return new_dialogue


async def talks(store: SQLiteStore) -> list[tuple[int, int, str]]:
    found = await rows(store, "SELECT channel_id, user_id, personality_name FROM conversations ORDER BY 1, 2")
    return [(row["channel_id"], row["user_id"], row["personality_name"]) for row in found]


async def test_automatic_answers_are_off_until_they_are_turned_on_and_that_is_new_once(
    conversations: Conversations, store: SQLiteStore
) -> None:
    assert not await conversations.goes_on(MEMBER)
    assert not await conversations.turn_off(MEMBER)
    assert await conversations.turn_on(MEMBER)
    assert not await conversations.turn_on(MEMBER)
    assert await conversations.goes_on(MEMBER)
    assert await store.fetch(preferences.has_auto_response(OTHER)) == []
    assert await conversations.turn_off(MEMBER)
    assert not await conversations.goes_on(MEMBER)


async def test_a_reset_ends_the_conversation_of_this_user_in_this_channel_only(
    conversations: Conversations, dialogue: Dialogue, store: SQLiteStore
) -> None:
    await dialogue.hear(heard(OLD, "@lil hello"))
    await dialogue.hear(heard(OLD + 1, "@lil hello", NSFW_TOO))
    await dialogue.hear(heard(OLD + 2, "@lil hello", author_id=OTHER))
    assert await conversations.reset(MEMBER, NSFW, None, OLD + 3) == "lilith"
    assert await talks(store) == [(NSFW.channel_id, OTHER, "lilith"), (NSFW_TOO.channel_id, USER, "lilith")]
    assert await conversations.reset(MEMBER, NSFW, None, OLD + 4) is None


async def test_with_a_name_only_the_conversation_with_that_personality_ends(
    conversations: Conversations, dialogue: Dialogue, store: SQLiteStore
) -> None:
    await dialogue.hear(heard(OLD, "@lil hello"))
    assert await conversations.reset(MEMBER, NSFW, "gardener", OLD + 1) is None
    assert await talks(store) == [(NSFW.channel_id, USER, "lilith")]
    assert await conversations.reset(MEMBER, NSFW, "LIL", OLD + 2) == "lilith"
    assert await talks(store) == []
    with pytest.raises(NotFoundError):
        await conversations.reset(MEMBER, NSFW, "nobody", OLD + 3)


@pytest.mark.parametrize("name", [None, "lil"])
async def test_an_answer_that_was_on_its_way_does_not_begin_the_conversation_again(
    conversations: Conversations, dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker, name: str | None
) -> None:
    thinker.hold["@lil slow"] = asyncio.Event()
    answering = asyncio.create_task(dialogue.hear(heard(OLD, "@lil slow")))
    await thinker.reached.wait()
    assert await conversations.reset(MEMBER, NSFW, name, OLD + 1) is None
    thinker.hold["@lil slow"].set()
    await answering
    assert [row["state"] for row in await rows(store, "SELECT state FROM turns")] == ["done"]
    assert await talks(store) == []
    await dialogue.hear(heard(OLD + 2, "@lil again"))
    assert await talks(store) == [(NSFW.channel_id, USER, "lilith")]


async def test_an_answer_of_somebody_else_on_its_way_is_not_meant(
    conversations: Conversations, dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker
) -> None:
    thinker.hold["@gardener slow"] = asyncio.Event()
    answering = asyncio.create_task(dialogue.hear(heard(OLD, "@gardener slow")))
    await thinker.reached.wait()
    await conversations.reset(MEMBER, NSFW, "lil", OLD + 1)
    thinker.hold["@gardener slow"].set()
    await answering
    assert await talks(store) == [(NSFW.channel_id, USER, "gardener")]


async def test_what_keeps_a_conversation_ended_goes_when_no_turn_could_begin_it_again(
    conversations: Conversations, store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    await conversations.reset(MEMBER, NSFW, None, snowflake_of(clock()))
    await conversations.reset(MEMBER, NSFW_TOO, None, snowflake_of(clock() + timedelta(days=1)))
    clock.advance(days=30, seconds=1)
    upkeep = Upkeep(store=store, policy=policy, interval_seconds=1, clock=clock)
    assert await upkeep.forget_old_resets() == 1
    left = await rows(store, "SELECT channel_id FROM conversation_resets")
    assert [row["channel_id"] for row in left] == [NSFW_TOO.channel_id]
