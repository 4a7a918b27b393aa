from datetime import UTC, datetime
from pathlib import Path

from bot.durability.volume import quarantine

NOW = datetime(2026, 11, 23, 19, tzinfo=UTC)


def test_two_databases_quarantined_within_a_second_are_both_kept(tmp_path: Path) -> None:
    database = tmp_path / "tzurot.db"
    for content in (b"first", b"second"):
        database.write_bytes(content)
        quarantine(database, NOW)
    assert sorted(file.read_bytes() for file in tmp_path.glob("quarantine-*/tzurot.db")) == [b"first", b"second"]
