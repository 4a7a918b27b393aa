"""The engine's errors as the program's kinds, told apart by SQLite's result code and never by message text."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from bot.errors import BusyError, ConflictError, DamagedError, InvalidInputError, StorageError, TzurotError
from bot.store.engine import EngineError, EngineWarning
from bot.store.statement import Value

REFUSALS: tuple[type[Exception], ...] = (EngineError, EngineWarning, OverflowError, UnicodeEncodeError)
"""Everything the engine raises for a statement that it does not run."""

_SENTENCES = {
    "SQLITE_FULL": ("The disk is full: nothing was written.", "Free space on the volume or make it larger."),
    "SQLITE_READONLY": (
        "The database can't be written: the file or its volume is read-only.",
        "Mount the volume writable and give this user write permission on the file and its folder.",
    ),
    "SQLITE_IOERR": (
        "The disk reported an error while the database was read or written: nothing was written.",
        "Check the volume and its free space; what was confirmed before is safe.",
    ),
    "SQLITE_CORRUPT": ("The database file is damaged.", "Restore it with `tzurot restore --to PATH`."),
    "SQLITE_NOTADB": (
        "The file is not an SQLite database.",
        "Check DATABASE_PATH, or restore the database with `tzurot restore --to PATH`.",
    ),
    "SQLITE_CANTOPEN": (
        "The database file can't be opened.",
        "Check that the path exists and that this user may read and write the file and its folder.",
    ),
    "SQLITE_INTERRUPT": (
        "A read took too long and was stopped, because it would have held up writers.",
        "Run it on a copy made by `tzurot backup PATH`.",
    ),
    "SQLITE_NOMEM": ("There is not enough memory for the database.", "Give the container more memory."),
    "SQLITE_TOOBIG": ("A value is too large for the database.", ""),
}

_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB")
_SHORT = ("SQLITE_IOERR_SHORT_READ", "SQLITE_IOERR_CORRUPTFS")
_OUTSIDE = ("FULL", "READONLY", "IOERR", "CANTOPEN", "PERM", "NOMEM", "BUSY", "LOCKED", "INTERRUPT")

_CONSTRAINTS = {
    "UNIQUE constraint failed": "is already there",
    "FOREIGN KEY constraint failed": "refers to something that does not exist, or is still referred to",
    "NOT NULL constraint failed": "is missing",
    "CHECK constraint failed": "does not hold",
}


@contextmanager
def translated() -> Iterator[None]:
    """Raise the program's error kind in place of the engine's."""
    try:
        yield
    except REFUSALS as error:
        raise translate(error) from error


def translate(error: Exception) -> TzurotError:
    """The program's error for one of `REFUSALS`."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidInputError("The text holds half a character (a lone surrogate), which can't be stored.")
    if isinstance(error, OverflowError):
        return InvalidInputError("A number is too large to be stored.")
    name: str = getattr(error, "sqlite_errorname", "SQLITE_MISUSE")
    if name.startswith(("SQLITE_CONSTRAINT", "SQLITE_MISMATCH")):
        return _conflict(str(error))
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return BusyError(
            "The database is locked by another program.",
            remedy="End what else has it open for writing, then try again.",
        )
    for known, (message, remedy) in _SENTENCES.items():
        if name.startswith(known):
            kind = DamagedError if known in _DAMAGED else StorageError
            return kind(message, remedy=remedy)
    return StorageError(f"The database refused a statement ({name}): {error}.")


def comes_from_outside(error: Exception) -> bool:
    """Whether the disk, its rights or another program is to blame, and not what stands in the file."""
    name: str = getattr(error, "sqlite_errorname", "")
    return name.removeprefix("SQLITE_").startswith(_OUTSIDE) and not name.startswith(_SHORT)


def _conflict(message: str) -> ConflictError:
    rule, _, constraint = message.partition(": ")
    says = _CONSTRAINTS.get(rule)
    sentence = f"{constraint or 'A record'} {says}." if says else f"The database refused a value: {message}."
    error = ConflictError(sentence)
    error.constraint = constraint
    return error


def check_text(parameters: Mapping[str, Value]) -> None:
    """Raise InvalidInputError for text that SQLite and PostgreSQL would cut or refuse: NUL, lone surrogates."""
    for name, value in parameters.items():
        if type(value) is str:
            if "\0" in value:
                raise InvalidInputError(f"The text for {name} holds a NUL character, which can't be stored.")
            if not value.isascii():
                _check_surrogates(name, value)


def _check_surrogates(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInputError(
            f"The text for {name} holds half a character (a lone surrogate), which can't be stored."
        ) from None
