"""Of which releases somebody hears, by their level and what they heard of last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InvalidInputError
from bot.rules.releases import (
    LENGTH_LIMIT,
    USUAL,
    Level,
    Release,
    Version,
    compose,
    due,
    heading,
    level_of,
    read_level,
    read_version,
    step_between,
    without_told,
)

VERSIONS = st.builds(Version, *(st.integers(0, 3),) * 3)
RELEASES = st.lists(VERSIONS, unique=True, max_size=12).map(
    lambda versions: tuple(Release(version, f"notes of {version}") for version in versions)
)
ENDING = "-# the end"


def release(text: str, notes: str = "news") -> Release:
    version = read_version(text)
    assert version is not None
    return Release(version, notes)


def shown(releases: tuple[Release, ...]) -> list[str]:
    return [str(one.version) for one in releases]


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.0.0", "3.0.0"),
        ("v2.2.10", "2.2.10"),
        (" 3.1", "3.1.0"),
        ("3.0.0-beta", "3.0.0"),
        ("", None),
        (None, None),
        ("three", None),
        ("1.2.3.4", None),
    ],
)
def test_a_version_is_read_as_people_and_the_original_write_it(text: str | None, version: str | None) -> None:
    found = read_version(text)
    assert (str(found) if found else None) == version


@pytest.mark.parametrize(
    ("level", "told", "expected"),
    [
        (Level.MAJOR, "2.2.10", ["3.0.0"]),
        (Level.MINOR, "2.2.10", ["3.1.0", "3.0.0"]),
        (Level.PATCH, "2.2.10", ["3.1.0", "3.0.1", "3.0.0"]),
        (Level.NONE, "2.2.10", []),
        (Level.PATCH, "3.0.0", ["3.1.0", "3.0.1"]),
        (Level.MINOR, "3.0.1", ["3.1.0"]),
        (Level.PATCH, "3.1.0", []),
        (Level.PATCH, "4.0.0", []),
    ],
)
def test_the_step_from_the_version_before_decides(level: Level, told: str, expected: list[str]) -> None:
    releases = [release("3.0.1"), release("3.1.0"), release("3.0.0")]
    assert shown(due(releases, release(told).version, level)) == expected


def test_the_first_release_with_notes_counts_by_its_step_from_what_was_told() -> None:
    assert shown(due([release("3.0.1")], release("2.2.10").version, Level.MAJOR)) == ["3.0.1"]


@given(RELEASES, VERSIONS, st.sampled_from(Level))
def test_whoever_was_told_of_the_newest_is_due_nothing_and_nothing_old_is_ever_due(
    releases: tuple[Release, ...], told: Version, level: Level
) -> None:
    found = due(releases, told, level)
    assert all(one.version > told for one in found)
    assert list(found) == sorted(found, key=lambda one: one.version, reverse=True)
    if releases:
        newest = max(one.version for one in releases)
        assert due(releases, newest, level) == ()


@given(RELEASES, VERSIONS)
def test_each_level_hears_of_all_that_the_one_above_hears_of(releases: tuple[Release, ...], told: Version) -> None:
    major, minor, patch, nothing = (set(due(releases, told, level)) for level in Level)
    assert nothing <= major <= minor <= patch
    assert patch == {one for one in releases if one.version > told}


@given(RELEASES, VERSIONS, st.sampled_from(Level), st.integers(0, 12))
def test_to_be_told_in_two_goes_is_to_be_told_of_the_same(
    releases: tuple[Release, ...], told: Version, level: Level, cut: int
) -> None:
    early = tuple(sorted(releases, key=lambda one: one.version))[:cut]
    first = due(early, told, level)
    last = max([told, *(one.version for one in early)])
    assert (*due(releases, last, level), *first) == due(releases, told, level)


@given(VERSIONS, VERSIONS)
def test_the_step_is_the_first_number_that_differs(old: Version, new: Version) -> None:
    step = step_between(old, new)
    assert (step is Level.MAJOR) == (old.major != new.major)
    assert step is not Level.MINOR or (old.major == new.major and old.minor != new.minor)


@given(st.lists(st.tuples(VERSIONS, st.text(max_size=2500)), min_size=1, max_size=8, unique_by=lambda one: one[0]))
def test_a_message_fits_begins_with_the_newest_and_ends_with_how_to_hear_less(
    notes: list[tuple[Version, str]],
) -> None:
    releases = sorted((Release(*one) for one in notes), key=lambda one: one.version, reverse=True)
    text = compose(releases, ENDING)
    assert len(text) <= LENGTH_LIMIT
    assert text.startswith(heading(releases[0].version))
    assert text.endswith(ENDING)
    assert without_told(releases, [text]) == ()


def test_what_does_not_fit_is_named() -> None:
    text = compose([release("3.1.0", "x" * 1500), release("3.0.1", "y" * 1500), release("3.0.0")], ENDING)
    assert "Before that came 3.0.1, 3.0.0." in text
    assert "yyy" not in text


def test_only_a_message_of_the_bot_itself_says_that_somebody_was_told() -> None:
    releases = (release("3.1.0"), release("3.0.0"))
    told = compose(releases[1:], ENDING)
    assert without_told(releases, [f"**Lilith:** hm\n{told}", "hello"]) == releases
    assert without_told(releases, ["hello", told]) == releases[:1]


def test_a_level_is_typed_in_any_case_and_an_unknown_one_is_refused_but_read_as_the_usual() -> None:
    assert level_of(" Major ") is Level.MAJOR
    with pytest.raises(InvalidInputError):
        level_of("all")
    assert (read_level("PATCH"), read_level("all")) == (Level.PATCH, USUAL)
