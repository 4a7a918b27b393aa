"""Who answers a message, and until when a conversation goes on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.model import Cause, Conversation, Personality
from bot.rules.dialogue.answering import goes_on, who_answers

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HALF_AN_HOUR = timedelta(minutes=30)
NAMES = ("replied to", "mentioned", "activated", "talking")
CAUSES = (Cause.REPLY, Cause.MENTION, Cause.ACTIVATION, Cause.CONVERSATION)
TALK = Conversation(1, 2, "lilith", started_at=NOW - timedelta(minutes=5), last_message_at=NOW)
MILLISECOND = timedelta(milliseconds=1)


def _personality(name: str, *, is_active: bool) -> Personality:
    return Personality(name, name, 7, NOW, is_active=is_active)


@given(st.lists(st.sampled_from(["absent", "removed", "there"]), min_size=4, max_size=4))
def test_the_first_that_is_there_and_was_not_removed_answers(states: list[str]) -> None:
    found = [
        None if state == "absent" else _personality(name, is_active=state == "there")
        for name, state in zip(NAMES, states, strict=True)
    ]
    answering = who_answers(*found)
    if "there" not in states:
        assert answering is None
        return
    first = states.index("there")
    assert answering == (found[first], CAUSES[first])


@given(st.integers(-(10**7), 10**7), st.integers(1, 10**7))
def test_a_message_belongs_to_a_conversation_to_the_millisecond(after_ms: int, lifetime_ms: int) -> None:
    asked_at, lifetime = NOW + timedelta(milliseconds=after_ms), timedelta(milliseconds=lifetime_ms)
    is_meant = NOW - timedelta(minutes=5) <= asked_at < NOW + lifetime
    assert goes_on(TALK, asked_at, lifetime) == is_meant


def test_the_half_hour_ends_exactly_then() -> None:
    assert goes_on(TALK, NOW + HALF_AN_HOUR - MILLISECOND, HALF_AN_HOUR)
    assert not goes_on(TALK, NOW + HALF_AN_HOUR, HALF_AN_HOUR)


def test_what_was_written_while_the_answer_was_under_way_belongs_to_it_and_what_was_before_does_not() -> None:
    begun = replace(TALK, started_at=NOW - timedelta(seconds=3))
    assert goes_on(begun, NOW - timedelta(seconds=3), HALF_AN_HOUR)
    assert not goes_on(begun, NOW - timedelta(seconds=3) - MILLISECOND, HALF_AN_HOUR)
