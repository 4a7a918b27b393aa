"""A JSON file read entry by entry, in bounded memory, and with line and column where it can't be read.

The standard library's scanner in pieces instead of a streaming parser: it is as fast, says where a file is
torn, and does not replace half characters in silence.
"""

import codecs
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from bot.errors import UnreadableError
from bot.store.legacy import quick

CHUNK_BYTES = 1 << 20
SURVEY_INTERVAL = 20_000
CUT_LIMIT = 16
"""How far before the end of a piece the scanner may be wrong because a word, a number or an escape is cut in two."""

KINDS = {"{": "an object", "[": "a list", '"': "a text", "t": "true", "f": "false", "n": "null"} | dict.fromkeys(
    "-0123456789", "a number"
)
SPACE = re.compile(r"[ \t\n\r]*")
ENTRY = re.compile(r'[ \t\n\r]*"([^"\\\x00-\x1f]*)"[ \t\n\r]*:[ \t\n\r]*(?=[{"\[])')


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _read_float(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_read_float)


class JsonFile:
    """One file of a data folder; `name` is how it is called in reports.

    `content` is read in place of the file, where it must not lie on a disk.
    """

    def __init__(self, path: Path, name: str, *, holds_list: bool = False, content: bytes | None = None) -> None:
        self.path = path
        self.name = name
        self.holds_list = holds_list
        self._content = content
        self._is_plain = False

    def survey(self) -> Iterator[int]:
        """Read to the end, saying now and then how many entries there were; raises UnreadableError.

        Finds out on the way whether the file can be read in the quick way from now on.
        """
        if not self.holds_list and self._is_large():
            try:
                yield from _count(quick.entries(self.path, self.name))
            except quick.NotPlainError:
                pass  # the scanner says what is wrong, or reads it
            else:
                self._is_plain = True
                return
        yield from _count(self.items() if self.holds_list else self._scanned())

    def entries(self) -> Iterator[tuple[str, Any]]:
        """Key and value of every entry of the object that the file holds."""
        if not self._is_plain:
            yield from self._scanned()
            return
        try:
            yield from quick.entries(self.path, self.name)
        except quick.NotPlainError:
            raise UnreadableError(
                f"{self.name} was changed while it was read.", remedy="Stop the old bot, then import again."
            ) from None

    def _is_large(self) -> bool:
        try:
            return quick.is_large(self.path)
        except OSError:
            return False

    def _scanned(self) -> Iterator[tuple[str, Any]]:
        with self._open() as file:
            text = _Text(file, self.name)
            text.open("{", "an object")
            while text.goes_on("}"):
                yield text.entry()
            text.end()

    def items(self) -> Iterator[Any]:
        """Every element of the list that the file holds."""
        with self._open() as file:
            text = _Text(file, self.name)
            text.open("[", "a list")
            while text.goes_on("]"):
                yield text.value()
            text.end()

    def _open(self) -> BinaryIO:
        if self._content is not None:
            return io.BytesIO(self._content)
        try:
            return self.path.open("rb")
        except IsADirectoryError:
            raise UnreadableError(f"{self.name} is a folder instead of a file.") from None
        except OSError as error:
            raise UnreadableError(f"{self.name} can't be opened: {error.strerror}.") from None


def _count(entries: Iterable[object]) -> Iterator[int]:
    done = 0
    for done, _ in enumerate(entries, start=1):
        if done % SURVEY_INTERVAL == 0:
            yield done
    yield done


class _Text:
    """The text of a file, as much of it as is needed at a time."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self._name = name
        self._decode = codecs.getincrementaldecoder("utf-8-sig")()
        self._text = ""
        self._at = 0
        self._line = 1
        self._column = 1
        self._is_whole = False
        self._is_first = True

    def open(self, bracket: str, expected: str) -> None:
        """Step into the object or list."""
        found = self._peek()
        if found != bracket:
            kind = KINDS.get(found, "something that is no JSON")
            self._fail(f"it holds {kind} where {expected} is expected" if found else "it is empty", self._at)
        self._at += 1

    def goes_on(self, bracket: str) -> bool:
        """Step to the next entry; False after the closing bracket."""
        found = self._peek()
        if found == bracket:
            self._at += 1
            return False
        if not self._is_first:
            if found != ",":
                self._fail("a comma or a closing bracket is missing" if found else "it ends too early", self._at)
            self._at += 1
        self._is_first = False
        return True

    def entry(self) -> tuple[str, Any]:
        """The next key and its value."""
        match = ENTRY.match(self._text, self._at)
        if match:
            self._at = match.end()
            return match[1], self.value()
        if self._peek() != '"':
            self._fail("a key in double quotes is missing", self._at)
        key = self.value()
        if self._peek() != ":":
            self._fail("a colon is missing", self._at)
        self._at += 1
        self._peek()
        return key, self.value()

    def value(self) -> Any:
        """The next value, whole."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not (self._may_be_cut(error) and self._grow()):
                    self._fail(error.msg, error.pos)
            except (ValueError, RecursionError) as error:
                self._fail(str(error), self._at)
            else:
                # A number may be cut in two where the piece ends, and still look whole.
                if end < len(self._text) - CUT_LIMIT or not self._grow():
                    self._at = end
                    return value

    def end(self) -> None:
        """Nothing may follow."""
        if self._peek():
            self._fail("something follows after its end", self._at)

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._text) - CUT_LIMIT

    def _peek(self) -> str:
        while True:
            match = SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._grow():
                return ""

    def _grow(self) -> bool:
        if self._is_whole:
            return False
        self._drop_read()
        try:
            chunk = self._file.read(CHUNK_BYTES)
            self._is_whole = not chunk
            self._text += self._decode.decode(chunk, final=self._is_whole)
        except UnicodeDecodeError as error:
            self._text += error.object[: error.start].decode("utf-8", "replace")
            self._fail("it is not UTF-8", len(self._text))
        except OSError as error:
            raise UnreadableError(f"{self._name} can't be read: {error.strerror}.") from None
        return True

    def _drop_read(self) -> None:
        self._line, self._column = self._position(self._at)
        self._text = self._text[self._at :]
        self._at = 0

    def _position(self, at: int) -> tuple[int, int]:
        newlines = self._text.count("\n", 0, at)
        if newlines == 0:
            return self._line, self._column + at
        return self._line + newlines, at - self._text.rfind("\n", 0, at)

    def _fail(self, what: str, at: int) -> NoReturn:
        line, column = self._position(at)
        raise UnreadableError(f"{self._name} can't be read at line {line}, column {column}: {what}.")
