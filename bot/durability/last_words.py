"""Why a child process ended, in its own words: a pipe that it inherits, and into which it writes one sentence."""

import contextlib
import os
from collections.abc import Iterator

LIMIT_BYTES = 4096
"""What any pipe takes at once, so that nobody waits for a reader."""


class LastWords:
    """The parent's side of the pipe; `fd` is what the child writes to."""

    def __init__(self) -> None:
        self._reading, self.fd = os.pipe()
        os.set_blocking(self._reading, False)
        self._is_handed_over = False

    def hand_over(self) -> None:
        """Close the child's end here, once the child has it."""
        if not self._is_handed_over:
            self._is_handed_over = True
            os.close(self.fd)

    def read(self) -> str:
        """What the child said, empty if nothing; call it when the child has ended."""
        try:
            return os.read(self._reading, LIMIT_BYTES).decode(errors="replace")
        except BlockingIOError:  # somebody else still has the child's end, and said nothing
            return ""

    def close(self) -> None:
        """Close what is open."""
        self.hand_over()
        os.close(self._reading)


@contextlib.contextmanager
def last_words() -> Iterator[LastWords]:
    """A pipe for one child's last words."""
    words = LastWords()
    try:
        yield words
    finally:
        words.close()


def say_last(fd: int, sentence: str) -> None:
    """Tell the parent process why this one ends."""
    with contextlib.suppress(BrokenPipeError):  # then the parent has ended, and nobody asks
        os.write(fd, sentence.encode()[:LIMIT_BYTES])
