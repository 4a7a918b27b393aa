"""Which releases somebody is to hear of, and in which words."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import takewhile

from bot.errors import InvalidInputError

VERSION = re.compile(r"\s*v?(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?(?![\d.])")
LENGTH_LIMIT = 2000
NAMING_LIMIT = 150
HEAD = "## What is new in Tzurot "


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version by its three numbers."""

    major: int
    minor: int
    patch: int = 0

    def __str__(self) -> str:
        """As people write it."""
        return f"{self.major}.{self.minor}.{self.patch}"


class Level(StrEnum):
    """The smallest step between two versions that somebody wants to hear of."""

    MAJOR = "major"
    MINOR = "minor"
    PATCH = "patch"
    NONE = "none"


USUAL = Level.MINOR
STEPS = (Level.MAJOR, Level.MINOR, Level.PATCH)
"""From the largest on; who wants to hear of one hears of those before it too."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version, and what is new in it for users."""

    version: Version
    text: str


def read_version(text: str | None) -> Version | None:
    """The version, also as `v3.0` or with something after it; None where that is none."""
    found = VERSION.match(text or "")
    return Version(*(int(number or 0) for number in found.groups())) if found else None


def read_level(stored: str) -> Level:
    """The level in a row; what no version of the program wrote counts as the usual one."""
    try:
        return Level(stored.strip().lower())
    except ValueError:
        return USUAL


def level_of(typed: str) -> Level:
    """The level that somebody types; raises InvalidInputError."""
    try:
        return Level(typed.strip().lower())
    except ValueError:
        raise InvalidInputError("There are the levels `major`, `minor`, `patch` and `none`.") from None


def step_between(old: Version, new: Version) -> Level:
    """Which of the numbers is the first that differs."""
    if new.major != old.major:
        return Level.MAJOR
    return Level.MINOR if new.minor != old.minor else Level.PATCH


def due(releases: Iterable[Release], told: Version, level: Level) -> tuple[Release, ...]:
    """Those after the version somebody was told of last that are a large enough step, the newest first."""
    wanted = STEPS[: STEPS.index(level) + 1] if level is not Level.NONE else ()
    return tuple(release for step, release in reversed(list(_steps(releases, told))) if step in wanted)


def _steps(releases: Iterable[Release], told: Version) -> Iterator[tuple[Level, Release]]:
    """Each release after that version, with its step from the one before it."""
    last = told
    for release in sorted(releases, key=lambda release: release.version):
        if release.version > told:
            yield step_between(last, release.version), release
            last = release.version


def heading(version: Version) -> str:
    """The line over a release's notes, by which they are known again."""
    return f"{HEAD}{version}"


def without_told(releases: Iterable[Release], said: Iterable[str]) -> tuple[Release, ...]:
    """Those after the newest of which a message of the bot, and no personality in it, has told already."""
    lines = {line.strip() for message in said if message.startswith(HEAD) for line in message.splitlines()}
    left = takewhile(lambda release: heading(release.version) not in lines, releases)
    return tuple(left)


def compose(releases: Sequence[Release], ending: str) -> str:
    """One message, the newest first; those that do not fit are only named."""
    text, shown = "", 0
    room = LENGTH_LIMIT - NAMING_LIMIT - len(ending) - 2
    for release in releases:
        longer = f"{text}\n{heading(release.version)}\n{release.text.strip()}".strip()
        if len(longer) > room and shown:
            break
        text, shown = longer[:room], shown + 1
    before = ", ".join(str(release.version) for release in releases[shown:])
    named = f"Before that came {before}"[: NAMING_LIMIT - 1] + "." if before else ""
    return "\n".join(part for part in (text, named, ending) if part)
