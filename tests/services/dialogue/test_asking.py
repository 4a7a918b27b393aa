"""What a message quotes is read when its turn in the channel's line has come, and holds nobody else up."""

import asyncio
from dataclasses import dataclass, field, replace

import pytest

from bot.model import Alias, Heard, Login, Mapping, Media, MediaKind, Personality, Quote, Secret
from bot.services.dialogue.asking import Asking
from bot.services.dialogue.dialogue import Dialogue
from bot.store import aliases, logins, messages, personalities
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore
from tests.services.conftest import NSFW, NSFW_TOO, OWNER, USER, Clock, FakeThinker, heard

IMAGE = Media(MediaKind.IMAGE, "https://cdn.example/moon.png")
SAID = Quote(message_id=500, author_name="Theo", content="It rains. " * 100)


@dataclass
class FakeQuotes:
    """Quotes the same for every message, once those with an event in `hold` are let go; `read_ids` came to that."""

    quote: Quote | None = None
    hold: dict[int, asyncio.Event] = field(default_factory=dict)
    read_ids: list[int] = field(default_factory=list)
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def read(self, message: Heard) -> Quote | None:
        self.read_ids.append(message.message_id)
        if message.message_id in self.hold:
            self.reached.set()
            await self.hold[message.message_id].wait()
        return self.quote


@pytest.fixture
def quotes() -> FakeQuotes:
    return FakeQuotes()


@pytest.fixture
async def dialogue(
    store: SQLiteStore, cipher: Cipher, clock: Clock, new_dialogue: Dialogue, quotes: FakeQuotes
) -> Dialogue:
    """Lilith, called lil, and a user who is logged in."""
    lilith = Personality("lilith", "Lilith", OWNER, clock())
    await store.write(
        personalities.put(lilith),
        aliases.put(Alias("lil", "lilith", OWNER, clock())),
        logins.put(Login(USER, Secret("invented-token"), clock()), cipher),
    )
    new_dialogue.asking = Asking(quotes=quotes)
    return new_dialogue


async def test_a_slow_quote_changes_nothing_in_the_order_of_a_channel(
    dialogue: Dialogue, quotes: FakeQuotes, thinker: FakeThinker
) -> None:
    quotes.hold[1] = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(dialogue.hear(heard(1, "@lil first")))
        await quotes.reached.wait()
        group.create_task(dialogue.hear(heard(2, "@lil second")))
        await group.create_task(dialogue.hear(heard(3, "@lil elsewhere", NSFW_TOO)))
        assert quotes.read_ids == [1, 3]
        quotes.hold[1].set()
    assert [question.content for question in thinker.questions] == ["@lil elsewhere", "@lil first", "@lil second"]


async def test_what_is_quoted_and_shown_is_asked(dialogue: Dialogue, quotes: FakeQuotes, thinker: FakeThinker) -> None:
    quotes.quote = replace(SAID, media=IMAGE)
    await dialogue.hear(heard(1, "@lil true?", replied_to_id=500))
    (question,) = thinker.questions
    assert question.content.startswith("> [In reply to what Theo wrote, with an image:]\n> It rains. It rains.")
    assert question.content.endswith("\n\n@lil true?")
    assert question.media == IMAGE


async def test_the_personality_s_own_words_are_only_recalled(
    dialogue: Dialogue, quotes: FakeQuotes, thinker: FakeThinker, store: SQLiteStore
) -> None:
    lilith = await store.first(personalities.get("lilith"))
    assert lilith
    await store.write(messages.put(Mapping(500, USER, NSFW.channel_id, lilith.id)))
    quotes.quote = replace(SAID, author_name="Lilith")
    await dialogue.hear(heard(1, "true?", replied_to_id=500))
    await dialogue.hear(heard(2, "@lil true?", replied_to_id=501))
    own, other = (question.content for question in thinker.questions)
    assert len(own) < 400 < len(other)


async def test_what_says_nothing_is_not_answered(dialogue: Dialogue, quotes: FakeQuotes) -> None:
    await dialogue.hear(heard(1, "  "))
    await dialogue.hear(heard(2, "", replied_to_id=500, quote=SAID))
    assert quotes.read_ids == []
