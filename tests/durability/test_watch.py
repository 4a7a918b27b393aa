from pathlib import Path

import pytest

from bot.durability.presence import LOCK_NAME
from tests.durability.conftest import Container, children, is_alive, until


@pytest.mark.parametrize("name", ["tzurot.db", LOCK_NAME])
def test_a_volume_taken_away_under_the_bot_ends_it_and_the_next_start_has_every_row(
    container: Container, tmp_path: Path, name: str
) -> None:
    process = container.start(VOLUME_CHECK_INTERVAL_SECONDS="0.1")
    container.event()
    left = children(process.pid)
    (container.volume / name).rename(tmp_path / "moved")
    assert process.wait(9) == 1
    assert f"{name} was removed or replaced" in container.log
    until(lambda: not any(map(is_alive, left)), "the end of both children")
    container.lose_volume()
    assert container.live()["rows"] >= 6


def test_a_database_replaced_under_the_bot_ends_it(container: Container, tmp_path: Path) -> None:
    process = container.start(VOLUME_CHECK_INTERVAL_SECONDS="0.1")
    container.event()
    other = tmp_path / "other.db"
    other.write_bytes(b"something else")
    other.replace(container.database)
    assert process.wait(9) == 1
    assert "was removed or replaced" in container.log
    assert container.database.read_bytes() == b"something else"
