"""`python -m bot`, also installed as the command `tzurot`."""

import contextlib
import os
import sys

from bot.cli import main as command_line
from bot.errors import ExitCode


def main() -> None:
    """Run the command line, and leave without the interpreter's own end.

    A thread of the bucket's client that still gives a result back at that moment would abort the whole process.
    """
    code: object = ExitCode.FAILED
    try:
        command_line.main()
    except SystemExit as end:
        code = end.code
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
    os._exit(code if isinstance(code, int) else ExitCode.FAILED)


if __name__ == "__main__":
    main()
