"""Whose message a proxy bot has posted again: every way of writing tags is found, and nobody else's words are."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.model import Attached, Heard, Place, snowflake_of
from bot.rules.dialogue.proxying import (
    PLURALKIT,
    TAG_LIMIT,
    TUPPERBOX,
    Match,
    Original,
    are_of_one,
    match,
    pick,
    replied_to,
)

WINDOW = timedelta(seconds=15)
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HERE = Place(70, 80)
MIRA, NOOR = 1, 2
PICTURE, SONG = Attached("cat.png", 1234), Attached("song.mp3", 99)

words = st.text(min_size=1, max_size=300).map(str.strip).filter(bool)
tags = st.text(max_size=TAG_LIMIT)
proxies = st.sampled_from([PLURALKIT, TUPPERBOX])


def original(*texts: str, seconds: float = 0, author: int = MIRA, attached: Sequence[Attached] = ()) -> Original:
    written_at = START + timedelta(seconds=seconds)
    return Original(snowflake_of(written_at) + author, HERE.channel_id, author, texts, tuple(attached))


def copy_of(text: str, proxy: int = PLURALKIT, seconds: float = 1, attached: Sequence[Attached] = ()) -> Heard:
    copied_at = START + timedelta(seconds=seconds)
    return Heard(snowflake_of(copied_at), 0, HERE, text, proxy_id=proxy, attached=tuple(attached))


def authors(copy: Heard, *originals: Original) -> list[int]:
    return [found.original.author_id for found in match(copy, originals, WINDOW) if found.part]


def take(found: Match) -> Original:
    assert found.part
    return replace(found.original, taken=(*found.original.taken, found.part))


@pytest.mark.parametrize("proxy", [PLURALKIT, TUPPERBOX])
@pytest.mark.parametrize(
    ("written", "copied"),
    [
        ("[hello]", "hello"),
        ("m: hello", "hello"),
        ("hello -m", "hello"),
        ("<hello>", "hello"),
        ("🦊hello🦊", "hello"),
        ("hello", "hello"),  # autoproxy
        ("[hello]", "[hello]"),  # a member that keeps its tags
        ("[ hello ]", "hello"),
        ("[one\n\ntwo]", "one\n\ntwo"),
        ("[look https://a.example/b]", "look <https://a.example/b>"),  # its author may embed no links
        ("[hello hello]", "hello hello"),
    ],
)
def test_the_words_between_any_tags_are_found(written: str, copied: str, proxy: int) -> None:
    assert authors(copy_of(copied, proxy), original(written)) == [MIRA]


@given(words, tags, tags, proxies)
def test_whatever_stands_between_tags_is_found(text: str, before: str, after: str, proxy: int) -> None:
    assume(proxy == PLURALKIT or not set(before + after) & set("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"))
    assume(text.translate({60: None, 62: None}).strip())
    assert authors(copy_of(text, proxy), original(f"{before}{text}{after}")) == [MIRA]


@given(words, words, proxies)
def test_words_that_were_not_written_are_never_found(text: str, other: str, proxy: int) -> None:
    bare = other.translate({60: None, 62: None}).strip()
    assume(bare and bare not in text.translate({60: None, 62: None}))
    assume(proxy == TUPPERBOX or not bare.startswith("@"))
    assert authors(copy_of(other, proxy), original(text)) == []


@pytest.mark.parametrize("copied", ["Hello", "HELLO", "hello there", "hell o", "ello!"])
def test_other_words_or_another_case_are_not_found(copied: str) -> None:
    assert authors(copy_of(copied), original("[hello]")) == []


def test_a_word_out_of_a_long_message_is_no_copy_of_it() -> None:
    assert authors(copy_of("yes"), original("a" * 200 + "yes")) == []
    assert authors(copy_of("yes"), original("yes" + "a" * 200)) == []


def test_a_mention_in_front_of_the_tags_stands_in_front_of_the_copy() -> None:
    assert authors(copy_of("<@55> hello"), original("<@55> [hello]")) == [MIRA]
    assert authors(copy_of("<@!55>  hello"), original("<@!55>[hello]")) == [MIRA]
    assert authors(copy_of("<@56> hello"), original("<@55> [hello]")) == []


def test_it_must_have_been_written_here_and_a_moment_before() -> None:
    assert authors(copy_of("hello", seconds=15), original("[hello]")) == [MIRA]
    assert authors(copy_of("hello", seconds=15.1), original("[hello]")) == []
    assert authors(copy_of("hello", seconds=-1), original("[hello]")) == []
    assert authors(copy_of("hello"), replace(original("[hello]"), channel_id=71)) == []


def test_a_message_that_got_its_tags_by_an_edit_is_found() -> None:
    assert authors(copy_of("hello"), original("helo", "[hello]")) == [MIRA]


def test_a_picture_without_words_is_found_by_its_name_and_size() -> None:
    written = original("[]", attached=[PICTURE])
    assert authors(copy_of("", attached=[PICTURE]), written) == [MIRA]
    assert authors(copy_of("", attached=[replace(PICTURE, size=1)]), written) == []
    assert authors(copy_of("", attached=[PICTURE, PICTURE]), written) == []
    assert authors(copy_of(""), written) == []
    assert authors(copy_of("", attached=[PICTURE]), original("a" * 300, attached=[PICTURE])) == []


def test_files_that_were_not_there_are_no_copy() -> None:
    assert authors(copy_of("hello", attached=[PICTURE]), original("[hello]")) == []
    assert authors(copy_of("hello", attached=[PICTURE]), original("[hello]", attached=[PICTURE, SONG])) == [MIRA]


def test_a_message_gives_one_copy() -> None:
    written = original("[hello]")
    (first,) = match(copy_of("hello"), [written], WINDOW)
    (second,) = match(copy_of("hello", seconds=2), [take(first)], WINDOW)
    assert second.part is None


def test_what_did_not_fit_into_one_copy_is_known_as_a_part_of_the_same() -> None:
    (first,) = match(copy_of("hello", attached=[PICTURE]), [original("[hello]", attached=[PICTURE, SONG])], WINDOW)
    (rest,) = match(copy_of("", attached=[SONG]), [take(first)], WINDOW)
    assert rest.part is None


def test_tupperbox_makes_a_copy_of_each_line_with_tags() -> None:
    written = original("A: hi\nB: and bye\nA: hi")
    for text in ("hi", "and bye", "hi"):
        (found,) = match(copy_of(text, TUPPERBOX), [written], WINDOW)
        written = take(found)
    (none,) = match(copy_of("hi", TUPPERBOX), [written], WINDOW)
    assert none.part is None


def test_of_several_people_only_the_one_whose_message_is_gone_is_meant() -> None:
    written = [original("lol"), original("[lol]", author=NOOR)]
    found = match(copy_of("lol"), written, WINDOW)
    assert not are_of_one(found)
    assert pick(found, {written[1].message_id}, 0, 1) == found[1]
    assert pick(found, set(), 0, 1) is None


def test_where_both_are_gone_for_one_copy_nobody_is_meant() -> None:
    """As when someone with a proxy of the same words deletes a message that has none."""
    written = [original("@lil hello"), original("x@lil hello", author=NOOR)]
    found = match(copy_of("@lil hello"), written, WINDOW)
    assert pick(found, {each.message_id for each in written}, 0, 1) is None


def test_two_copies_of_two_people_with_the_same_words_are_one_for_each() -> None:
    written = [original("[lol]"), original("n:lol", author=NOOR)]
    gone = {each.message_id for each in written}
    first = pick(match(copy_of("lol"), written, WINDOW), gone, 0, 2)
    second = pick(match(copy_of("lol"), written, WINDOW), gone, 1, 2)
    assert first is not None
    assert second is not None
    assert [first.original.author_id, second.original.author_id] == [MIRA, NOOR]


def test_of_ones_own_messages_the_first_that_is_gone_is_meant() -> None:
    written = [original("lol"), original("[lol]", seconds=0.1)]
    found = match(copy_of("lol"), written, WINDOW)
    assert are_of_one(found)
    assert pick(found, {written[1].message_id}, 0, 1) == found[1]


LINK = "https://discord.com/channels/80/70/123"


@pytest.mark.parametrize(
    ("author", "description", "message_id"),
    [
        ("Lilith\u2004↩️", f"**[Reply to:]({LINK})** hello", 123),
        ("Lilith\u2004↩️", f"*[(click to see attachment)]({LINK})*", 123),
        ("Lilith ↩️", f"[Reply to]({LINK})", 123),
        ("Lilith ↩", f"[jump]({LINK.replace('discord.com', 'canary.discord.com')})", 123),
        ("Lilith", f"**[Reply to:]({LINK})** hello", None),
        ("Lilith ↩️", f"hello [there]({LINK})", None),
        ("Lilith ↩️", f"**[Reply to:]({LINK.replace('/70/', '/71/')})** elsewhere", None),
        ("Lilith ↩️", "**[Reply to:](https://a.example/channels/80/70/123)**", None),
        ("", "", None),
    ],
)
def test_a_reply_is_read_from_its_box(author: str, description: str, message_id: int | None) -> None:
    assert replied_to(author, description, HERE.channel_id) == message_id
