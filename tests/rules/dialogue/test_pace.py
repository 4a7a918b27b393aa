"""At most so many in any stretch of time, in whatever order they are heard."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.model import snowflake_of, snowflake_time
from bot.rules.dialogue.pace import Window, too_much_in_channel, too_much_of_user

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
INTERVAL = timedelta(seconds=60)


def at(seconds: float) -> int:
    return snowflake_of(NOW + timedelta(seconds=seconds))


def go(window: Window, ids: list[int]) -> list[int]:
    """Hear them in that order; those that were admitted."""
    counted: list[int] = []
    admitted: list[int] = []
    for new in ids:
        if window.admits(counted, new):
            admitted += [] if new in admitted else [new]
            counted = window.add(counted, new)
    return admitted


def test_a_burst_up_to_the_limit_passes_and_room_comes_back_as_it_ages() -> None:
    window = Window(3, INTERVAL)
    assert go(window, [at(0), at(1), at(2), at(3), at(59.999), at(60), at(60.5), at(61)]) == [
        at(0), at(1), at(2), at(60), at(61),
    ]  # fmt: skip


def test_it_is_said_to_the_millisecond_when_the_next_one_passes() -> None:
    window, counted = Window(2, INTERVAL), [at(0), at(10)]
    free = window.free_at(counted, at(20))
    assert free == NOW + INTERVAL
    assert not window.admits(counted, snowflake_of(free - timedelta(milliseconds=1)))
    assert window.admits(counted, snowflake_of(free))


def test_what_is_heard_twice_counts_once() -> None:
    window = Window(2, INTERVAL)
    assert go(window, [at(0), at(0), at(1), at(0), at(1), at(2)]) == [at(0), at(1)]


def test_the_sentence_says_when_and_never_too_early() -> None:
    for make in (too_much_of_user, too_much_in_channel):
        assert f"<t:{int(NOW.timestamp()) + 1}:R>" in str(make(NOW + timedelta(milliseconds=1)))
        assert f"<t:{int(NOW.timestamp())}:R>" in str(make(NOW))


MOMENTS = st.lists(st.floats(0, 300, allow_nan=False).map(at), max_size=60)


@given(st.integers(1, 8), MOMENTS.map(sorted))
def test_in_no_stretch_there_are_more_and_nobody_is_refused_without_need(limit: int, ids: list[int]) -> None:
    window = Window(limit, INTERVAL)
    admitted = go(window, ids)
    for first in admitted:
        end = snowflake_time(first) + INTERVAL
        assert sum(first <= one and snowflake_time(one) < end for one in admitted) <= limit
    for refused in set(ids) - set(admitted):
        start = snowflake_time(refused) - INTERVAL
        assert sum(start < snowflake_time(one) and one <= refused for one in admitted) >= limit


@given(st.integers(1, 8), st.lists(st.integers(0, 50).map(at), max_size=60, unique=True), st.randoms())
def test_the_order_in_which_they_are_heard_lets_no_more_pass(limit: int, ids: list[int], random: object) -> None:
    window = Window(limit, INTERVAL)
    random.shuffle(ids)  # type: ignore[attr-defined]
    assert len(go(window, ids)) == min(limit, len(ids))


@given(st.integers(1, 8), MOMENTS.map(sorted))
def test_little_is_remembered(limit: int, ids: list[int]) -> None:
    window = Window(limit, INTERVAL)
    counted: list[int] = []
    for new in ids:
        if window.admits(counted, new):
            counted = window.add(counted, new)
        assert len(counted) <= limit
