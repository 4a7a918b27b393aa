"""What a check found: one line, and the remedy where one is needed."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Fine, worth a look, or something that keeps the bot from working or its data from being safe."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    name: str
    verdict: Verdict
    found: str
    remedy: str = ""


def ok(name: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(name, Verdict.OK, found)


def warn(name: str, found: str, remedy: str) -> Finding:
    """The bot works, and yet someone should look."""
    return Finding(name, Verdict.WARN, found, remedy)


def fail(name: str, found: str, remedy: str) -> Finding:
    """Something must be mended."""
    return Finding(name, Verdict.FAIL, found, remedy)
