"""Whose answer a message is that no row knows any more."""

from dataclasses import dataclass
from itertools import count

from hypothesis import assume, given
from hypothesis import strategies as st

from bot.model import Spoken
from bot.rules.dialogue.adoption import Asked, adopt, said_anew
from bot.rules.dialogue.splitting import split

LIMIT = 40
NAMES = ("Lilith", "Baba")


def spoken(number: int, text: str = "yes", name: str = "Lilith") -> Spoken:
    return Spoken(number, text, name)


def test_each_answer_goes_to_the_first_message_that_waits_for_it() -> None:
    written: list[Asked | Spoken] = [Asked(1, "Lilith"), Asked(2, "Lilith"), spoken(3), spoken(4), Asked(5, "Lilith")]
    assert adopt(written, (), LIMIT) == {1: [3], 2: [4]}


def test_what_follows_a_full_message_is_the_same_answer() -> None:
    first, second, third = split("a" * 35 + "\n\n" + "b" * 35 + "\n\n" + "c" * 10, LIMIT)
    written: list[Asked | Spoken] = [
        Asked(1, "Lilith"),
        Asked(2, "Lilith"),
        spoken(3, first),
        spoken(4, second),
        spoken(5, third),
    ]
    assert adopt(written, (), LIMIT) == {1: [3, 4, 5]}


def test_what_would_have_fitted_into_the_message_before_is_another_answer() -> None:
    written: list[Asked | Spoken] = [
        Asked(1, "Lilith"),
        Asked(2, "Lilith"),
        spoken(3, "a" * 20),
        spoken(4, "b" * 10 + "\n\n" + "c" * 20),
    ]
    assert adopt(written, (), LIMIT) == {1: [3], 2: [4]}


def test_a_code_block_that_was_cut_is_one_answer() -> None:
    parts = split("```python\n" + "x = 1\n" * 12 + "```", LIMIT)
    said = [spoken(number, part) for number, part in enumerate(parts, start=2)]
    assert len(parts) > 1
    assert adopt([Asked(1, "Lilith"), *said], (), LIMIT) == {1: [message.message_id for message in said]}


def test_another_name_is_another_answer() -> None:
    written: list[Asked | Spoken] = [
        Asked(1, "Lilith"),
        Asked(2, "Baba"),
        spoken(3, "a" * 40, "Baba"),
        spoken(4, "b" * 40, "Lilith"),
    ]
    assert adopt(written, (), LIMIT) == {2: [3]}


def test_a_known_message_between_two_parts_them() -> None:
    written: list[Asked | Spoken] = [Asked(1, "Lilith"), spoken(2, "a" * 40), spoken(3, "b" * 40), spoken(4, "c" * 40)]
    assert adopt(written, {3}, LIMIT) == {1: [2]}


def test_a_question_between_two_parts_them() -> None:
    written: list[Asked | Spoken] = [Asked(1, "Lilith"), spoken(2, "a" * 40), Asked(3, "Lilith"), spoken(4, "b" * 40)]
    assert adopt(written, (), LIMIT) == {1: [2], 3: [4]}


def test_what_nobody_asked_for_stays_unknown() -> None:
    assert adopt([spoken(1), Asked(2, "Baba"), spoken(3)], (), LIMIT) == {}


@st.composite
def channels(draw: st.DrawFn) -> tuple[list[Asked | Spoken], set[int]]:
    """Any channel whatever, also such as never comes about."""
    numbers = count(1)
    names = st.sampled_from(NAMES)
    texts = st.text("ab \n", min_size=1, max_size=LIMIT).filter(str.strip)
    entry = st.one_of(names.map(lambda name: (name, None)), st.tuples(names, texts))
    written = [
        Asked(next(numbers), name) if text is None else Spoken(next(numbers), text.strip(), name)
        for name, text in draw(st.lists(entry, max_size=12))
    ]
    known = draw(st.sets(st.integers(1, 12)))
    return written, known


@given(channels())
def test_no_message_gets_two_answers_and_no_answer_two_messages_and_the_order_is_kept(
    channel: tuple[list[Asked | Spoken], set[int]],
) -> None:
    written, known = channel
    found = adopt(written, known, LIMIT)
    by_id = {entry.message_id: entry for entry in written}
    given_ids = [sent_id for said in found.values() for sent_id in said]
    assert list(found) == sorted(found)
    assert given_ids == sorted(set(given_ids))
    assert not known & set(given_ids)
    for asked_id, said in found.items():
        asked = by_id[asked_id]
        assert isinstance(asked, Asked)
        assert said
        assert min(said) > asked_id
        assert {getattr(by_id[sent_id], "display_name", None) for sent_id in said} == {asked.name}


@dataclass
class Day:
    """A channel as the bot makes it: questions whenever they come, answers of short words one after the other."""

    written: list[Asked | Spoken]
    answers: dict[int, list[int]]


@st.composite
def days(draw: st.DrawFn) -> Day:
    numbers = count(1)
    day = Day([], {})
    waiting: list[Asked] = []
    paragraph = st.lists(st.text("abc", min_size=1, max_size=6), min_size=1, max_size=20).map(" ".join)
    paragraphs = st.lists(paragraph, min_size=1, max_size=4)
    for name in draw(st.lists(st.one_of(st.sampled_from(NAMES), st.none()), max_size=10)):
        if name is not None:
            waiting.append(Asked(next(numbers), name))
            day.written.append(waiting[-1])
        elif waiting:
            asked = waiting.pop(0)
            parts = split("\n\n".join(draw(paragraphs)), LIMIT)
            said = [Spoken(next(numbers), part, asked.name) for part in parts]
            day.written += said
            day.answers[asked.message_id] = [message.message_id for message in said]
    return day


@given(days())
def test_every_message_that_was_answered_is_known_to_be(day: Day) -> None:
    assume(not _is_ambiguous(day))
    assert adopt(day.written, (), LIMIT) == day.answers


@given(days(), st.data())
def test_whatever_is_known_already_changes_nothing_for_the_rest(day: Day, data: st.DataObject) -> None:
    """The rows of a restore are those of a beginning: what it has lost is the end."""
    assume(not _is_ambiguous(day))
    kept = set(list(day.answers)[: data.draw(st.integers(0, len(day.answers)))])
    known = {sent_id for asked_id in kept for sent_id in day.answers[asked_id]}
    written = [entry for entry in day.written if entry.message_id not in kept]
    lost = {asked_id: said for asked_id, said in day.answers.items() if asked_id not in kept}
    assert adopt(written, known, LIMIT) == lost


def _is_ambiguous(day: Day) -> bool:
    """Whether two whole answers that follow each other look like one that was cut."""
    last = {said[-1] for said in day.answers.values()}
    pairs = zip(day.written, day.written[1:], strict=False)
    return any(
        isinstance(a, Spoken)
        and isinstance(b, Spoken)
        and a.message_id in last
        and len(adopt([Asked(0, a.display_name), a, b], (), LIMIT)[0]) > 1
        for a, b in pairs
    )


def changed(number: int, name: str = "Lilith") -> Spoken:
    return Spoken(number, "anew", name, is_edited=True)


def test_an_answer_that_was_changed_is_known_whatever_it_says_now() -> None:
    assert said_anew([], [changed(2), changed(3)], (), "Lilith") == [2, 3]
    assert said_anew([2], [changed(2), changed(3)], [2], "Lilith") == [2, 3]
    assert said_anew([2, 3], [changed(2), spoken(3)], [2, 3], "Lilith") == [2, 3]


def test_a_changed_answer_is_found_behind_what_an_earlier_one_needed_more() -> None:
    assert said_anew([], [spoken(2), changed(3)], [2], "Lilith") == [3]
    assert said_anew([3], [spoken(2), changed(3), spoken(4), changed(5)], [2, 3, 4], "Lilith") == [3]


def test_an_answer_that_was_not_changed_is_no_matter_of_its_own() -> None:
    assert said_anew([], [spoken(2), changed(3)], (), "Lilith") == []
    assert said_anew([2], [spoken(2), spoken(3)], [2], "Lilith") == []


def test_a_changed_message_of_another_answer_does_not_count() -> None:
    assert said_anew([], [changed(2, "Baba")], (), "Lilith") == []
    assert said_anew([], [changed(2)], [2], "Lilith") == []
    assert said_anew([2], [changed(2), spoken(3, name="Baba"), changed(4)], [2], "Lilith") == [2]
