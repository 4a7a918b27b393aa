"""Which personalities are offered while somebody types, in which order, and how they are shown."""

from hypothesis import given
from hypothesis import strategies as st

from bot.rules.commands.choices import CHOICE_LENGTH, CHOICES_MAX, Choice, Found, choose

names = st.text(min_size=1, max_size=120)
founds = st.builds(
    Found, names, names, st.none() | names.map(str.lower), st.none() | names.map(lambda n: n[:100]), st.booleans()
)


def found(name: str, alias: str | None = None, *, is_own: bool = False) -> Found:
    return Found(name, name.title(), alias, name, is_own)


def test_own_ones_come_first_then_what_begins_with_it_then_what_holds_it() -> None:
    given = [
        found("ball"),
        found("cabal"),
        found("zeta", "bale"),
        found("abalone", is_own=True),
        found("bat", is_own=True),
    ]
    assert [choice.value for choice in choose(given, "ba")] == ["bat", "abalone", "ball", "zeta", "cabal"]


def test_a_personality_stands_there_once_by_the_name_that_fits_best() -> None:
    offered = choose([found("lilith", "mother of lil"), found("lilith", "lil"), found("lilith")], "lil")
    assert offered == [Choice("Lilith", "lilith")]
    assert choose([found("lilith", "queen"), found("lilith", "my queen")], "q") == [Choice("Lilith · queen", "lilith")]


def test_a_display_name_stands_beside_the_full_name_it_does_not_tell() -> None:
    assert choose([Found("lilith-tzel", "Lilith", None, "lilith-tzel", is_own=False)], "") == [
        Choice("Lilith (lilith-tzel)", "lilith-tzel")
    ]


def test_what_has_no_name_short_enough_is_left_out() -> None:
    assert choose([Found("x" * 101, "X", None, None, is_own=True)], "") == []


@given(st.lists(founds, max_size=60), st.text(max_size=5).map(str.lower))
def test_whatever_is_found_discord_takes_the_choices(many: list[Found], typed: str) -> None:
    offered = choose(many, typed)
    assert len(offered) <= CHOICES_MAX
    assert all(1 <= len(choice.label) <= CHOICE_LENGTH for choice in offered)
    assert all(1 <= len(choice.value) <= CHOICE_LENGTH for choice in offered)
