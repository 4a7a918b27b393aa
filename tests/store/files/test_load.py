"""A database written as a folder and loaded again is the same database, every row and column of it."""

from itertools import count
from typing import Any

import pytest

from bot.store.engine import connect, opened
from bot.store.files.folder import JsonFolder
from bot.store.files.plan import Format
from bot.store.files.rest import REST_TABLES
from bot.store.inspection import TABLES
from bot.store.storage import OWN_TABLES
from tests.store.files.lived import live, read_in, state_of, write_out

FORMATS = pytest.mark.parametrize("target", list(Format))
NUMBERS = count()


def test_the_folder_follows_every_table_but_those_about_this_database(legacy: Any) -> None:
    legacy.bring_in()
    with opened(connect(legacy.database, "ro", 1)) as connection:
        tables = {row["name"] for row in connection.execute(TABLES)}
    assert {table.name for table in REST_TABLES} == tables - OWN_TABLES - {"_sqlite_migrations"}


@FORMATS
def test_a_database_that_lived_comes_back_the_same(legacy: Any, folder: JsonFolder, target: Format) -> None:
    legacy.bring_in()
    live(legacy)
    write_out(legacy, folder, target)
    report = read_in(legacy, folder, folder.path.with_suffix(".db"))
    expected = state_of(legacy.database)
    assert state_of(folder.path.with_suffix(".db")) == expected
    assert {name: count.read for name, count in report.tables.items()} == {
        table.name: len(expected[table.name]) for table in REST_TABLES
    }
    assert report.rejects == []
