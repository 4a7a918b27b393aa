"""Who is behind a copy, whatever comes in which order; and whose messages wait."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import UnavailableError
from bot.model import NOBODY, Attached, Authorship, Heard, snowflake_of
from bot.rules.dialogue.proxying import PLURALKIT, TUPPERBOX, original_of
from bot.services.dialogue.deletions import Deletions
from bot.services.dialogue.originals import REMEMBERED, Originals
from bot.services.dialogue.proxies import Proxies
from bot.services.operation.upkeep import Upkeep
from bot.services.policy import Policy
from bot.store import proxy_users
from bot.store.driver import SQLiteStore
from tests.services.conftest import DM, NSFW, OTHER, USER, Clock, heard, rows

WAIT = timedelta(seconds=0.03)
LONG = timedelta(hours=1)
TAGS = {USER: ("[", "]"), OTHER: ("o:", "")}


@dataclass
class Registry:
    """PluralKit's answers, in order; an error is raised."""

    answers: list[Authorship | UnavailableError | None] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    async def author(self, message_id: int) -> Authorship | None:
        self.asked.append(message_id)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, UnavailableError):
            raise answer
        return answer


@pytest.fixture
def proxies(store: SQLiteStore, policy: Policy, clock: Clock) -> Proxies:
    return Proxies(store=store, policy=replace(policy, proxy_wait=WAIT), deletions=Deletions(), clock=clock)


def at(clock: Clock, milliseconds: int) -> int:
    return snowflake_of(clock() - timedelta(seconds=10) + timedelta(milliseconds=milliseconds))


def copy_at(clock: Clock, milliseconds: int, text: str = "hello", proxy_id: int = TUPPERBOX) -> Heard:
    return heard(at(clock, milliseconds), text, author_id=NOBODY, proxy_id=proxy_id)


def write(proxies: Proxies, message_id: int, text: str = "[hello]", author_id: int = USER) -> Heard:
    written = heard(message_id, text, author_id=author_id)
    proxies.note(original_of(written))
    return written


@dataclass(frozen=True)
class Said:
    """Words of one person, with their tags and through a proxy, or without one; then perhaps deleted by hand."""

    author_id: int
    text: str
    is_proxied: bool
    is_deleted: bool
    steps: tuple[int, int, int]
    """When it is written; how much later it is copied, and deleted."""

    @property
    def written(self) -> str:
        before, after = TAGS[self.author_id] if self.is_proxied else ("", "")
        return f"{before}{self.text}{after}"


said = st.builds(
    Said,
    author_id=st.sampled_from([USER, OTHER]),
    text=st.sampled_from(["lol", "lo", "o:lol", "ha ha"]),
    is_proxied=st.booleans(),
    is_deleted=st.booleans(),
    steps=st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(said, min_size=1, max_size=6))
def test_nobody_is_taken_for_the_author_of_words_that_their_own_proxy_did_not_say(messages: Sequence[Said]) -> None:
    for message, author in asyncio.run(attribute(messages)):
        own = [each for each in messages if each.author_id == message.author_id and each.is_proxied]
        assert message in own
        if author is None:
            continue
        assert any(each.author_id == author and each.is_proxied and message.text in each.written for each in messages)
        if not any(message.text in each.written for each in messages if each.author_id != message.author_id):
            assert author == message.author_id


async def attribute(messages: Sequence[Said]) -> list[tuple[Said, int | None]]:
    """Each copy with its supposed author, once everything has happened in the order of the steps."""
    clock = Clock()
    policy = Policy(proxy_wait=WAIT)
    proxies = Proxies(store=None, policy=policy, deletions=Deletions(), clock=clock)  # type: ignore[arg-type]
    ids = {number: at(clock, message.steps[0] * 10 + number) for number, message in enumerate(messages)}
    events: list[tuple[int, int, str]] = []
    for number, message in enumerate(messages):
        written, till_copy, till_deletion = (step * 10 for step in message.steps)
        events.append((written + number, number, "write"))
        if message.is_proxied:
            events.append((written + till_copy + 10 + number, number, "copy"))
        if message.is_proxied or message.is_deleted:
            events.append((written + till_deletion + 10 + number, number, "delete"))
    waiting: dict[int, asyncio.Task[Authorship | None]] = {}
    for moment, number, event in sorted(events):
        message = messages[number]
        if event == "write":
            write(proxies, ids[number], message.written, message.author_id)
        elif event == "copy":
            waiting[number] = asyncio.create_task(proxies.author_of(copy_at(clock, moment, message.text)))
        else:
            proxies.deletions.note([ids[number]])
        await asyncio.sleep(0)
    found = await asyncio.gather(*waiting.values())
    originals = [author.original_id for author in found if author]
    assert max(Counter(originals).values(), default=0) <= 1
    return [
        (messages[number], author.user_id if author else None) for number, author in zip(waiting, found, strict=True)
    ]


async def test_a_copy_waits_until_its_original_goes(proxies: Proxies, clock: Clock) -> None:
    proxies.policy = replace(proxies.policy, proxy_wait=LONG)
    original = write(proxies, at(clock, 0))
    asking = asyncio.create_task(proxies.author_of(copy_at(clock, 300)))
    await asyncio.sleep(0)
    assert not asking.done()
    proxies.deletions.note([original.message_id])
    assert await asking == Authorship(USER, original.message_id)


async def test_two_who_ask_at_once_whose_copy_it_is_hear_the_same(proxies: Proxies, clock: Clock) -> None:
    """As where it comes through the gateway while the channel's history is read after a gap."""
    original, copy = write(proxies, at(clock, 0)), copy_at(clock, 300)
    asking = asyncio.gather(*[proxies.author_of(copy) for _ in range(2)])
    await asyncio.sleep(0)
    proxies.deletions.note([original.message_id])
    assert await asking == [Authorship(USER, original.message_id)] * 2


async def test_a_copy_whose_original_stays_is_nobodys(proxies: Proxies, clock: Clock) -> None:
    write(proxies, at(clock, 0))
    assert await proxies.author_of(copy_at(clock, 300)) is None


async def test_of_two_people_the_rest_follows_once_one_is_known(proxies: Proxies, clock: Clock) -> None:
    """The words of the one stand in those of the other, whose own copy says which is whose."""
    longer, shorter = write(proxies, at(clock, 0), "[lol you]"), write(proxies, at(clock, 1), "o:lol", OTHER)
    proxies.deletions.note([longer.message_id, shorter.message_id])
    first = await proxies.author_of(copy_at(clock, 2, "lol you"))
    second = await proxies.author_of(copy_at(clock, 3, "lol"))
    assert first == Authorship(USER, longer.message_id)
    assert second == Authorship(OTHER, shorter.message_id)


async def test_pluralkit_is_asked_only_where_nothing_else_says_it(proxies: Proxies, clock: Clock) -> None:
    proxies.registry = registry = Registry([Authorship(OTHER, 7)])
    original = write(proxies, at(clock, 0))
    proxies.deletions.note([original.message_id])
    assert await proxies.author_of(copy_at(clock, 300, proxy_id=PLURALKIT)) == Authorship(USER, original.message_id)
    assert registry.asked == []
    unseen = copy_at(clock, 400, "something else", PLURALKIT)
    assert await proxies.author_of(unseen) == Authorship(OTHER, 7)
    assert await proxies.author_of(unseen) == Authorship(OTHER, 7)
    assert registry.asked == [unseen.message_id]
    assert await proxies.author_of(copy_at(clock, 500, "something else")) is None  # Tupperbox's


async def test_where_two_are_gone_pluralkit_says_whose_it_is(proxies: Proxies, clock: Clock) -> None:
    mine, others = write(proxies, at(clock, 0)), write(proxies, at(clock, 1), "o:hello", OTHER)
    proxies.deletions.note([mine.message_id, others.message_id])
    proxies.registry = Registry([Authorship(OTHER, others.message_id)])
    assert await proxies.author_of(copy_at(clock, 300, proxy_id=PLURALKIT)) == Authorship(OTHER, others.message_id)
    proxies.registry = None
    assert await proxies.author_of(copy_at(clock, 301, proxy_id=PLURALKIT)) == Authorship(USER, mine.message_id)


async def test_what_pluralkit_has_not_saved_yet_is_asked_for_once_more(proxies: Proxies, clock: Clock) -> None:
    young = heard(snowflake_of(clock()), "hello", author_id=NOBODY, proxy_id=PLURALKIT)
    proxies.registry = registry = Registry([None, Authorship(USER, 7)])
    assert await proxies.author_of(young) == Authorship(USER, 7)
    assert len(registry.asked) == 2
    proxies.registry = registry = Registry([None])
    assert await proxies.author_of(copy_at(clock, 0, "an old one", PLURALKIT)) is None
    assert len(registry.asked) == 1


async def test_a_second_copy_of_the_same_is_nobodys_and_nobody_is_asked(proxies: Proxies, clock: Clock) -> None:
    proxies.registry = registry = Registry([Authorship(USER, 7)])
    original = write(proxies, at(clock, 0))
    proxies.deletions.note([original.message_id])
    assert await proxies.author_of(copy_at(clock, 300, proxy_id=PLURALKIT)) is not None
    assert await proxies.author_of(copy_at(clock, 400, proxy_id=PLURALKIT)) is None
    assert registry.asked == []


async def test_files_that_did_not_fit_into_the_first_copy_are_no_message_of_their_own(
    proxies: Proxies, clock: Clock
) -> None:
    proxies.registry = registry = Registry([None])
    files = (Attached("one.png", 1), Attached("two.png", 2))
    original = replace(heard(at(clock, 0), "[look]"), attached=files)
    proxies.note(original_of(original))
    first = replace(copy_at(clock, 300, "look", PLURALKIT), attached=files[:1])
    second = replace(copy_at(clock, 301, "", PLURALKIT), attached=files[1:])
    asking = asyncio.gather(*[proxies.author_of(copy) for copy in (first, second)])
    await asyncio.sleep(0)
    proxies.deletions.note([original.message_id])
    assert await asking == [Authorship(USER, original.message_id), None]
    assert registry.asked == []


async def test_only_who_writes_through_a_proxy_waits(proxies: Proxies, clock: Clock, store: SQLiteStore) -> None:
    proxies.policy = replace(proxies.policy, proxy_wait=LONG)
    await store.write(proxy_users.put(USER, clock()))
    assert not await proxies.is_withdrawn(write(proxies, at(clock, 0), author_id=OTHER))
    assert not await proxies.is_withdrawn(heard(at(clock, 1), "hello", DM))
    waits = write(proxies, at(clock, 2))
    asking = asyncio.create_task(proxies.is_withdrawn(waits))
    await asyncio.sleep(0.01)
    assert not asking.done()
    proxies.deletions.note([waits.message_id])
    assert await asking


async def test_the_wait_counts_from_when_it_was_heard(proxies: Proxies, clock: Clock, store: SQLiteStore) -> None:
    await store.write(proxy_users.put(USER, clock()))
    written = [write(proxies, at(clock, number)) for number in range(20)]
    loop = asyncio.get_running_loop()
    begun = loop.time()
    assert [await proxies.is_withdrawn(each) for each in written] == [False] * 20
    assert loop.time() - begun < 10 * WAIT.total_seconds()


async def test_what_is_remembered_of_messages_is_bounded_and_ends_soon(clock: Clock) -> None:
    originals = Originals(window=timedelta(seconds=0.05))
    for number in range(REMEMBERED + 50):
        originals.note(original_of(heard(at(clock, 0) + number, "hello")))
    assert len(originals._known) == len(originals._heard_at) == REMEMBERED
    assert len(originals.matches(copy_at(clock, 1))) == REMEMBERED
    await asyncio.sleep(0.06)
    assert not originals._known
    assert not originals._heard_at
    assert "hello" not in str([match.original.texts for match in originals.matches(copy_at(clock, 1))])


async def test_who_has_not_written_through_a_proxy_for_a_month_is_forgotten(
    store: SQLiteStore, policy: Policy, clock: Clock
) -> None:
    upkeep = Upkeep(store=store, policy=policy, interval_seconds=1, clock=clock)
    await store.write(proxy_users.put(USER, clock()))
    clock.advance(days=20)
    await store.write(proxy_users.put(OTHER, clock()))
    clock.advance(days=11)
    assert await upkeep.forget_old_proxy_users() == 1
    assert await rows(store, "SELECT user_id FROM proxy_users") == [{"user_id": OTHER}]


def test_nothing_that_is_remembered_shows_what_was_said(clock: Clock) -> None:
    assert "hello" not in repr(original_of(heard(1, "hello", NSFW)))
