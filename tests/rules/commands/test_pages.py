"""Which page of a list is meant."""

import pytest

from bot.rules.commands.pages import turn_to


@pytest.mark.parametrize(
    ("number", "total", "turned"),
    [
        (1, 0, (1, 1)),
        (9, 0, (1, 1)),
        (2, 10, (1, 1)),
        (2, 11, (2, 2)),
        (0, 25, (1, 3)),
        (-3, 25, (1, 3)),
        (99, 30, (3, 3)),
    ],
)
def test_a_page_beyond_an_end_is_that_end(number: int, total: int, turned: tuple[int, int]) -> None:
    assert turn_to(number, total, length=10) == turned
