"""Under which name a personality speaks, and how it is known by it again."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import Personality
from bot.rules.dialogue.speech import DM_LIMIT, dm_text, name_ranges, shown_name, spoken_name, undo_dm_text

NOW = datetime(2026, 11, 23, tzinfo=UTC)
WORDS = st.sampled_from(
    ["Clyde", "DISCORD", "discordia", "clydediscord", "Lilith", "é", "🦊", "👩\u200d💻", "-", "x" * 15]
)
NAMES = st.lists(WORDS, min_size=1, max_size=12).map(" ".join) | st.text(min_size=1, max_size=120)


def _named(display_name: str, full_name: str = "full-name") -> Personality:
    return Personality(full_name, display_name, 7, NOW)


@pytest.mark.parametrize("nothing", ["", "   ", "\u200b", "\u2060\u200d", "\u3164", "\u2800 \u115f", "\x07"])
def test_a_personality_whose_name_shows_nothing_speaks_under_its_full_name(nothing: str) -> None:
    for is_dm in (False, True):
        assert shown_name(spoken_name(_named(nothing)), is_dm=is_dm) == "full-name"


@pytest.mark.parametrize(
    ("display_name", "shown"),
    [
        ("Clyde", "Cly·de"),
        ("Discord", "Dis·cord"),
        ("The CLYDE of dIsCoRd", "The CLY·DE of dIs·CoRd"),
        ("Bonny \n and\tBlythe", "Bonny and Blythe"),
        ("x" * 100, "x" * 80),
        ("x" * 79 + "e\u0301", "x" * 79),
    ],
)
def test_a_name_that_discord_forbids_stays_readable(display_name: str, shown: str) -> None:
    assert shown_name(display_name, is_dm=False) == shown


@given(NAMES.filter(lambda name: name == " ".join(name.split()) and name.isprintable()))
def test_the_display_name_lies_between_those_that_may_be_shown_like_this(name: str) -> None:
    shown = shown_name(spoken_name(_named(name, name)), is_dm=False)
    assert any(low <= name <= high for low, high in name_ranges(shown))


@given(NAMES.filter(str.strip), st.text(min_size=1, max_size=50))
def test_a_direct_message_tells_name_and_text_apart_again(name: str, text: str) -> None:
    said = undo_dm_text(dm_text(name, text))
    assert said == (shown_name(name, is_dm=True), text)
    assert len(dm_text(name, "x" * DM_LIMIT)) <= 2000
