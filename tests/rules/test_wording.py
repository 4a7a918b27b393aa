"""Numbers and names as sentences have them."""

import pytest

from bot.rules.wording import counted, quoted, some_of


@pytest.mark.parametrize(("number", "expected"), [(0, "0 changes"), (1, "1 change"), (1200, "1,200 changes")])
def test_a_number_stands_with_its_noun(number: int, expected: str) -> None:
    assert counted(number, "change") == expected


@pytest.mark.parametrize(
    ("names", "expected"), [("", ""), ("ab", "a, b"), ("abc", "a, b, c"), ("abcde", "a, b, c and 2 more")]
)
def test_of_many_names_the_first_are_told(names: str, expected: str) -> None:
    assert some_of(list(names)) == expected


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("lilith", "“lilith”"),
        ("_my_bot_", r"“\_my\_bot\_”"),
        ("[here](https://elsewhere.example)", r"“\[here\](https://elsewhere.example)”"),
        ("<@&1> `x` \\", r"“\<@&1\> \`x\` \\”"),
    ],
)
def test_what_was_typed_is_quoted_so_that_discord_makes_nothing_of_it(typed: str, shown: str) -> None:
    assert quoted(typed) == shown
