"""`tzurot sql`: every answer exact, nothing ever changed."""

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import FIRST_MESSAGE, Run, process_environment

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


def test_a_table_in_a_pipe_is_aligned_plain_text(tzurot: Run, database: Path) -> None:
    ended = tzurot("sql", "select full_name, id, prompt from personalities", "--database", database)
    assert ended.code == 0
    assert ended.out == "full_name     id  prompt\nada-lovelace   1  NULL\n"


def test_long_text_in_a_pipe_is_neither_cut_nor_wrapped(tzurot: Run, database: Path) -> None:
    assert "x" * 5000 in tzurot("sql", f"select '{'x' * 5000}' as long", "--database", database).out


def test_brackets_and_control_characters_of_stored_text_do_not_reach_the_terminal(tzurot: Run, database: Path) -> None:
    ended = tzurot(
        "sql", "select alias, char(27) || '[31mred' || char(10) as c from personality_aliases", "--database", database
    )
    assert "ада [b]" in ended.out
    assert "\\x1b[31mred\\n" in ended.out
    assert "\x1b" not in ended.out


def test_ids_are_strings_in_json_and_nothing_is_rounded(tzurot: Run, database: Path) -> None:
    statement = (
        "select message_id, personality_id, 9007199254740993 as big, 7 as small, null as gone from message_mappings"
    )
    ended = tzurot("sql", statement, "--limit", 1, "--json", "--database", database)
    assert ended.json["rows"] == [
        {
            "message_id": str(FIRST_MESSAGE + 1),
            "personality_id": "1",
            "big": "9007199254740993",
            "small": 7,
            "gone": None,
        }
    ]
    assert ended.json["is_complete"] is False
    assert ended.json["row_count"] == 1


def test_a_column_is_of_one_kind_in_all_its_rows(tzurot: Run, database: Path) -> None:
    ended = tzurot("sql", "select 1 as n union all select 9007199254740993", "--json", "--database", database)
    assert [row["n"] for row in ended.json["rows"]] == ["1", "9007199254740993"]


def test_columns_of_the_same_name_are_all_there_in_json(tzurot: Run, database: Path) -> None:
    ended = tzurot("sql", "select 1 as a, 2 as a, 3 as a", "--json", "--database", database)
    assert ended.json["rows"] == [{"a": 1, "a_2": 2, "a_3": 3}]


def test_a_blob_is_shown_by_its_size(tzurot: Run, database: Path) -> None:
    statement = "select content from avatars"
    assert "<2 bytes>" in tzurot("sql", statement, "--database", database).out
    assert tzurot("sql", statement, "--json", "--database", database).json["rows"] == [{"content": {"bytes": 2}}]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from personalities",
        "update personalities set prompt = 'x' returning id",
        "with gone as (select 1) insert into blacklist (user_id, blacklisted_at) select 1, ''",
        "drop table turns",
        "create temp table t (a)",
        "vacuum",
        "vacuum into 'copy.db'",
        "attach 'other.db' as other",
        "begin immediate",
        "pragma query_only = off",
        "pragma wal_checkpoint(truncate)",
        "pragma journal_mode = delete",
        "pragma user_version = 7",
        "reindex",
    ],
)
def test_nothing_can_be_written(tzurot: Run, database: Path, statement: str) -> None:
    before = database.read_bytes()
    ended = tzurot("sql", statement, "--database", database)
    assert ended.code in {1, 2}
    assert ended.out == ""
    assert ended.err.startswith("tzurot: ") or ended.err.startswith("Error: ")
    assert database.read_bytes() == before
    assert not (database.parent.parent / "other.db").exists()


def test_a_refused_write_says_why_and_what_to_do(tzurot: Run, database: Path) -> None:
    ended = tzurot("sql", "delete from turns", "--database", database)
    assert ended.code == 1
    assert "only reads" in ended.err
    assert "tzurot backup" in ended.err


@pytest.mark.parametrize("statement", ["selct 1", "select * from nowhere", "select 1; select 2", "", "-- nothing"])
def test_a_wrong_statement_is_wrong_usage(tzurot: Run, database: Path, statement: str) -> None:
    assert tzurot("sql", statement, "--database", database).code == 2
    assert tzurot("sql", statement, "--json", "--database", database).json["exit_code"] == 2


def test_a_statement_that_takes_too_long_is_stopped(tzurot: Run, database: Path) -> None:
    ended = tzurot("sql", ENDLESS, "--timeout", "0.1", "--database", database)
    assert ended.code == 1
    assert "too long" in ended.err


def test_the_statement_may_come_from_standard_input(spawn: Run, database: Path) -> None:
    ended = spawn("sql", "-", "--json", "--database", database, stdin="select count(*) as n\nfrom message_mappings;\n")
    assert ended.json["rows"] == [{"n": 5}]


def test_without_a_statement_tables_and_views_are_shown_with_examples_that_work(tzurot: Run, database: Path) -> None:
    listed = tzurot("sql", "--json", "--database", database).json["tables"]
    assert {"personality_overview", "channel_overview", "login_overview", "daily_activity"} <= {
        entry["name"] for entry in listed if entry["kind"] == "view"
    }
    for entry in listed:
        statement = entry["example"].split('"')[1]
        assert tzurot("sql", statement, "--database", database).code == 0, entry


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "There is no database"), (b"", "0 bytes"), (b"no database, but more than a hundred bytes " * 9, "SQLite")],
)
def test_what_is_no_database_gets_its_own_sentence(
    tzurot: Run, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "odd ?#%41.db"
    if content is not None:
        path.write_bytes(content)
    ended = tzurot("sql", "select 1", "--database", path)
    assert ended.code == 1
    assert sentence in ended.err
    assert path.exists() == (content is not None)


def test_a_path_with_odd_characters_is_opened_as_it_is(tzurot: Run, database: Path) -> None:
    odd = database.rename(database.with_name("odd ?#%41.db"))
    assert tzurot("sql", "select 1", "--database", odd).code == 0


def test_a_terminal_gets_a_bounded_number_of_rows_and_is_told_so(database: Path, tmp_path: Path) -> None:
    statement = "with recursive n(i) as (select 1 union all select i + 1 from n limit 1000) select i from n"
    shown = on_a_terminal([statement, "--database", str(database)], tmp_path)
    assert "there are more, see --limit" in shown
    assert " 200" in shown
    assert "201" not in shown


def on_a_terminal(arguments: list[str], folder: Path) -> str:
    ours, theirs = pty.openpty()
    environment = process_environment() | {"COLUMNS": "60", "TERM": "xterm"}
    try:
        subprocess.run(
            [sys.executable, "-m", "bot", "sql", *arguments],
            env=environment,
            cwd=folder,
            stdout=theirs,
            check=True,
            timeout=30,
        )
    finally:
        os.close(theirs)
    chunks = []
    try:
        while chunk := os.read(ours, 65_536):
            chunks.append(chunk)
    except OSError:  # the other end is closed
        pass
    finally:
        os.close(ours)
    return b"".join(chunks).decode()
