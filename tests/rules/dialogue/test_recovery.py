"""What becomes of a turn that was left unfinished."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.model import Spoken
from bot.rules.dialogue.recovery import adopted, is_too_old
from bot.rules.dialogue.speech import dm_text, undo_dm_text

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def spoken(*texts: str) -> list[Spoken]:
    return [Spoken(number, text, "Lilith") for number, text in enumerate(texts, start=1)]


@pytest.mark.parametrize(("seconds", "expected"), [(0, False), (899, False), (900, True)])
def test_the_limit_is_no_longer_in_time(seconds: int, *, expected: bool) -> None:
    assert is_too_old(NOON, NOON + timedelta(seconds=seconds), timedelta(seconds=900)) is expected


@pytest.mark.parametrize(
    ("said", "ids"),
    [
        ((), []),
        (("one",), [1]),
        (("other", "one", "two"), [2, 3]),
        (("one", "other", "two", "three", "one"), [1, 3, 4]),
        (("two", "three"), []),
        ((" one\n",), [1]),
        (("one more",), []),
    ],
)
def test_what_was_said_is_found_in_order_and_only_from_the_first_missing_message_on(
    said: tuple[str, ...], ids: list[int]
) -> None:
    assert adopted(["one", "two", "three"], spoken(*said)) == ids


@pytest.mark.parametrize("text", ["hello", "**Baba:** said she:\n\n**so:** there", ""])
def test_a_direct_message_gives_back_name_and_text(text: str) -> None:
    assert undo_dm_text(dm_text("Lilith: the *first*", text)) == ("Lilith: the first", text)


def test_another_direct_message_of_the_bot_is_no_personalitys() -> None:
    assert undo_dm_text("You are **logged in**: welcome.") is None
