"""The table of dangers names tests that exist, for every row, and every test of this package."""

import re
from pathlib import Path

from tests.durability import dangers

TESTS = Path(__file__).parents[2]
NAMED = re.compile(r"^    (\S+)::(\S+)$", re.MULTILINE)
DEFINED = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)


def defined_in(path: Path) -> set[str]:
    return set(DEFINED.findall(path.read_text()))


def test_every_test_that_the_table_names_exists() -> None:
    named = NAMED.findall(dangers.__doc__ or "")
    assert named
    assert [(file, name) for file, name in named if name not in defined_in(TESTS / file)] == []


def test_every_row_of_the_table_names_a_test() -> None:
    rows = (dangers.__doc__ or "").split("\n| ")[1:]
    assert [row for row in rows if not NAMED.search(row)] == []


def test_every_test_of_this_package_stands_in_the_table() -> None:
    here = {name for path in Path(__file__).parent.glob("test_*.py") for name in defined_in(path)}
    named = {name for _, name in NAMED.findall(dangers.__doc__ or "")}
    assert here - named == defined_in(Path(__file__))
