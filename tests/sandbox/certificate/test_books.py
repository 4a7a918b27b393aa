"""The books find what was planted: an answer too few, one too many, a wrong voice, a lost write."""

import pytest

from bot.sandbox.certificate.books import (
    BALANCED,
    Deed,
    DeedKind,
    Line,
    Question,
    acknowledged,
    as_line,
    balance,
    is_answered,
    lost,
)

GARDEN, LOUNGE = 1, 2
VOICE = "Brass Heron"
QUESTIONS = [
    Question(1, GARDEN, 10, VOICE, 1),
    Question(2, GARDEN, 12, VOICE, 2),
    Question(3, LOUNGE, 13, VOICE, 1),
]
LINES = [
    as_line(GARDEN, 11, VOICE, "[q1.1] I thought about it."),
    as_line(LOUNGE, 14, VOICE, "[q3.1] I thought about it."),
    as_line(GARDEN, 15, VOICE, "[q2.1] A long story"),
    as_line(GARDEN, 16, VOICE, "[q2.2] and its end."),
]


def without(message_id: int) -> list[Line]:
    return [line for line in LINES if line.message_id != message_id]


def test_where_each_question_has_its_answer_the_books_balance() -> None:
    assert balance(QUESTIONS, LINES) == BALANCED


def test_a_missed_answer_is_found() -> None:
    found = balance(QUESTIONS, without(11))
    assert found.missed == ("q1 in 1 misses the answer",)
    assert not found.doubled
    assert not is_answered(QUESTIONS[0], without(11))


def test_half_an_answer_is_a_missed_one() -> None:
    assert balance(QUESTIONS, without(16)).missed == ("q2 in 1 misses part 2 of the answer",)
    assert not is_answered(QUESTIONS[1], without(16))
    assert is_answered(QUESTIONS[1], LINES)


def test_what_was_said_in_place_of_an_answer_stands_beside_it() -> None:
    told = as_line(GARDEN, 17, "tzurot", "Something went wrong on my side.", reply_to_id=10)
    (sentence,) = balance(QUESTIONS, [*without(11), told]).missed
    assert sentence.endswith("it was told: Something went wrong on my side.")


@pytest.mark.parametrize("text", ["[q2.2] and its end.", "[q2.2] and its end, in other words."])
def test_a_doubled_answer_is_found_whatever_else_it_says(text: str) -> None:
    found = balance(QUESTIONS, [*LINES, as_line(GARDEN, 20, VOICE, text)])
    assert found.doubled == ("q2 part 2 was said 2 times: 16, 20",)
    assert not found.missed


def test_two_parts_in_one_message_are_both_there() -> None:
    both = as_line(GARDEN, 15, VOICE, "[q2.1] A long story\n\n[q2.2] and its end.")
    assert balance(QUESTIONS, [*LINES[:2], both]) == BALANCED


def test_the_wrong_personality_is_found() -> None:
    wrong = as_line(GARDEN, 11, "Guest Voice 3", "[q1.1] I thought about it.")
    assert balance(QUESTIONS, [*without(11), wrong]).wrong_voice == (
        "q1 was answered by Guest Voice 3 and not by Brass Heron",
    )


def test_an_answer_in_the_wrong_channel_is_found() -> None:
    wrong = as_line(LOUNGE, 21, VOICE, "[q1.1] I thought about it.")
    assert balance(QUESTIONS, [*without(11), wrong]).wrong_voice == ("q1 was answered in 2 and not in 1",)


def test_answers_in_another_order_than_the_questions_of_the_channel_are_found() -> None:
    late = as_line(GARDEN, 30, VOICE, "[q1.1] I thought about it.")
    assert (
        balance(QUESTIONS, [*without(11), late]).out_of_order
        == ("q2 was answered before q1, which had been asked before it",) * 2
    )


def test_parts_in_the_wrong_order_are_found() -> None:
    swapped = [as_line(GARDEN, 15, VOICE, "[q2.2] and its end."), as_line(GARDEN, 16, VOICE, "[q2.1] A long story")]
    assert balance(QUESTIONS, [*LINES[:2], *swapped]).out_of_order


def test_channels_do_not_wait_for_each_other() -> None:
    assert not balance(QUESTIONS, LINES).out_of_order


def test_in_a_direct_message_the_name_stands_before_the_text() -> None:
    line = as_line(GARDEN, 11, "tzurot", "**Brass Heron:** [q1.1] I thought about it.")
    assert line.voice == VOICE


DEEDS = [
    Deed(DeedKind.LOGIN, "login 7", 40),
    Deed(DeedKind.ALIAS, "alias heron of brass-heron", 41),
    Deed(DeedKind.VERIFICATION, "verification 7", 42),
    Deed(DeedKind.PERSONALITY, "personality brass-heron", 43),
]
REPLIES = [
    as_line(GARDEN, 50, "tzurot", "You are logged in until tomorrow. Have fun.", reply_to_id=40),
    as_line(
        GARDEN,
        51,
        "tzurot",
        "**Brass Heron** now also listens to `heron`.\n-# Saved here, and being copied.",
        reply_to_id=41,
    ),
    as_line(GARDEN, 52, "tzurot", "You must be in an NSFW channel for that.", reply_to_id=42),
]


def test_only_what_the_bot_said_is_done_and_copied_counts_as_acknowledged() -> None:
    assert [deed.key for deed in acknowledged(DEEDS, REPLIES)] == ["login 7"]


def test_an_acknowledged_write_that_is_not_there_is_lost() -> None:
    promised = acknowledged(DEEDS, REPLIES)
    assert lost(promised, frozenset({"verification 7"})) == ("login 7",)
    assert lost(promised, frozenset({"login 7"})) == ()
