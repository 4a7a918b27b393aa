"""The closed set of error kinds; each carries the sentence a person is told and what to do next."""

import sys
import traceback
from enum import IntEnum


class ExitCode(IntEnum):
    """What the command `tzurot` ends with; a contract with whoever starts it."""

    DONE = 0
    FAILED = 1
    MISUSED = 2
    PROTECTED = 3


class TzurotError(Exception):
    """What went wrong, as one sentence for a person, and optionally the remedy as a second one."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        """Both sentences, as they are shown on a terminal."""
        return join(self.message, self.remedy)


def join(message: str, remedy: str) -> str:
    """The message and its remedy; a message of several lines ends in a line end, and the remedy stands below it."""
    space = "" if message.endswith("\n") else " "
    return f"{message}{space}{remedy}".strip()


class NotFoundError(TzurotError):
    """Something that was named does not exist."""


class ConflictError(TzurotError):
    """Something of that key is already there; `constraint` names the columns where the database found it."""

    constraint = ""


class InvalidInputError(TzurotError):
    """A person's input does not have the expected form."""


class NotAllowedError(TzurotError):
    """The person may not do this, or not here."""


class UnavailableError(TzurotError):
    """A service outside (Discord, AI, login, bucket) failed or did not answer in time."""

    retry_after_seconds: float | None = None


class UncertainError(UnavailableError):
    """A service outside did not say whether it has done what it was asked for."""


class UnreadableError(TzurotError):
    """A file or record is there but can't be read; unreadable is never empty."""


class StorageError(TzurotError):
    """The database refused a write or a read: disk full, read-only volume, I/O error."""


class DamagedError(StorageError):
    """The database's file is there, but is no sound database."""


class BusyError(StorageError):
    """Another connection held the database's lock for longer than the busy timeout."""


class ConfigurationError(TzurotError):
    """Settings are missing or malformed, or a credential is wrong."""

    exit_code = ExitCode.MISUSED


class ProtectedError(TzurotError):
    """Refused, because going on could lose or damage data."""

    exit_code = ExitCode.PROTECTED


def trace(error: BaseException | None = None) -> str:
    """Where an unexpected error (or the one being handled) came from, without its text, which may hold secrets."""
    error = error or sys.exception()
    steps = "".join(traceback.format_tb(error.__traceback__)) if error else ""
    return f"{type(error).__name__}\n{steps}".rstrip()
