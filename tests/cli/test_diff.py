"""`tzurot diff`: every difference is found and counted, and nothing of what is in the rows is told."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.store import comparison
from bot.store.comparison import compare, open_side
from bot.store.engine import connect, opened
from bot.store.migrate import create_database
from tests.cli.conftest import Run, add_messages

INVENTED = "an invented secret"
MANY = """
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO auto_responses (user_id, enabled_at) SELECT i, 'then' FROM n
"""


@contextmanager
def changing(path: Path) -> Iterator[Any]:
    with opened(connect(path, "rw", 5)) as connection:
        yield connection


@pytest.fixture
def other(tzurot: Run, database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "other.db"
    assert tzurot("backup", path, "--database", database).code == 0
    return path


def test_a_copy_does_not_differ(tzurot: Run, database: Path, other: Path) -> None:
    ended = tzurot("diff", other, "--database", database)
    assert (ended.code, ended.out.startswith("Nothing differs")) == (0, True)
    assert tzurot("diff", other, "--json", "--database", database).json["is_equal"]


def test_rows_and_columns_that_differ_are_counted_and_named_but_not_shown(
    tzurot: Run, database: Path, other: Path
) -> None:
    add_messages(database, 7)
    with changing(other) as connection:
        connection.execute("UPDATE auth_tokens SET token = :secret", {"secret": INVENTED})
        connection.execute("UPDATE personalities SET prompt = :secret, display_name = 'Countess'", {"secret": INVENTED})
        connection.execute("UPDATE avatars SET content = x'01'")
        connection.execute("INSERT INTO auto_responses (user_id) VALUES (900000000000000001)")
        connection.execute("DELETE FROM personality_aliases")
    ended = tzurot("diff", other, "--database", database)
    assert ended.code == 1
    assert INVENTED not in ended.out
    assert "personalities changed: 1 (display_name, prompt)" in ended.out
    assert "auth_tokens changed: 900000000000000001 * (token)" in ended.out
    assert "avatars changed: 1 (content)" in ended.out
    assert "personality_aliases only here: ада [b]" in ended.out
    assert "and 2 more" in ended.out
    found = tzurot("diff", other, "--json", "--database", database).json
    messages, responses = found["tables"]["message_mappings"], found["tables"]["auto_responses"]
    assert (messages["only_here"], messages["only_there"], len(messages["examples"]["only_here"])) == (7, 0, 5)
    assert responses["examples"]["only_there"] == [{"user_id": "900000000000000001"}]


def test_one_table_can_be_looked_at_alone(tzurot: Run, database: Path, other: Path) -> None:
    add_messages(database, 1)
    with changing(database) as connection:
        connection.execute("INSERT INTO canary (id, nonce, written_at) VALUES (1, 'n', '')")
    assert tzurot("diff", other, "--table", "personalities", "--database", database).code == 0
    assert list(tzurot("diff", other, "--json", "--database", database).json["tables"]).count("canary") == 0
    assert tzurot("diff", other, "--table", "canary", "--database", database).code == 1
    ended = tzurot("diff", other, "--table", "nonsense", "--database", database)
    assert (ended.code, "no table 'nonsense'" in ended.err) == (2, True)


def test_a_database_of_an_older_schema_is_compared_as_far_as_it_goes(tzurot: Run, database: Path, other: Path) -> None:
    with changing(other) as connection:
        connection.execute("DROP TABLE auto_responses")
        connection.execute("ALTER TABLE changes DROP COLUMN undone_by")
        connection.execute("CREATE TABLE of_old (id INTEGER PRIMARY KEY) STRICT")
    ended = tzurot("diff", other, "--database", database)
    assert ended.code == 1
    assert "Only here there is: auto_responses." in ended.out
    assert "Only there there is: of_old." in ended.out
    assert "changes has only here: undone_by" in ended.out


def test_what_is_no_database_is_named(tzurot: Run, database: Path, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not at all a database " * 300)
    ended = tzurot("diff", tmp_path / "text.db", "--database", database)
    assert (ended.code, "text.db: The file is not an SQLite database" in ended.err) == (1, True)
    assert tzurot("diff", tmp_path / "none.db", "--database", database).code == 2
    assert tzurot("diff", database, "--database", tmp_path / "none.db").code == 1


KEYS = st.tuples(st.sampled_from(["a", "ä", "b", "\U0001f319", "z"]), st.integers(0, 5))
TABLE = st.dictionaries(KEYS, st.sampled_from([None, "x", "y"]), max_size=12)


@given(ours=TABLE, theirs=TABLE, chunk=st.integers(1, 4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_tables_are_compared_as_dictionaries_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ours: Any, theirs: Any, chunk: int
) -> None:
    monkeypatch.setattr(comparison, "CHUNK", chunk)
    paths = [tmp_path / name for name in ("ours.db", "theirs.db")]
    for path, rows in zip(paths, (ours, theirs), strict=True):
        fill(path, rows)
    with open_side(paths[0], 1) as here, open_side(paths[1], 1) as there:
        found = compare(here, there, "t", lambda _stage, _done: None).tables["t"]
    changed = [key for key in ours.keys() & theirs.keys() if ours[key] != theirs[key]]
    assert (found.only_here, found.only_there) == (len(ours.keys() - theirs.keys()), len(theirs.keys() - ours.keys()))
    assert found.changed == len(changed)
    assert found.keys_changed == [(key, ["value"]) for key in sorted(changed)[:5]]
    assert found.keys_only_here == sorted(ours.keys() - theirs.keys())[:5]


def fill(path: Path, rows: dict[tuple[str, int], str | None]) -> None:
    with opened(connect(path, "rwc", 5)) as connection:
        connection.execute("PRAGMA synchronous=OFF").fetchall()
        connection.execute("DROP TABLE IF EXISTS t")
        connection.execute("CREATE TABLE t (value TEXT, name TEXT, number INTEGER, PRIMARY KEY (name, number)) STRICT")
        for (name, number), value in rows.items():
            connection.execute("INSERT INTO t VALUES (?, ?, ?)", (value, name, number))


def test_a_long_gap_takes_no_more_memory_than_a_few_rows(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("ours.db", "theirs.db")]
    for path in paths:
        create_database(path)
        with changing(path) as connection:
            connection.execute(MANY)
    with changing(paths[1]) as connection:
        connection.execute("DELETE FROM auto_responses WHERE user_id BETWEEN 10000 AND 90000")
    tracemalloc.start()
    try:
        with open_side(paths[0], 1) as here, open_side(paths[1], 1) as there:
            found = compare(here, there, "auto_responses", lambda _stage, _done: None).tables["auto_responses"]
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.only_here, found.only_there, found.changed) == (80_001, 0, 0)
    assert most_bytes < 2_000_000
