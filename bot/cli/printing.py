"""How commands show things: tables and pairs that stay right on narrow terminals, and plain aligned text in a pipe."""

import sys
from collections.abc import Iterable, Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.style import Style
from rich.table import Table
from rich.text import Text

ENDLESS = 100_000
"""The width of a pipe: nothing is wrapped or cut there."""

UNITS = ("bytes", "KB", "MB", "GB", "TB")
THOUSAND = 1000


def is_terminal() -> bool:
    """Whether a person is looking."""
    return sys.stdout.isatty()


def console() -> Console:
    """Standard output: with colours on a terminal, without any in a pipe."""
    if is_terminal():
        return Console(highlight=False)
    return Console(highlight=False, force_terminal=False, no_color=True, color_system=None, width=ENDLESS)


def printable(text: str) -> str:
    """The text in one line, with control characters spelled out so that stored data can't drive the terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show(text: str, style: str | Style = "") -> None:
    """One line; on a terminal it is wrapped between words."""
    console().print(Text(printable(text), style))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """A table with its columns aligned; `right` are the positions of those that hold numbers."""
    if not is_terminal():
        _write_plain([columns, *rows], right)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for position, name in enumerate(columns):
        justify: JustifyMethod = "right" if position in right else "left"
        table.add_column(Text(printable(name)), justify=justify, overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console().print(table)


def _write_plain(lines: Sequence[Sequence[str]], right: frozenset[int]) -> None:
    """The same without rich, which takes seconds for ten thousand rows."""
    cells = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        padded = (_pad(cell, width, i in right) for i, (cell, width) in enumerate(zip(line, widths, strict=True)))
        sys.stdout.write("  ".join(padded).rstrip() + "\n")


def _pad(cell: str, width: int, is_right: bool) -> str:
    space = " " * (width - cell_len(cell))
    return space + cell if is_right else cell + space


def print_pairs(pairs: Mapping[str, str | Text]) -> None:
    """Names on the left, what is known of them on the right."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs.items():
        table.add_row(name, value if isinstance(value, Text) else Text(printable(value)))
    print_aligned(table)


def print_aligned(table: Table) -> None:
    """A table of rich's; in a pipe without colours, wrapping and trailing spaces."""
    target = console()
    if is_terminal():
        target.print(table)
        return
    with target.capture() as captured:
        target.print(table)
    for line in captured.get().splitlines():
        sys.stdout.write(line.rstrip() + "\n")


def size(byte_count: float) -> str:
    """`1.4 MB`: decimal units, as disks and buckets are sold."""
    unit = 0
    while byte_count >= THOUSAND and unit < len(UNITS) - 1:
        byte_count /= THOUSAND
        unit += 1
    return f"{byte_count:.0f} {UNITS[unit]}" if unit == 0 else f"{byte_count:.1f} {UNITS[unit]}"
