"""Splitting: nothing lost, nothing over the limit, no character cut in two."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.dialogue.splitting import MESSAGE_LIMIT, split

PLAIN = st.text(alphabet=st.characters(exclude_characters="`", exclude_categories=["Cs"]), max_size=400)
CODE = st.lists(
    st.sampled_from(["```", "```py\n", "\n", "\n\n", " ", "    indented", "word", "x" * 70, "Ende. ", "é", "🦊"]),
    max_size=60,
).map("".join)


def _without_space(text: str) -> str:
    return re.sub(r"\s", "", text)


@given(PLAIN, st.integers(20, 120))
def test_plain_text_loses_and_gains_nothing_but_white_space(text: str, limit: int) -> None:
    chunks = split(text, limit)
    assert _without_space("".join(chunks)) == _without_space(text)
    assert all(0 < len(chunk) <= limit and chunk.strip() for chunk in chunks)


@given(CODE, st.integers(60, 120))
def test_text_with_code_keeps_every_word_and_every_fence_closed(text: str, limit: int) -> None:
    chunks = split(text, limit)
    words = [_without_space(part).replace("`", "").replace("py", "") for part in ("".join(chunks), text)]
    assert words[0] == words[1]
    assert all(0 < len(chunk) <= limit for chunk in chunks)
    assert all(chunk.count("```") % 2 == 0 for chunk in chunks[:-1])


CLUSTERS = ("a", "e\u0301\u0302", "👩🏽", "👩\u200d💻", "🇩🇪", "🇫🇷", "✈\ufe0f")


@given(st.lists(st.sampled_from(CLUSTERS), max_size=60).map("".join), st.integers(20, 60))
def test_no_accent_flag_or_emoji_is_torn_off(text: str, limit: int) -> None:
    whole = re.compile(f"(?:{'|'.join(CLUSTERS)})*")
    assert all(whole.fullmatch(chunk) for chunk in split(text, limit))


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("a" * 1500 + "\n\n" + "b " * 400, "a" * 1500),
        ("a" * 900 + "\n\n" + "b" * 600 + "\n" + "c" * 1500, "a" * 900),
        ("a" * 1500 + "\n" + "b. " * 300, "a" * 1500),
        ("Eins zwei. " + "a" * 1400 + " ende. " + "b" * 1200, "Eins zwei. " + "a" * 1400 + " ende."),
        ("a" * 1400 + " " + "b" * 1200, "a" * 1400),
        ("長い文。" * 300 + "あ" * 1300, "長い文。" * 300),
    ],
)
def test_the_best_break_is_taken(text: str, first: str) -> None:
    assert split(text)[0] == first


def test_2000_code_points_are_one_message_and_2001_are_two() -> None:
    assert len(split("🦊" * MESSAGE_LIMIT)) == 1
    assert [len(chunk) for chunk in split("🦊" * (MESSAGE_LIMIT + 1))] == [MESSAGE_LIMIT, 1]


def test_a_family_of_emoji_moves_to_the_next_message_whole() -> None:
    family = "👩\u200d👩\u200d👧"
    assert split("x" * 1998 + family) == ("x" * 1998, family)


def test_a_long_code_block_is_closed_and_opened_again_with_its_language() -> None:
    lines = "\n".join(f"    line {number}" for number in range(300))
    first, second, *_ = split(f"Here:\n```python\n{lines}\n```\nDone.")
    assert first.endswith("\n```")
    assert second.startswith("```python\n    line ")


def test_a_fence_that_ends_at_the_cut_opens_no_empty_block() -> None:
    text = "```\n" + "x" * 1990 + "\n```\nAfter the code."
    assert split(text) == ("```\n" + "x" * 1990 + "\n```", "After the code.")


def test_text_without_words_is_no_message() -> None:
    assert split(" \n\t ") == ()


BLOCKS = st.lists(
    st.sampled_from(["```\n{}\n```", "```py\n{}\n```", "{}", "{}\n{}", "**{}**"]).flatmap(
        lambda form: st.text(alphabet="ab c\n.", max_size=150).map(lambda text: form.replace("{}", text))
    ),
    max_size=8,
).map("\n\n".join)


@given(BLOCKS, st.integers(60, 200))
def test_blocks_that_are_closed_stay_closed_in_every_message(text: str, limit: int) -> None:
    chunks = split(text, limit)
    assert all(len(chunk) <= limit and chunk.count("```") % 2 == 0 for chunk in chunks)
    words = [_without_space(part).replace("```py", "").replace("`", "") for part in ("".join(chunks), text)]
    assert words[0] == words[1]


@given(st.text(max_size=9000))
def test_whatever_is_said_fits_into_discords_messages(text: str) -> None:
    assert all(0 < len(chunk) <= MESSAGE_LIMIT for chunk in split(text))
