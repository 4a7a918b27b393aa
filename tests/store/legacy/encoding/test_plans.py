"""What the plans promise to those who carry them out."""

import gc
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from bot.model import Secret
from bot.store.cipher import cipher_from
from bot.store.engine import RawConnection, connect, connect_reader, opened, transaction
from bot.store.files.plan import Format
from bot.store.legacy.encoding import plans
from bot.store.migrate import create_database
from tests.store.legacy.encoding.folders import contents, encode

SQLITE_OK, SQLITE_READ = 0, 20
FIRST_MESSAGE = 1_379_000_000_000_000_000
ROWS = 2_000
LONGEST_PIECE_BYTES = 256 * 1024
"""Copying so much takes a few microseconds."""


@pytest.mark.parametrize("target", Format)
@pytest.mark.parametrize("generation", ["flat", "nested"])
def test_a_plan_is_due_by_every_table_that_it_reads(
    request: pytest.FixtureRequest, generation: str, target: Format
) -> None:
    legacy = request.getfixturevalue(generation)
    legacy.bring_in()
    read: set[str] = set()

    def note(action: int, table: str | None, *_: Any) -> int:
        if action == SQLITE_READ and table:
            read.add(table)
        return SQLITE_OK

    for plan in plans(target):
        with opened(connect_reader(legacy.database, 1)) as connection:
            connection.set_authorizer(note)
            read.clear()
            for _, pieces in plan.write(connection, cipher_from(legacy.settings)):
                b"".join(pieces)
        if plan.name in {"message_map.json", "avatars/metadata.json"}:
            read.discard("personalities")  # only named there, and a name never changes
        assert read == plan.tables, plan.name


@pytest.mark.parametrize("target", Format)
def test_no_two_plans_write_the_same_file(flat: Any, target: Format) -> None:
    names = [plan.name for plan in plans(target)]
    assert len(set(names)) == len(names)


@pytest.fixture
def large(legacy: Any) -> Any:
    """More mappings, conversations and logins than one chunk or piece holds, an odd one now and then."""
    create_database(legacy.database)
    cipher = cipher_from(legacy.settings)
    with opened(connect(legacy.database, "rw", 1)) as connection, transaction(connection):
        connection.execute(
            "INSERT INTO personalities (full_name, name_lower, display_name, added_at) VALUES ('a\"b', 'x', 'x', ?)",
            ("2025-05-20T09:00:01.331Z",),
        )
        for number in range(ROWS):
            extra = '{"x":1}' if number % 700 == 3 else None
            connection.execute(
                "INSERT INTO message_mappings VALUES (?, 1, 2, 1, 0, 0, NULL, ?)", (FIRST_MESSAGE + number, extra)
            )
            connection.execute(
                "INSERT INTO conversations (channel_id, user_id, personality_name, started_at, last_message_at, extra)"
                " VALUES (?, 1, 'a\"b', '2025-05-20T09:00:01.331Z', '2025-05-20T09:00:01.331Z', ?)",
                (number + 1, extra),
            )
        for user in range(1, ROWS // 4):
            token = cipher.encrypt(Secret(f"tok-{user}"), "auth_tokens", "token", user)
            connection.execute(
                "INSERT INTO auth_tokens VALUES (?, '*', ?, '2025-05-20T09:00:01.331Z', NULL, NULL, NULL)",
                (user, token),
            )
    return legacy


def test_large_files_are_whole_and_come_in_small_pieces(large: Any, tmp_path: Path) -> None:
    files = contents(encode(large, Format.GEN2, tmp_path / "out"))
    assert sorted(map(int, files["message_map.json"])) == [FIRST_MESSAGE + number for number in range(ROWS)]
    assert len(files["conversations.json"]) == ROWS
    assert {user: record["token"]["value"] for user, record in files["auth.json"].items()} == {
        str(user): f"tok-{user}" for user in range(1, ROWS // 4)
    }
    assert sum("x" in record for record in files["message_map.json"].values()) == 3
    assert {record["personalityName"] for record in files["message_map.json"].values()} == {'a"b'}
    with opened(connect_reader(large.database, 1)) as connection:
        assert max(map(len, pieces_of(connection, large))) < LONGEST_PIECE_BYTES


def pieces_of(connection: RawConnection, legacy: Any) -> Iterator[bytes]:
    for plan in plans(Format.GEN2):
        yield from chain.from_iterable(pieces for _, pieces in plan.write(connection, cipher_from(legacy.settings)))


def test_mappings_are_made_by_the_engine_and_not_by_python(large: Any) -> None:
    (plan,) = [plan for plan in plans(Format.GEN1) if plan.name == "message_map.json"]
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    with opened(connect_reader(large.database, 1)) as connection:
        gc.collect()
        sys.setprofile(count)
        for _, pieces in plan.write(connection, cipher_from(large.settings)):
            for _ in pieces:
                pass
        sys.setprofile(None)
    assert calls < ROWS / 4
