"""The one query behind every answer, on what makes its parts differ."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.errors import InvalidInputError
from bot.model import (
    Activation,
    Alias,
    Ban,
    Conversation,
    Heard,
    Login,
    Mapping,
    Personality,
    Place,
    Secret,
    Verification,
)
from bot.rules.dialogue.speech import spoken_name, webhook_name
from bot.store import (
    activations,
    aliases,
    blacklist,
    conversations,
    logins,
    messages,
    personalities,
    preferences,
    situation,
    verifications,
)
from bot.store.cipher import Cipher
from bot.store.situation import Situation
from bot.store.statement import Query, Store

from .conftest import NOW

AUTHOR, CHANNEL, THREAD = 2**62 + 1, 2**62 + 2, 2**62 + 3
HEARD = Heard(1, AUTHOR, Place(CHANNEL, 5), "hello")
LATER = NOW + timedelta(hours=1)


async def look(store: Store, heard: Heard = HEARD, *candidates: str) -> Situation:
    [found] = await store.look_up(situation.find(heard, NOW, candidates))
    return found


async def add(store: Store, name: str, display_name: str = "Shown") -> Personality:
    personality = Personality(name, display_name, 7, NOW, prompt="p", metadata={"a": 1}, extra={"b": [2]})
    [outcome] = await store.write(personalities.put(personality))
    return replace(personality, id=outcome.rows[0]["id"])


async def test_of_a_stranger_nothing_is_known(store: Store) -> None:
    reply = replace(HEARD, replied_to_id=9, replied_to_webhook_name="x")
    for found in (await look(store), await look(store, reply, "y")):
        assert (found.is_blacklisted, found.is_verified, found.has_auto_response) == (False, False, False)
        assert (found.logins, found.replied_to_by_name, found.mentioned) == ((), (), {})
        assert (found.activated, found.replied_to, found.conversation, found.talking) == (None,) * 4


async def test_of_the_author_everything_is_known(store: Store, cipher: Cipher) -> None:
    talking = await add(store, "Talker")
    conversation = Conversation(CHANNEL, AUTHOR, "Talker", NOW, LATER, 3, is_mention_only=True, metadata={"k": 2})
    await store.write(
        blacklist.put(Ban(AUTHOR, 1, NOW)),
        verifications.put(Verification(AUTHOR, is_verified=True, recorded_at=NOW)),
        preferences.enable_auto_response(AUTHOR, NOW),
        logins.put(Login(AUTHOR, Secret("all"), NOW, expires_at=LATER), cipher),
        logins.put(Login(AUTHOR, Secret("own"), NOW, "Talker"), cipher),
        conversations.put(conversation),
    )
    found = await look(store)
    assert (found.is_blacklisted, found.is_verified, found.has_auto_response) == (True, True, True)
    assert (found.conversation, found.talking) == (conversation, talking)
    own, everyone = found.login_for("Talker"), found.login_for("Other")
    assert own is not None
    assert everyone is not None
    assert (own.open(cipher), everyone.open(cipher)) == (Secret("own"), Secret("all"))
    assert (own.is_valid(LATER), everyone.is_valid(NOW), everyone.is_valid(LATER)) == (True, True, False)
    assert everyone.ciphertext not in repr(found) + repr(found.logins)


async def test_a_cleared_verification_is_none(store: Store) -> None:
    await store.write(verifications.put(Verification(AUTHOR, is_verified=False, recorded_at=NOW)))
    assert not (await look(store)).is_verified


async def test_another_channel_and_another_user_have_their_own_conversations(store: Store) -> None:
    await add(store, "Talker")
    for channel, user in ((CHANNEL, 3), (4, AUTHOR)):
        await store.write(conversations.put(Conversation(channel, user, "Talker", NOW, NOW)))
    assert (await look(store)).conversation is None


async def test_a_threads_own_activation_comes_before_its_parents(store: Store) -> None:
    parent, own = await add(store, "Parent"), await add(store, "Own")
    in_thread = replace(HEARD, place=Place(THREAD, 5, parent_id=CHANNEL))
    await store.write(activations.put(Activation(CHANNEL, "Parent", 1, NOW)))
    assert (await look(store)).activated == parent
    assert (await look(store, in_thread)).activated == parent
    await store.write(activations.put(Activation(THREAD, "Own", 1, NOW)))
    assert (await look(store, in_thread)).activated == own
    assert (await look(store)).activated == parent


async def test_a_reply_finds_who_spoke_even_if_removed_since(store: Store) -> None:
    speaker = await add(store, "Speaker")
    await store.write(messages.put(Mapping(99, AUTHOR, CHANNEL, speaker.id)))
    await store.write(*personalities.remove("Speaker", 1, LATER, 1))
    found = await look(store, replace(HEARD, replied_to_id=99))
    assert found.replied_to == replace(speaker, is_active=False, updated_at=LATER)


async def test_a_reply_that_no_mapping_knows_is_resolved_by_display_name(store: Store) -> None:
    first, second, removed = [await add(store, name, "Twin") for name in ("b", "a", "c")]
    await store.write(*personalities.remove(removed.full_name, 1, NOW, 1))
    found = await look(store, replace(HEARD, replied_to_id=98, replied_to_webhook_name="Twin"))
    assert found.replied_to is None
    assert found.replied_to_by_name == (first, second)


@pytest.mark.parametrize(
    "display_name", ["Clyde of Discord", "Cly·de", "x" * 79 + "ab cd", "Long and " * 20 + "dIsCoRd", "\u200b\u3164", ""]
)
async def test_it_is_found_also_where_discord_forbids_the_display_name(store: Store, display_name: str) -> None:
    speaker = await add(store, "the-speaker", display_name)
    await add(store, "another", "x" * 20)
    shown = webhook_name(spoken_name(speaker))
    found = await look(store, replace(HEARD, replied_to_id=98, replied_to_webhook_name=shown))
    assert speaker in found.replied_to_by_name


async def test_mentions_are_found_by_alias_and_by_name_and_an_alias_wins(store: Store) -> None:
    lilith, echo, gone = [await add(store, name) for name in ("Lilith Ünï", "Echo", "Gone")]
    await store.write(
        aliases.add(Alias("l (the 1st)", "Lilith Ünï", 1, NOW)),
        aliases.add(Alias("echo", "Lilith Ünï", 1, NOW)),
        aliases.add(Alias('quo"te\\', "Echo", 1, NOW)),
    )
    await store.write(*personalities.remove(gone.full_name, 1, NOW, 1))
    candidates = ("l", "l (the 1st)", "lilith ünï", "echo", "gone", 'quo"te\\', "' OR 1=1 --")
    assert (await look(store, HEARD, *candidates)).mentioned == {
        "l (the 1st)": lilith,
        "lilith ünï": lilith,
        "echo": lilith,
        'quo"te\\': echo,
    }


async def test_of_names_that_differ_only_in_case_the_oldest_is_mentioned(store: Store) -> None:
    oldest, _ = [await add(store, name) for name in ("Twin", "tWIN")]
    assert (await look(store, HEARD, "twin")).mentioned == {"twin": oldest}


async def test_a_removed_personality_no_longer_talks(store: Store) -> None:
    await add(store, "Talker")
    await store.write(conversations.put(Conversation(CHANNEL, AUTHOR, "Talker", NOW, NOW)))
    await store.write(*personalities.remove("Talker", 1, NOW, 1))
    found = await look(store)
    assert found.talking is None
    assert found.conversation is not None


async def test_half_a_character_in_a_candidate_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInputError):
        await look(store, HEARD, "\ud83c")


@pytest.mark.parametrize("count", [0, 160])
async def test_the_query_scans_no_table(store: Store, count: int) -> None:
    heard = replace(HEARD, replied_to_id=1, replied_to_webhook_name="x")
    query = situation.find(heard, NOW, [f"name {n}" for n in range(count)])
    explain = Query(f"EXPLAIN QUERY PLAN {query.sql}", lambda row: str(row["detail"]), query.parameters)
    plan = await store.fetch(explain)
    scans = [step for step in plan if step.startswith("SCAN") and step != "SCAN CONSTANT ROW"]
    assert all("VIRTUAL TABLE" in step for step in scans), plan
    assert not any("TEMP B-TREE" in step for step in plan)


@pytest.mark.parametrize(
    ("ban", "expected"),
    [
        (Ban(AUTHOR, 1, NOW, guild_id=5), True),
        (Ban(AUTHOR, 1, NOW, guild_id=6), False),
        (Ban(0, 1, NOW, guild_id=5), True),
        (Ban(0, 1, NOW, guild_id=6), False),
        (Ban(AUTHOR, 1, NOW, expires_at=NOW), False),
        (Ban(AUTHOR, 1, NOW, expires_at=LATER), True),
        (Ban(AUTHOR + 1, 1, NOW), False),
    ],
)
async def test_a_ban_is_known_where_and_as_long_as_it_counts(store: Store, ban: Ban, *, expected: bool) -> None:
    await store.write(blacklist.put(ban))
    assert (await look(store)).is_blacklisted is expected
    private = replace(HEARD, place=Place(CHANNEL))
    assert (await look(store, private)).is_blacklisted is (expected and ban.guild_id == 0)
