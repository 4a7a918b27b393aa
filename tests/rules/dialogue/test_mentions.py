"""Mentions: every name that is meant is among the candidates, and nothing else wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.rules.dialogue.mentions import CANDIDATE_LIMIT, candidates, longest

KNOWN = [
    "lilith",
    "lilith-tzel-shani",
    "баба яга",
    "баба",
    "エコー",
    "莉莉丝",
    "莉莉",
    "desidara | תשב",
    "dr. who",
    "l'étranger",
    "mary ann van der berg",
    "🦊",
    "b@by",
]


def _mentioned(content: str, mention_char: str = "@") -> str | None:
    return longest(candidates(content, mention_char), {name: name for name in KNOWN})


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("@lilith", "lilith"),
        ("Hello @LILITH!", "lilith"),
        ("@Lilith, are you there?", "lilith"),
        ("@lilith's book", "lilith"),
        ("(@lilith)", "lilith"),
        ("**@Lilith**", "lilith"),
        ("_@Lilith_", "lilith"),
        ("@Lilith-Tzel-Shani?", "lilith-tzel-shani"),
        ("@lilith-tzel", "lilith"),
        ("@баба яга!", "баба яга"),
        ("@БАБА   ЯГА, привет", "баба яга"),
        ("@Баба, яга", "баба"),
        ("@エコー。", "エコー"),
        ("ねえ@エコーちゃん、元気?", "エコー"),
        ("你好@莉莉丝你好", "莉莉丝"),
        ("@莉莉丝的书", "莉莉丝"),
        ("@desidara | תשב: hello", "desidara | תשב"),
        ("@Dr. Who?", "dr. who"),
        ("@l'Étranger...", "l'étranger"),
        ("@mary ann van der berg how are you", "mary ann van der berg"),
        ("@🦊 hi", "🦊"),
        ("@b@by", "b@by"),
        ("first line\n@lilith\nlast line", "lilith"),
        ("@lilith and @баба яга", "баба яга"),
        ("@nobody but @lilith", "lilith"),
    ],
)
def test_a_mention_is_found(content: str, name: str) -> None:
    assert _mentioned(content) == name


@pytest.mark.parametrize(
    "content",
    [
        "lilith",
        "a@lilith",
        "mail me: first.last@lilith.example",
        "<@123456789012345678> lilith",
        "<@!123> hi",
        "<@&123> hi",
        "https://example.com/@lilith",
        "@ lilith",
        "@lilithium",
        "@lilith_2",
        "@lilithe\u0301",
        "@",
        "",
    ],
)
def test_what_only_looks_like_a_mention_is_none(content: str) -> None:
    assert _mentioned(content) is None


def test_a_name_ends_with_its_line() -> None:
    assert _mentioned("@баба\nяга") == "баба"


def test_another_mention_character_can_be_set() -> None:
    assert _mentioned("&Lilith & co", "&") == "lilith"
    assert _mentioned("@Lilith", "&") is None


def test_of_equally_long_names_the_first_wins() -> None:
    assert longest(candidates("@abc @xyz"), {"xyz": 2, "abc": 1}) == 1


def test_what_no_database_takes_is_no_part_of_a_name() -> None:
    assert not any(set(name) & {"\x00", "\ud800"} for name in candidates("@a\x00b @c\ud800d"))


@given(st.text(max_size=300).map("@".join))
def test_candidates_stay_bounded_and_lower_case(content: str) -> None:
    names = candidates(content)
    assert len(names) <= CANDIDATE_LIMIT
    assert all(name == name.lower() and name == name.strip() and name for name in names)


@given(
    st.text(st.characters(categories=["L", "N"], include_characters="-. |'"), min_size=1, max_size=60).filter(
        lambda name: name == " ".join(name.split()) and name
    ),
    st.sampled_from(["", " ", ", hello", "! what", "。", "\nmore", ") and", "?!", "…"]),
)
def test_every_name_is_found_whatever_follows_it(name: str, after: str) -> None:
    assert name.lower() in candidates(f"Hey @{name}{after}".lower())


WORDS = st.sampled_from(["lilith", "of", "the", "sea", "баба", "яга", "エコー", "dr.", "o'neil", "🦊", "łucja"])
NAMES = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


@given(
    st.lists(NAMES, min_size=1, max_size=8, unique=True),
    st.sampled_from(["", "Hello ", "(", "**", "ねえ", "one two\n"]),
    st.sampled_from(["", " ", ", how are you?", "! of the sea", "。", "\nthe sea", ")", " of", " the sea is deep"]),
    st.booleans(),
    st.data(),
)  # fmt: skip
def test_the_longest_of_the_names_that_stand_there_is_meant(
    names: list[str], before: str, after: str, is_loud: bool, data: st.DataObject
) -> None:
    said = data.draw(st.sampled_from(names)) + after
    line = said.split("\n")[0]
    meant = [name for name in names if line.startswith(name) and not line[len(name) : len(name) + 1].isalnum()]
    found = longest(candidates(f"{before}@{said.upper() if is_loud else said}"), {name: name for name in names})
    assert found == max(meant, key=len)


@given(st.lists(NAMES, min_size=1, max_size=5), st.text(alphabet=" \t\u3000", min_size=1, max_size=3))
def test_white_space_between_the_words_of_a_name_does_not_matter(words: list[str], space: str) -> None:
    name = " ".join(words)
    if len(name) <= 40:
        assert longest(candidates(f"@{name.replace(' ', space)}!"), {name: 1}) == 1
