"""The rest's files: plain JSON, every row of a table once, whatever it holds."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection, connect, opened, roll_back
from bot.store.files.rest.reading import BATCH_ROWS, RestFile
from bot.store.files.rest.restoring import Restorer
from bot.store.files.rest.tables import REST_TABLES
from bot.store.files.rest.writing import ROWS_AT_ONCE, rest_plans
from tests.store.conftest import make_key
from tests.store.files.lived import empty_database

CIPHER = Cipher([make_key(1)])
TABLES = {table.name: table for table in REST_TABLES}
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
INT = st.integers(-(2**63), 2**63 - 1)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[RawConnection]:
    path = tmp_path / "tzurot.db"
    path.write_bytes(empty_database())
    with opened(connect(path, "rw", 1)) as opened_connection:
        opened_connection.execute("BEGIN")
        yield opened_connection


def write(connection: RawConnection, table: str, path: Path) -> RestFile:
    (plan,) = [plan for plan in rest_plans() if table in plan.tables]
    ((name, pieces),) = plan.write(connection, CIPHER)
    assert name == f".tzurot/{table}.json"
    path.write_bytes(b"".join(pieces))
    return RestFile.open(TABLES[table], path)


def rows_of(connection: RawConnection, table: str) -> list[tuple[Any, ...]]:
    rows = connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
    return [tuple(row) for row in rows]


SIZES = (0, 1, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 2 * ROWS_AT_ONCE, BATCH_ROWS, BATCH_ROWS + 1)


@pytest.mark.parametrize("size", SIZES)
def test_every_row_stands_there_once(connection: RawConnection, tmp_path: Path, size: int) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
    chunks = [(number // 3, number % 3, number) for number in range(size)]
    connection.executemany("INSERT INTO turn_chunks VALUES (?, ?, ?)", chunks)
    file = write(connection, "turn_chunks", tmp_path / "chunks.json")
    assert json.loads(file.path.read_bytes()) == {
        "table": "turn_chunks",
        "columns": ["turn_id", "position", "message_id"],
        "total": size,
        "rows": [list(chunk) for chunk in chunks],
    }
    assert [tuple(row) for batch in file.batches() for row in batch] == chunks


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(INT, st.tuples(TEXT, st.none() | TEXT, INT), max_size=8),
    users=st.dictionaries(INT, st.tuples(st.none() | TEXT, st.none() | TEXT), max_size=8),
)
def test_any_value_comes_back_as_it_was(
    connection: RawConnection, tmp_path: Path, changes: dict[int, Any], users: dict[int, Any]
) -> None:
    roll_back(connection)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO changes (id, changed_at, changed_by, kind, action, subject, before) VALUES"
        " (?, '', ?, 'alias', 'put', ?, ?)",
        [(key, user, subject, before) for key, (subject, before, user) in changes.items()],
    )
    connection.executemany("INSERT INTO auto_responses VALUES (?, ?, ?)", [(key, *row) for key, row in users.items()])
    for table in ("changes", "auto_responses"):
        expected = rows_of(connection, table)
        file = write(connection, table, tmp_path / f"{table}.json")
        connection.execute(f"DELETE FROM {table}")  # noqa: S608
        Restorer(connection, lambda *_: None).restore(file)
        assert rows_of(connection, table) == expected


def test_usual_mappings_are_left_to_their_record(connection: RawConnection, tmp_path: Path) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.executemany(
        "INSERT INTO message_mappings VALUES (?, 5, 6, 1, 0, 0, ?, ?)",
        [
            (1379000001522532400, None, None),
            (1379000001522532401, "2025-06-02T00:00:00.123Z", None),
            (1379000001522532402, None, '{"odd":1}'),
            (1379000001522532403, "1970-01-01T00:00:00.000Z", None),
        ],
    )
    file = write(connection, "message_mappings", tmp_path / "mappings.json")
    assert [row["message_id"] % 10 for row in file.rows()] == [2, 3]
    assert file.total == 4
