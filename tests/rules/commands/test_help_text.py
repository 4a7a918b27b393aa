"""What the help says of commands, on pages that Discord takes."""

from hypothesis import given
from hypothesis import strategies as st

from bot.rules.commands.help_text import PAGE_LENGTH, Argument, Explained, explain, paged

lines = st.lists(st.text(st.characters(exclude_characters="\n", categories=["L", "P"]), min_size=1, max_size=300))
blocks = st.lists(lines.map(lambda given: ["**Heading**", *given]), max_size=12)


def test_a_command_is_explained_with_all_that_is_known_of_it() -> None:
    add = Explained(
        "!tz add NAME [ALIAS]",
        "Add a personality",
        "everybody who is logged in",
        note="A name of several words goes between quotation marks",
        arguments=(
            Argument("name", "Its full name", is_needed=True),
            Argument("way", "How", is_needed=False, choices=("on", "off")),
        ),
        aliases=("create", "new"),
        example="!tz add lilith lil",
        below=(("add all", "Add all of them"),),
    )
    assert explain(add).splitlines() == [
        "`!tz add NAME [ALIAS]`",
        "Add a personality.",
        "A name of several words goes between quotation marks.",
        "• **name**: Its full name",
        "• **way** (optional): How: on, off",
        "• `add all` Add all of them",
        "Who may use it: everybody who is logged in.",
        "Also called `create`, `new`.",
        "For example `!tz add lilith lil`.",
    ]


def test_what_fits_stands_on_one_page_and_a_heading_without_lines_nowhere() -> None:
    assert paged("head", [["**A**", "one", "two"], ["**B**"], ["**C**", "three"]]) == [
        "head\n\n**A**\none\ntwo\n\n**C**\nthree"
    ]


def test_what_goes_on_on_the_next_page_has_its_heading_there() -> None:
    first, second = paged("head", [["**A**", "a" * 1000, "b" * 1000]])
    assert first == f"head\n\n**A**\n{'a' * 1000}"
    assert second == f"**A**\n{'b' * 1000}"


@given(blocks)
def test_no_page_is_too_long_and_no_line_is_lost(given: list[list[str]]) -> None:
    pages = paged("head", given)
    assert all(0 < len(page) <= PAGE_LENGTH for page in pages)
    kept = [line for page in pages for line in page.split("\n") if line not in ("", "head", "**Heading**")]
    assert kept == [line for _, *block in given for line in block]
