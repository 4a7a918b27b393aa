"""A turn: who answers, what is committed when, and what the rows say after a failure at each step."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.errors import NotAllowedError, NotFoundError, TzurotError, UnavailableError
from bot.model import Activation, Alias, Ban, Login, Mapping, Personality, Secret, Verification
from bot.services.dialogue.dialogue import Dialogue
from bot.services.policy import Policy
from bot.store import activations, aliases, blacklist, logins, messages, personalities, verifications
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import (
    DM,
    GUILD,
    NSFW,
    NSFW_TOO,
    OTHER,
    OWNER,
    SAFE,
    TIMEOUT_SECONDS,
    USER,
    Clock,
    FakeSpeaker,
    FakeThinker,
    heard,
    rows,
)


@pytest.fixture
async def dialogue(store: SQLiteStore, cipher: Cipher, clock: Clock, new_dialogue: Dialogue) -> AsyncIterator[Dialogue]:
    """Two personalities, a user who is logged in, and an activated channel."""
    lilith = Personality("lilith-tzel-shani", "Lilith", OWNER, clock(), avatar_url="https://a.example/l.png")
    await store.write(
        personalities.put(lilith),
        personalities.put(Personality("baba-yaga", "Баба Яга", OWNER, clock())),
        aliases.put(Alias("lilith", "lilith-tzel-shani", OWNER, clock())),
        aliases.put(Alias("баба яга", "baba-yaga", OWNER, clock())),
        logins.put(Login(USER, Secret("invented-token"), clock()), cipher),
        activations.put(Activation(NSFW_TOO.channel_id, "baba-yaga", OWNER, clock())),
    )
    yield new_dialogue
    await new_dialogue.close(1)


async def turn(store: SQLiteStore, message_id: int = 1) -> dict[str, Any]:
    (row,) = await rows(store, "SELECT * FROM turns WHERE message_id = :id", id=message_id)
    return row


async def chunks(store: SQLiteStore, message_id: int = 1) -> list[int]:
    found = await rows(store, "SELECT message_id FROM turn_chunks WHERE turn_id = :id ORDER BY position", id=message_id)
    return [row["message_id"] for row in found]


async def mapped(store: SQLiteStore) -> list[int]:
    return [row["message_id"] for row in await rows(store, "SELECT message_id FROM message_mappings ORDER BY 1")]


async def test_a_mention_is_answered_and_every_row_tells_so(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker, thinker: FakeThinker
) -> None:
    await dialogue.hear(heard(1, "Hello @Lilith, how are you?"))
    assert speaker.said == [(NSFW.channel_id, "Lilith", "echo Hello @Lilith, how are you?")]
    assert speaker.typed == [NSFW.channel_id]
    (question,) = thinker.questions
    assert question.user_token == Secret("invented-token")
    row = await turn(store)
    assert (row["state"], row["answer"], row["chunk_count"], row["cause"]) == ("done", None, 1, "mention")
    assert (row["guild_id"], row["user_id"], row["channel_id"]) == (GUILD, USER, NSFW.channel_id)
    assert await chunks(store) == await mapped(store) == speaker.ids
    (talk,) = await rows(store, "SELECT * FROM conversations")
    assert (talk["personality_name"], talk["message_count"]) == ("lilith-tzel-shani", 1)
    (login,) = await rows(store, "SELECT last_used FROM auth_tokens")
    assert login["last_used"] == "2026-11-23T12:00:00.000Z"


async def test_the_turn_is_committed_before_the_ai_is_asked_and_the_answer_before_it_is_said(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker, thinker: FakeThinker
) -> None:
    thinker.hold["@lilith"] = asyncio.Event()
    speaker.hold[1] = asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(thinker.reached.wait(), TIMEOUT_SECONDS)
    assert (await turn(store))["state"] == "pending"
    thinker.hold["@lilith"].set()
    await asyncio.wait_for(speaker.reached.wait(), TIMEOUT_SECONDS)
    row = await turn(store)
    assert (row["state"], row["answer"], row["chunk_count"]) == ("answered", "echo @lilith", 1)
    speaker.hold[1].set()
    await asyncio.wait_for(running, TIMEOUT_SECONDS)
    assert (await turn(store))["state"] == "done"


async def test_a_reply_is_answered_by_who_spoke_that_message(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker
) -> None:
    lilith = await store.first(personalities.get("lilith-tzel-shani"))
    assert lilith is not None
    await store.write(messages.put(Mapping(555, OTHER, NSFW.channel_id, lilith.id)))
    await dialogue.hear(heard(1, "and you, @баба яга?", replied_to_id=555))
    assert [name for _, name, _ in speaker.said] == ["Lilith"]
    assert (await turn(store))["cause"] == "reply"


async def test_a_reply_to_a_message_nobody_mapped_goes_by_the_webhooks_name(
    dialogue: Dialogue, speaker: FakeSpeaker
) -> None:
    await dialogue.hear(heard(1, "you!", replied_to_id=555, replied_to_webhook_name="Lilith"))
    assert [name for _, name, _ in speaker.said] == ["Lilith"]


async def test_an_activated_channel_answers_every_message_unless_another_is_mentioned(
    dialogue: Dialogue, speaker: FakeSpeaker
) -> None:
    await dialogue.hear(heard(1, "anyone?", NSFW_TOO))
    await dialogue.hear(heard(2, "@Lilith?", NSFW_TOO))
    assert [name for _, name, _ in speaker.said] == ["Баба Яга", "Lilith"]


@pytest.mark.parametrize("content", ["nobody is meant", "mail a@lilith.example", "@stranger hi", "   ", ""])
async def test_what_is_not_for_a_personality_leaves_no_trace(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker, content: str
) -> None:
    await dialogue.hear(heard(1, content))
    assert speaker.said == []
    assert await rows(store, "SELECT * FROM turns") == []


async def test_a_blacklisted_user_is_ignored_without_a_word(
    dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker, clock: Clock
) -> None:
    await store.write(blacklist.put(Ban(user_id=USER, reason="spam", blacklisted_by=OWNER, blacklisted_at=clock())))
    await dialogue.hear(heard(1, "@lilith"))
    assert thinker.questions == []


async def test_without_a_login_nobody_is_answered_and_the_sentence_says_how_to_log_in(
    dialogue: Dialogue, thinker: FakeThinker
) -> None:
    with pytest.raises(NotAllowedError, match="!tz auth start"):
        await dialogue.hear(heard(1, "@lilith", author_id=OTHER))
    assert thinker.questions == []


async def test_an_expired_login_is_refused_with_its_own_sentence(
    dialogue: Dialogue, store: SQLiteStore, cipher: Cipher, clock: Clock
) -> None:
    await store.write(logins.put(Login(OTHER, Secret("t"), clock(), expires_at=clock()), cipher))
    with pytest.raises(NotAllowedError, match="expired"):
        await dialogue.hear(heard(1, "@lilith", author_id=OTHER))


async def test_a_login_for_one_personality_goes_before_the_one_for_all(
    dialogue: Dialogue, store: SQLiteStore, cipher: Cipher, clock: Clock, thinker: FakeThinker
) -> None:
    own = Login(USER, Secret("only-for-lilith"), clock(), personality_name="lilith-tzel-shani")
    await store.write(logins.put(own, cipher))
    await dialogue.hear(heard(1, "@lilith"))
    await dialogue.hear(heard(2, "@баба яга"))
    assert [question.user_token for question in thinker.questions] == [
        Secret("only-for-lilith"),
        Secret("invented-token"),
    ]


async def test_without_a_login_service_everyone_is_answered_with_the_operators_key(
    dialogue: Dialogue, open_policy: Policy, thinker: FakeThinker
) -> None:
    dialogue.decider.policy = open_policy
    await dialogue.hear(heard(1, "@lilith", author_id=OTHER))
    await dialogue.hear(heard(2, "@lilith"))
    assert [question.user_token for question in thinker.questions] == [None, None]


async def test_in_an_activated_channel_a_refusal_is_told_once_a_day_to_who_calls_nobody(
    dialogue: Dialogue, clock: Clock
) -> None:
    with pytest.raises(NotAllowedError):
        await dialogue.hear(heard(1, "hi", NSFW_TOO, author_id=OTHER))
    await dialogue.hear(heard(2, "hi again", NSFW_TOO, author_id=OTHER))
    clock.advance(minutes=11)
    await dialogue.hear(heard(3, "and again", NSFW_TOO, author_id=OTHER))
    with pytest.raises(NotAllowedError):
        await dialogue.hear(heard(4, "@lilith and you?", NSFW_TOO, author_id=OTHER))
    clock.advance(days=1)
    with pytest.raises(NotAllowedError):
        await dialogue.hear(heard(5, "good morning", NSFW_TOO, author_id=OTHER))


async def test_direct_messages_need_a_verified_user(
    dialogue: Dialogue, store: SQLiteStore, clock: Clock, speaker: FakeSpeaker
) -> None:
    with pytest.raises(NotAllowedError, match=r"age-verified.*in an age-restricted channel of a server"):
        await dialogue.hear(heard(1, "@lilith", DM))
    await store.write(verifications.put(Verification(USER, is_verified=True, recorded_at=clock())))
    await dialogue.hear(heard(2, "@lilith", DM))
    assert len(speaker.said) == 1
    assert (await turn(store, 2))["guild_id"] is None


async def test_in_a_guild_personalities_only_speak_in_nsfw_channels(dialogue: Dialogue, thinker: FakeThinker) -> None:
    with pytest.raises(NotAllowedError):
        await dialogue.hear(heard(1, "@lilith", SAFE))
    assert thinker.questions == []


async def test_a_thread_speaks_in_itself_and_keeps_its_parent(dialogue: Dialogue, store: SQLiteStore) -> None:
    thread = replace(NSFW, channel_id=42, parent_id=NSFW.channel_id)
    await dialogue.hear(heard(1, "@lilith", thread))
    row = await turn(store)
    assert (row["channel_id"], row["parent_id"]) == (42, NSFW.channel_id)


@pytest.mark.parametrize("error", [UnavailableError("Slow."), NotFoundError("Unknown."), NotAllowedError("Not you.")])
async def test_when_the_ai_fails_the_turn_is_failed_with_the_kinds_name_and_the_sentence_is_raised(
    dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker, speaker: FakeSpeaker, error: TzurotError
) -> None:
    def fail(_: object) -> str:
        raise error

    thinker.answer_with = fail
    with pytest.raises(type(error)) as raised:
        await dialogue.hear(heard(1, "@lilith"))
    assert raised.value is error
    row = await turn(store)
    assert (row["state"], row["failure"], row["answer"]) == ("failed", type(error).__name__, None)
    assert speaker.said == []


@pytest.mark.parametrize("text", [" \n ", "\u200b\u2060"])
async def test_an_answer_that_shows_nothing_is_a_failure(
    dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker, text: str
) -> None:
    thinker.answer_with = lambda _: text
    with pytest.raises(UnavailableError, match="nothing to say"):
        await dialogue.hear(heard(1, "@lilith"))
    assert (await turn(store))["state"] == "failed"


async def test_when_the_first_message_cannot_be_said_the_answer_is_kept(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker
) -> None:
    speaker.fail[1] = UnavailableError("Discord is down.")
    with pytest.raises(UnavailableError):
        await dialogue.hear(heard(1, "@lilith"))
    row = await turn(store)
    assert (row["state"], row["answer"], row["chunk_count"]) == ("answered", "echo @lilith", 1)
    assert await chunks(store) == await mapped(store) == []


async def test_where_discord_forbids_to_speak_the_answer_is_not_kept_to_be_refused_again(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker
) -> None:
    speaker.fail[1] = NotAllowedError("No webhooks here.")
    with pytest.raises(NotAllowedError):
        await dialogue.hear(heard(1, "@lilith"))
    row = await turn(store)
    assert (row["state"], row["answer"], row["failure"]) == ("failed", None, "NotAllowedError")


async def test_when_the_second_message_cannot_be_said_the_first_is_known(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker, thinker: FakeThinker
) -> None:
    thinker.answer_with = lambda _: "a" * 1500 + "\n\n" + "b" * 1500 + "\n\n" + "c" * 1500
    speaker.fail[2] = UnavailableError("Discord is down.")
    with pytest.raises(UnavailableError):
        await dialogue.hear(heard(1, "@lilith"))
    row = await turn(store)
    assert (row["state"], row["chunk_count"], len(row["answer"])) == ("answered", 3, 4504)
    assert await chunks(store) == await mapped(store) == speaker.ids
    assert len(speaker.ids) == 1
    assert await rows(store, "SELECT * FROM conversations") == []


async def test_a_reply_that_comes_before_the_messages_id_is_committed_is_answered(
    dialogue: Dialogue, speaker: FakeSpeaker
) -> None:
    speaker.hold[1] = asyncio.Event()
    first = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(speaker.reached.wait(), TIMEOUT_SECONDS)
    # Discord shows the message while its answer to the bot is still under way.
    reply = asyncio.create_task(dialogue.hear(heard(2, "already?", replied_to_id=600_000_000_000_000_001)))
    await asyncio.sleep(0)
    speaker.hold[1].set()
    await asyncio.wait_for(asyncio.gather(first, reply), TIMEOUT_SECONDS)
    assert speaker.texts == ["echo @lilith", "echo already?"]


async def test_a_long_answer_is_said_in_order_and_each_message_is_mapped(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker, thinker: FakeThinker
) -> None:
    thinker.answer_with = lambda _: "a" * 1500 + "\n\n" + "b" * 1500
    await dialogue.hear(heard(1, "@lilith"))
    assert [text[0] for _, _, text in speaker.said] == ["a", "b"]
    assert await chunks(store) == await mapped(store) == speaker.ids
    assert (await turn(store))["state"] == "done"


async def test_a_turn_cancelled_while_the_ai_works_stays_pending(
    dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker
) -> None:
    thinker.hold["@lilith"] = asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(thinker.reached.wait(), TIMEOUT_SECONDS)
    await dialogue.close(0.05)
    assert running.cancelled()
    assert (await turn(store))["state"] == "pending"


async def test_a_turn_cancelled_while_sending_knows_what_was_sent(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker, thinker: FakeThinker
) -> None:
    thinker.answer_with = lambda _: "a" * 1500 + "\n\n" + "b" * 1500
    speaker.hold[2] = asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(speaker.reached.wait(), TIMEOUT_SECONDS)
    await dialogue.close(0.05)
    assert running.cancelled()
    assert (await turn(store))["state"] == "answered"
    assert await chunks(store) == speaker.ids
    assert len(speaker.ids) == 1


async def test_closing_lets_a_turn_finish_that_is_quick_and_hears_nothing_new(
    dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker
) -> None:
    thinker.hold["@lilith"] = asyncio.Event()
    running = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
    await asyncio.wait_for(thinker.reached.wait(), TIMEOUT_SECONDS)
    closing = asyncio.create_task(dialogue.close(TIMEOUT_SECONDS))
    await asyncio.sleep(0)
    await dialogue.hear(heard(2, "@lilith too late"))
    thinker.hold["@lilith"].set()
    await asyncio.wait_for(closing, TIMEOUT_SECONDS)
    assert running.done()
    assert (await turn(store))["state"] == "done"
    assert len(thinker.questions) == 1


async def test_at_the_end_nobody_overtakes_one_in_front_who_was_cut_short(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker
) -> None:
    with dialogue.line(NSFW.channel_id):
        waiting = asyncio.create_task(dialogue.hear(heard(1, "@lilith")))
        while not await rows(store, "SELECT 1 FROM turns"):
            pass
        dialogue.stop_hearing()
    await asyncio.wait_for(waiting, TIMEOUT_SECONDS)
    assert (await turn(store))["state"] == "pending"
    assert not speaker.said


async def test_the_same_message_twice_at_once_is_answered_once(
    dialogue: Dialogue, store: SQLiteStore, speaker: FakeSpeaker
) -> None:
    await asyncio.gather(*(dialogue.hear(heard(1, "@lilith")) for _ in range(5)))
    await dialogue.hear(heard(1, "@lilith"))
    assert len(speaker.said) == 1
    assert len(await rows(store, "SELECT * FROM turns")) == 1


async def test_a_message_whose_turn_failed_is_not_answered_when_it_arrives_again(
    dialogue: Dialogue, thinker: FakeThinker
) -> None:
    def fail(_: object) -> str:
        raise UnavailableError("Down.")

    thinker.answer_with = fail
    with pytest.raises(UnavailableError):
        await dialogue.hear(heard(1, "@lilith"))
    await dialogue.hear(heard(1, "@lilith"))
    assert len(thinker.questions) == 1


async def test_one_channel_is_answered_in_order_while_others_go_on(
    dialogue: Dialogue, speaker: FakeSpeaker, thinker: FakeThinker
) -> None:
    thinker.hold["@lilith 1"] = asyncio.Event()
    same = [asyncio.create_task(dialogue.hear(heard(n, f"@lilith {n}"))) for n in (1, 2, 3)]
    await asyncio.wait_for(thinker.reached.wait(), TIMEOUT_SECONDS)
    await asyncio.wait_for(dialogue.hear(heard(9, "elsewhere", NSFW_TOO)), TIMEOUT_SECONDS)
    await asyncio.wait_for(dialogue.hear(heard(10, "not for anyone")), TIMEOUT_SECONDS)
    assert speaker.texts == ["echo elsewhere"]
    thinker.hold["@lilith 1"].set()
    await asyncio.wait_for(asyncio.gather(*same), TIMEOUT_SECONDS)
    assert [text for _, _, text in speaker.said[1:]] == [f"echo @lilith {n}" for n in (1, 2, 3)]


async def test_those_who_wait_are_committed_before_their_turn_comes(
    dialogue: Dialogue, store: SQLiteStore, thinker: FakeThinker
) -> None:
    thinker.hold["@lilith 1"] = asyncio.Event()
    tasks = [asyncio.create_task(dialogue.hear(heard(n, f"@lilith {n}"))) for n in (1, 2)]
    await asyncio.wait_for(thinker.reached.wait(), TIMEOUT_SECONDS)
    # The store commits in the order of the writes: after this one, the second turn's row is there too.
    await store.write(aliases.delete("no such alias"))
    assert [row["state"] for row in await rows(store, "SELECT state FROM turns")] == ["pending", "pending"]
    assert len(thinker.questions) == 1
    thinker.hold["@lilith 1"].set()
    await asyncio.wait_for(asyncio.gather(*tasks), TIMEOUT_SECONDS)


async def test_one_who_fails_does_not_hold_up_the_next(dialogue: Dialogue, speaker: FakeSpeaker) -> None:
    speaker.fail[1] = UnavailableError("Discord is down.")
    results = await asyncio.gather(*(dialogue.hear(heard(n, f"@lilith {n}")) for n in (1, 2)), return_exceptions=True)
    assert isinstance(results[0], UnavailableError)
    assert speaker.texts == ["echo @lilith 2"]


async def test_a_removed_personality_does_not_answer_old_replies_which_is_told_once(
    dialogue: Dialogue, store: SQLiteStore, clock: Clock, thinker: FakeThinker
) -> None:
    lilith = await store.first(personalities.get("lilith-tzel-shani"))
    assert lilith is not None
    await store.write(messages.put(Mapping(555, USER, NSFW.channel_id, lilith.id)))
    await store.write(*personalities.remove("lilith-tzel-shani", OWNER, clock(), OWNER))
    still_there = heard(1, "still there?", replied_to_id=555, replied_to_webhook_name="Lilith")
    with pytest.raises(NotFoundError, match="Lilith has been removed"):
        await dialogue.hear(still_there)
    await dialogue.hear(replace(still_there, message_id=2))
    assert thinker.questions == []
