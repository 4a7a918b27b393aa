"""The step from databases in which nothing tells what the original was told about context."""

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from sqlite_utils import Database

from bot.store.engine import connect

PERSON = (
    "INSERT INTO personalities (full_name, name_lower, display_name, added_at, metadata, extra)"
    " VALUES (:name, :name, :name, '2026-01-01T00:00:00.000Z', '{\"x\":1}', :extra)"
)


@pytest.mark.parametrize(
    ("extra", "metadata"),
    [
        ({"configuration": {"disableContextMetadata": True}}, {"x": 1, "context": False}),
        ({"configuration": {"disableContextMetadata": False}}, {"x": 1, "context": True}),
        ({"configuration": {"disableContextMetadata": "yes"}}, {"x": 1}),
        ({"configuration": None}, {"x": 1}),
        ({"other": 1}, {"x": 1}),
        (None, {"x": 1}),
    ],
)
def test_what_an_import_has_kept_of_the_context_counts_afterwards(
    tmp_path: Path, extra: dict[str, object] | None, metadata: dict[str, object]
) -> None:
    from schema.migrations import migrations  # noqa: PLC0415 - other tests replace the module

    with closing(connect(tmp_path / "old.db", "rwc", 1)) as connection:
        database = Database(connection)
        migrations.apply(database, stop_before="0011_commands")
        connection.execute(PERSON, {"name": "rook", "extra": orjson.dumps(extra).decode() if extra else None})
        migrations.apply(database)
        (row,) = connection.execute("SELECT metadata, extra FROM personalities").fetchall()
        assert connection.execute("SELECT count(*) FROM conversation_resets").fetchone()[0] == 0
    assert orjson.loads(row["metadata"]) == metadata
    assert (orjson.loads(row["extra"]) if row["extra"] else None) == extra
