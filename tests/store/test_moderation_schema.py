"""The step from databases and folders in which a ban counts everywhere and for ever."""

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlite_utils import Database

from bot.errors import ConflictError
from bot.model import Ban
from bot.store import blacklist, engine
from bot.store.driver import SQLiteStore
from bot.store.engine import connect, opened
from bot.store.files.rest.reading import RestFile
from bot.store.files.rest.restoring import Restorer
from bot.store.files.rest.tables import REST_TABLES
from tests.store.conftest import NOW
from tests.store.files.lived import empty_database

BAN = "INSERT INTO blacklist VALUES (5, 'spam', 6, '2026-01-01T00:00:00.000Z', '{\"a\":1}')"
CHANGE = (
    "INSERT INTO changes (id, changed_at, changed_by, kind, action, subject, before, batch, undone_by, is_undo)"
    " VALUES (:id, '2026-01-01T00:00:00.000Z', 7, 'alias', 'put', 'a', '{}', 'b', 'c', 1)"
)
INDEXES = "SELECT name FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('changes', 'blacklist') AND sql > ''"


@pytest.mark.parametrize("given", [0, 1, 900])
def test_bans_and_changes_go_over_whole_and_no_number_is_given_twice(tmp_path: Path, given: int) -> None:
    from schema.migrations import migrations  # noqa: PLC0415 - other tests replace the module

    with closing(connect(tmp_path / "old.db", "rwc", 1)) as connection:
        database = Database(connection)
        migrations.apply(database, stop_before="0008_moderation")
        connection.execute(BAN)
        if given:
            connection.execute(CHANGE, {"id": given})
            connection.execute(CHANGE, {"id": given + 5})
            connection.execute("DELETE FROM changes WHERE id = :id", {"id": given + 5})
        migrations.apply(database)
        bans = [tuple(row) for row in connection.execute("SELECT * FROM blacklist")]
        changes = [tuple(row) for row in connection.execute("SELECT * FROM changes")]
        indexes = {row["name"] for row in connection.execute(INDEXES)}
        (number,) = connection.execute(
            "INSERT INTO changes (changed_at, changed_by, kind, action, subject)"
            " VALUES ('', 1, 'message', 'delete', '9') RETURNING id"
        ).fetchone()
    assert bans == [(5, 0, "spam", 6, "2026-01-01T00:00:00.000Z", None, '{"a":1}')]
    expected = (given, "2026-01-01T00:00:00.000Z", 7, "alias", "put", "a", "{}", "b", "c", 1)
    assert changes == ([expected] if given else [])
    assert number == (given + 6 if given else 1)
    assert indexes == {
        *("idx_changes_changed_at", "idx_changes_subject", "idx_changes_changed_by", "idx_changes_batch"),
        *("idx_blacklist_guild_id", "idx_blacklist_expires_at"),
    }


def test_a_folder_from_before_gives_bans_that_count_everywhere_and_for_ever(tmp_path: Path) -> None:
    (table,) = [table for table in REST_TABLES if table.name == "blacklist"]
    old = tmp_path / "blacklist.json"
    columns = ["user_id", "reason", "blacklisted_by", "blacklisted_at", "extra"]
    head = orjson.dumps({"table": "blacklist", "columns": columns, "total": 1})[:-1]
    old.write_bytes(head + b',"rows":[\n[5,"spam",6,"2026-01-01T00:00:00.000Z",null]\n]}\n')
    file = RestFile.open(table, old)
    (tmp_path / "new.db").write_bytes(empty_database())
    with opened(engine.connect(tmp_path / "new.db", "rw", 1)) as connection:
        Restorer(connection, lambda *_: None).restore(file)
        rows = [tuple(row) for row in connection.execute("SELECT * FROM blacklist")]
    assert rows == [(5, 0, "spam", 6, "2026-01-01T00:00:00.000Z", None, None)]
    assert list(file.rows()) == [
        dict(zip(columns, (5, "spam", 6, "2026-01-01T00:00:00.000Z", None), strict=True))
        | {"guild_id": 0, "expires_at": None}
    ]


async def test_a_ban_of_nobody_everywhere_is_refused(store: SQLiteStore) -> None:
    with pytest.raises(ConflictError):
        await store.write(blacklist.put(Ban(0, 1, NOW)))


@pytest.mark.parametrize(
    ("ban", "is_barred_here", "is_barred_elsewhere", "is_barred_in_private"),
    [
        (Ban(5, 1, NOW), True, True, True),
        (Ban(5, 1, NOW, guild_id=4), True, False, False),
        (Ban(0, 1, NOW, guild_id=4), True, False, False),
        (Ban(6, 1, NOW), False, False, False),
        (Ban(5, 1, NOW, expires_at=NOW), False, False, False),
        (Ban(5, 1, NOW, expires_at=NOW + timedelta(milliseconds=1)), True, True, True),
    ],
)  # fmt: skip
async def test_a_ban_counts_where_and_as_long_as_it_says(
    store: SQLiteStore, ban: Ban, *, is_barred_here: bool, is_barred_elsewhere: bool, is_barred_in_private: bool
) -> None:
    await store.write(blacklist.put(ban))
    for guild_id, expected in ((4, is_barred_here), (9, is_barred_elsewhere), (None, is_barred_in_private)):
        found = await store.look_up(blacklist.find_barring(5, guild_id, NOW))
        assert found == ([ban] if expected else []), guild_id
