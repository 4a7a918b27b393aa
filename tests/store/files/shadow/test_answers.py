"""Two databases that are asked the same: what differs is found, named and counted, and nothing else is."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.model import Secret
from bot.store import personalities
from bot.store.cipher import Cipher
from bot.store.engine import connect, opened
from bot.store.files.shadow.answers import Answers, Mismatch, compare_answers
from bot.store.files.shadow.reads import NEWEST, STATEMENTS, Read, Reads
from bot.store.migrate import create_database
from bot.store.statement import Query

USER, CHANNEL = 900000000000000001, 800000000000000001
ROWS = """
INSERT INTO personalities (full_name, name_lower, display_name, added_at)
VALUES ('lilith', 'lilith', 'Lilith', '2026-01-01T00:00:00.000Z'), ('ada', 'ada', 'Ada', '2026-01-02T00:00:00.000Z');
INSERT INTO conversations (channel_id, user_id, personality_name, started_at, last_message_at)
VALUES (800000000000000001, 900000000000000001, 'ada', '2026-01-01T00:00:00.000Z', '2026-01-02T00:00:00.000Z');
INSERT INTO auto_responses (user_id) VALUES (900000000000000001)
"""
LOGIN = "INSERT INTO auth_tokens (user_id, token, created_at, extra) VALUES (:user, :token, '2026', :extra)"

ALL_PEOPLE = Read("SELECT * FROM personalities ORDER BY id", {})
ALL_TALKS = Read("SELECT * FROM conversations", {})

Compare = Callable[..., Answers]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "serving.db"
    create_database(path)
    change(path, *ROWS.split(";\n"))
    return path


@pytest.fixture
def files(database: Path, tmp_path: Path) -> Path:
    """The same once more, as if it had been loaded from files."""
    return Path(shutil.copy(database, tmp_path / "files.db"))


@pytest.fixture
def compare(database: Path, files: Path, cipher: Cipher) -> Compare:
    return lambda *reads: compare_answers(database, files, reads, cipher)


def change(path: Path, *statements: str, **parameters: object) -> None:
    with opened(connect(path, "rw", 5)) as connection:
        for statement in statements:
            connection.execute(statement, parameters)


def test_equal_databases_answer_alike(compare: Compare) -> None:
    assert compare(ALL_PEOPLE, ALL_TALKS) == Answers(compared=2)


def test_one_value_is_found_and_its_row_named_as_the_original_knows_it(compare: Compare, files: Path) -> None:
    change(files, "UPDATE personalities SET display_name = 'Lily' WHERE full_name = 'lilith'")
    found = compare(ALL_PEOPLE, ALL_TALKS, Read("SELECT count(*) FROM personalities", {}))
    assert found == Answers(3, [Mismatch("personalities", 1, "lilith")])


def test_each_read_that_answers_differently_counts(compare: Compare, files: Path) -> None:
    change(files, "DELETE FROM conversations", "DELETE FROM auto_responses")
    joined = Read("SELECT * FROM conversations JOIN personalities ON full_name = personality_name", {})
    assert compare(ALL_TALKS, joined, ALL_PEOPLE).mismatches == [Mismatch("conversations", 2, f"{CHANNEL} {USER}")]


def test_a_read_names_the_tables_behind_a_view(compare: Compare, files: Path) -> None:
    change(files, "UPDATE conversations SET personality_name = 'lilith'")
    found = compare(Read("SELECT conversations FROM personality_overview WHERE full_name = :name", {"name": "ada"}))
    assert found.mismatches == [Mismatch("conversations", 1, f"{CHANNEL} {USER}")]


def test_a_number_that_the_database_gave_names_no_row_where_something_else_differs(
    compare: Compare, files: Path
) -> None:
    change(
        files,
        "UPDATE personalities SET id = id + 10",
        "UPDATE personalities SET prompt = 'x' WHERE full_name = 'lilith'",
    )
    assert compare(ALL_PEOPLE).mismatches == [Mismatch("personalities", 1, "lilith")]
    change(files, "UPDATE personalities SET prompt = NULL")
    assert compare(ALL_PEOPLE).mismatches == [Mismatch("personalities", 1, "ada")]


def test_order_counts_only_where_it_was_asked_for(compare: Compare, files: Path) -> None:
    change(
        files,
        "UPDATE personalities SET id = 3 WHERE id = 1",
        "UPDATE personalities SET id = 1 WHERE id = 2",
        "UPDATE personalities SET id = 2 WHERE id = 3",
    )
    unordered = Read("SELECT display_name FROM personalities", {})
    ordered = Read("SELECT display_name FROM personalities ORDER BY id", {})
    assert compare(unordered).mismatches == []
    assert compare(ordered).mismatches == [Mismatch("personalities", 1, "ada")]


def test_an_order_that_nothing_promised_is_no_mismatch(compare: Compare, database: Path, files: Path) -> None:
    for path, names in ((database, "ab"), (files, "ba")):
        for name in names:
            change(path, "INSERT INTO auth_tokens VALUES (1, :name, 't', 'c', NULL, NULL, NULL)", name=name)
    tied = Read("SELECT personality_name FROM auth_tokens ORDER BY created_at", {})
    assert compare(tied) == Answers(compared=1)


def test_the_same_secret_under_another_nonce_is_no_mismatch(
    compare: Compare, database: Path, files: Path, cipher: Cipher
) -> None:
    for path in (database, files):
        change(
            path,
            LOGIN,
            user=USER,
            token=cipher.encrypt(Secret("invented"), "auth_tokens", "token", USER),
            extra=f'{{"a":1,"sealed":"{cipher.encrypt(Secret("{}"), "auth_tokens", "extra", USER)}"}}',
        )
    assert compare(Read("SELECT json_array(token, extra) FROM auth_tokens", {})) == Answers(compared=1)


@pytest.mark.parametrize("sealed", ["other", None])
def test_another_secret_is_a_mismatch_whose_key_is_no_secret(
    compare: Compare, database: Path, files: Path, cipher: Cipher, sealed: str | None
) -> None:
    for path, secret in ((database, "invented"), (files, sealed)):
        token = cipher.encrypt(Secret(secret), "auth_tokens", "token", USER) if secret else "no ciphertext"
        change(path, LOGIN, user=USER, token=token, extra=None)
    found = compare(Read("SELECT token FROM auth_tokens", {}))
    assert found.mismatches == [Mismatch("auth_tokens", 1, f"{USER} *")]


def test_reads_are_noted_once_and_the_newest_of_each_statement_kept() -> None:
    reads = Reads()
    for n in range(NEWEST + 5):
        reads.note(Query("SELECT :n", tuple, {"n": n}))
        reads.note(Query("SELECT 1", tuple))
    taken = reads.take()
    assert [read.parameters for read in taken if read.sql == "SELECT 1"] == [{}]
    assert [read.parameters["n"] for read in taken if read.sql == "SELECT :n"] == list(range(5, NEWEST + 5))
    assert reads.take() == []


def test_made_up_statements_do_not_fill_the_memory() -> None:
    reads = Reads()
    for n in range(STATEMENTS + 5):
        reads.note(Query(f"SELECT {n}", tuple))
    assert len(reads.take()) == STATEMENTS


def test_what_was_noted_shows_no_values() -> None:
    reads = Reads()
    reads.note(personalities.find_by_name("invented"))
    assert "invented" not in repr(reads.take())
