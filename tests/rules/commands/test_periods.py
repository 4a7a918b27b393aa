"""Lengths of time as people write them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInputError
from bot.rules.commands.periods import LONGEST, SHORTEST, UNITS, WORDS, leading_period, parse_period

WRITTEN = [
    ("3d", timedelta(days=3)),
    ("12h", timedelta(hours=12)),
    ("2 weeks", timedelta(weeks=2)),
    (" 1 Day 6 HOURS ", timedelta(days=1, hours=6)),
    ("1h30m", timedelta(minutes=90)),
    ("1 year, 2 months and 3 days", timedelta(days=365 + 60 + 3)),
    ("90 mins", timedelta(minutes=90)),
    ("10 years", timedelta(days=3650)),
]


@pytest.mark.parametrize(("text", "period"), WRITTEN)
def test_a_length_of_time_is_read_as_people_write_it(text: str, period: timedelta) -> None:
    assert parse_period(text) == period


@pytest.mark.parametrize("text", ["", "soon", "3", "d", "3 dogs", "-3d", "3.5d", "3d!", "٣d", "3d spam", "1d and"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidInputError, match="3d"):
        parse_period(text)


@pytest.mark.parametrize("text", ["11 years", "999999999y", "0d 4000d"])
def test_longer_than_ten_years_is_refused(text: str) -> None:
    with pytest.raises(InvalidInputError, match="Ten years"):
        parse_period(text)


def test_no_time_at_all_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="a minute"):
        parse_period("0d")


@pytest.mark.parametrize(
    ("text", "period", "rest"),
    [
        ("3d spam and eggs", timedelta(days=3), "spam and eggs"),
        ("2 weeks of 3 days", timedelta(weeks=2), "of 3 days"),
        ("2 much spam", None, "2 much spam"),
        ("3 dogs", None, "3 dogs"),
        ("spam for 3d", None, "spam for 3d"),
        ("3dspam", None, "3dspam"),
        ("1d\nspam\n\nmore", timedelta(days=1), "spam\n\nmore"),
    ],
)
def test_what_follows_it_is_left_as_it_is(text: str, period: timedelta | None, rest: str) -> None:
    assert leading_period(text) == (period, rest)


PARTS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(WORDS))), min_size=1, max_size=6)


@given(PARTS, st.sampled_from(["", " "]), st.sampled_from([" ", ", ", " and ", ", and "]))
def test_parts_add_up_whatever_stands_between_them(parts: list[tuple[int, str]], inner: str, between: str) -> None:
    text = between.join(f"{number}{inner}{word}" for number, word in parts)
    expected = sum((number * UNITS[WORDS[word]] for number, word in parts), timedelta())
    if SHORTEST <= expected <= LONGEST:
        assert parse_period(text) == expected
        assert leading_period(f"{text} because") == (expected, "because")
    else:
        with pytest.raises(InvalidInputError):
            parse_period(text)


@given(st.text())
def test_any_text_is_a_sound_period_or_left_whole_or_refused(text: str) -> None:
    try:
        period, rest = leading_period(text)
    except InvalidInputError:
        return
    assert text.strip().endswith(rest)
    assert period is None or SHORTEST <= period <= LONGEST
    assert (period is None) == (rest == text.strip()) or not text.strip()
