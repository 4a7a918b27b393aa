"""`tzurot undo`: what is shown is what is done, after a yes, also beside a running bot."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.durability.lock import VolumeLock
from bot.model import Activation, Alias, Ban, Personality, Verification
from bot.settings import load_settings
from bot.store import activations, aliases, blacklist, personalities, verifications
from bot.store.changes import Action, Edit, Kind, ban_subject, login_subject
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import connect, opened
from bot.store.statement import Statement
from tests.cli.conftest import Run, process_environment

NOW = datetime.now(UTC) - timedelta(minutes=5)
USER, OTHER, CHANNEL = 900_000_000_000_000_001, 900_000_000_000_000_002, 800_000_000_000_000_001
ADA = Personality("ada-lovelace", "Ada", USER, NOW)


def change(path: Path, *batches: list[Statement]) -> None:
    async def write(store: SQLiteStore) -> None:
        for batch in batches:
            await store.write(*batch)

    asyncio.run(with_store(path, write))


async def with_store(path: Path, work: Callable[[SQLiteStore], Coroutine[Any, Any, None]]) -> None:
    store = await open_store(path, settings=load_settings({"database_path": path}))
    try:
        await work(store)
    finally:
        await store.close()


def activate(name: str, by: int, at: datetime) -> list[Statement]:
    return [
        Edit(by, at).record(Kind.ACTIVATION, Action.PUT, CHANNEL),
        activations.put(Activation(CHANNEL, name, by, at)),
    ]


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with opened(connect(path, "ro", 5)) as connection:
        return [tuple(row) for row in connection.execute(sql)]


@pytest.fixture
def house(database: Path) -> Path:
    """Ada is active in a channel, has two aliases, and was removed five minutes ago by who added her."""
    change(
        database,
        [
            Edit(OTHER, NOW).record(Kind.ALIAS, Action.PUT, "countess"),
            aliases.add(Alias("countess", ADA.full_name, OTHER, NOW)),
        ],
        activate(ADA.full_name, USER, NOW),
        personalities.remove(ADA.full_name, USER, NOW + timedelta(minutes=1), USER),
    )
    return database


def test_what_is_shown_is_done_after_a_yes(tzurot: Run, house: Path) -> None:
    shown = tzurot("undo", "personality", "ada-lovelace", "--database", house)
    assert shown.code == 2
    assert f"was removed by user {USER}" in shown.out
    assert "add --yes" in shown.err
    assert rows(house, "SELECT is_active FROM personalities") == [(0,)]
    done = tzurot("undo", "personality", "ada-lovelace", "--yes", "--database", house)
    assert (done.code, done.out.splitlines()[:-1]) == (0, shown.out.splitlines())
    assert rows(house, "SELECT is_active FROM personalities") == [(1,)]
    assert {alias for (alias,) in rows(house, "SELECT alias FROM personality_aliases")} == {"ада [b]", "countess"}
    assert rows(house, "SELECT channel_id FROM channel_activations") == [(CHANNEL,)]


def test_it_is_counted_also_while_no_files_follow(tzurot: Run, house: Path) -> None:
    assert tzurot("undo", "personality", "ada-lovelace", "--database", house).code == 2
    assert rows(house, "SELECT counter FROM storage") == [(0,)]
    assert tzurot("undo", "personality", "ada-lovelace", "--yes", "--database", house).code == 0
    assert rows(house, "SELECT counter FROM storage") == [(1,)]


def test_json_holds_the_steps_and_whether_they_were_done(tzurot: Run, house: Path) -> None:
    shown = tzurot("undo", "alias", "Countess", "--json", "--database", house)
    assert (shown.code, shown.json["done"], shown.json["exit_code"]) == (2, False, 2)
    done = tzurot("undo", "alias", "Countess", "--json", "--yes", "--database", house)
    assert (done.code, done.json["done"]) == (0, True)
    assert done.json["changed_by"] == str(USER)
    assert done.json["steps"] == shown.json["steps"]
    first, *others = [(step["kind"], step["name"], step["now"], step["then"]) for step in done.json["steps"]]
    assert first == ("personality", "ada-lovelace", "removed", "active")
    assert sorted(others) == [
        ("activation", str(CHANNEL), "-", "ada-lovelace"),
        ("alias", "countess", "-", "ada-lovelace"),
        ("alias", "ада [b]", "-", "ada-lovelace"),
    ]


def test_the_state_of_a_time_comes_back(tzurot: Run, house: Path) -> None:
    change(
        house,
        [personalities.put(Personality("eve", "Eve", USER, NOW))],
        activate("eve", OTHER, NOW + timedelta(minutes=2)),
    )
    at = (NOW + timedelta(seconds=30)).isoformat()
    refused = tzurot("undo", "activation", f"<#{CHANNEL}>", "--at", at, "--yes", "--database", house)
    assert refused.code == 0, refused.err
    assert rows(house, "SELECT personality_name FROM channel_activations") == [("ada-lovelace",)]
    assert rows(house, "SELECT is_active FROM personalities WHERE id = 1") == [(1,)]
    again = tzurot("undo", "activation", CHANNEL, "--at", datetime.now(UTC).isoformat(), "--yes", "--database", house)
    assert (again.code, "Nothing was changed" in again.err) == (1, True)


def test_what_was_changed_again_since_is_refused_with_who_did_it(tzurot: Run, house: Path) -> None:
    change(
        house,
        [personalities.put(Personality("eve", "Eve", USER, NOW))],
        activate("eve", OTHER, NOW + timedelta(minutes=2)),
    )
    ended = tzurot("undo", "personality", "ADA-Lovelace", "--yes", "--database", house)
    assert ended.code == 1
    assert f"changed again since by <@{OTHER}>" in ended.err


@pytest.mark.parametrize("name", [str(USER), f"<@{USER}>", f"{USER} *"])
def test_a_login_is_named_by_its_user_and_its_token_is_never_shown(tzurot: Run, database: Path, name: str) -> None:
    forget = Statement("DELETE FROM auth_tokens")
    change(database, [Edit(USER, NOW).record(Kind.LOGIN, Action.DELETE, login_subject(USER)), forget])
    ended = tzurot("undo", "login", name, "--yes", "--json", "--database", database)
    assert ended.code == 0
    assert ended.json["name"] == str(USER)
    assert "v1." not in ended.out
    assert rows(database, "SELECT token FROM auth_tokens") == [("v1.0badf00d.aW52ZW50ZWQ=",)]


def test_what_can_not_be_taken_back_is_named(tzurot: Run, database: Path) -> None:
    for arguments, code, sentence in (
        (("personality", "nobody"), 1, "no personality “nobody”"),
        (("personality", "ada-lovelace"), 1, "No change of the personality “ada-lovelace” in the last 30 days"),
        (("login", "12"), 1, "No change of the login “12”"),
        (("verification", "Tom"), 2, "'Tom' is not a user's id"),
        (("activation", "talk"), 2, "'talk' is not a channel's id"),
        (("alias", "x", "--at", "2020-01-01"), 1, "kept for 30 days"),
        (("alias", "x", "--at", "yesterday"), 2, "is no time"),
        (("conversation", "x"), 2, "is not one of"),
    ):
        ended = tzurot("undo", *arguments, "--yes", "--database", database)
        assert (ended.code, sentence in ended.err) == (code, True), ended.err
    assert tzurot("undo", "alias", "x", "--database", database.with_name("none.db")).code == 1


def test_a_change_older_than_thirty_days_is_left(tzurot: Run, database: Path) -> None:
    old = NOW - timedelta(days=31)
    change(
        database,
        [
            Edit(USER, old).record(Kind.VERIFICATION, Action.PUT, USER),
            verifications.put(Verification(USER, is_verified=True, recorded_at=old)),
        ],
    )
    assert tzurot("undo", "verification", USER, "--yes", "--database", database).code == 1


def test_it_works_beside_a_running_bot_that_goes_on_writing(tzurot: Run, house: Path) -> None:
    """The bot holds the volume's lock and writes all the time; nothing of either is lost."""
    stop, written = threading.Event(), threading.Event()

    async def write(store: SQLiteStore) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            statement = Statement("INSERT INTO auto_responses (user_id) VALUES (:n)", {"n": number})
            await store.write(statement)
            written.set()
        counts.append(number)

    counts: list[int] = []
    with VolumeLock.take(house.parent, 1):
        bot = threading.Thread(target=lambda: asyncio.run(with_store(house, write)))
        bot.start()
        try:
            assert written.wait(5)
            ended = tzurot("undo", "personality", "ada-lovelace", "--yes", "--database", house)
        finally:
            stop.set()
            bot.join()
    assert (ended.code, ended.err) == (0, "")
    assert rows(house, "SELECT is_active FROM personalities") == [(1,)]
    assert rows(house, "SELECT count(*) FROM auto_responses") == [(counts[0],)]


def test_without_a_bot_the_lock_is_held_while_it_writes(
    tzurot: Run, house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    async def look(*_: Any) -> None:
        seen.append(VolumeLock.try_take(house.parent))

    monkeypatch.setattr("bot.services.undo.OperatorUndo.undo", look)
    assert tzurot("undo", "personality", "ada-lovelace", "--yes", "--database", house).code == 0
    assert seen == [None]


@pytest.mark.parametrize(("typed", "code", "is_active"), [("y\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0), ("", 130, 0)])
def test_on_a_terminal_it_asks(house: Path, typed: str, code: int, is_active: int) -> None:
    """Nothing typed stands for Ctrl-C."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "undo", "personality", "ada-lovelace", "--database", str(house)],
        env=process_environment(), stdin=theirs, stdout=theirs, stderr=theirs,
    ) as child:  # fmt: skip
        os.close(theirs)
        said = read_until(ours, b"[y/N]")
        if typed:
            os.write(ours, typed.encode())
        else:
            wait_until_it_sleeps(child.pid)
            child.send_signal(signal.SIGINT)
        assert child.wait(10) == code, said
    os.close(ours)
    assert b"ada-lovelace" in said
    assert rows(house, "SELECT is_active FROM personalities") == [(is_active,)]


def read_until(terminal: int, wanted: bytes) -> bytes:
    said, deadline = b"", time.monotonic() + 10
    while wanted not in said:
        assert time.monotonic() < deadline, said
        said += os.read(terminal, 4096)
    return said


def wait_until_it_sleeps(pid: int) -> None:
    """Until the process waits for what is typed: a signal right before that would be seen only with the next key."""
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "S":
        assert time.monotonic() < deadline
        time.sleep(0.005)


def bar(guild_id: int) -> list[Statement]:
    ban = Ban(USER, OTHER, NOW, "spam", guild_id=guild_id, expires_at=NOW + timedelta(days=3))
    return [Edit(OTHER, NOW).record(Kind.BAN, Action.PUT, ban_subject(USER, guild_id)), blacklist.put(ban)]


def test_a_ban_is_named_by_its_user_and_its_server_and_taken_back(database: Path, tzurot: Run) -> None:
    change(database, bar(0), bar(CHANNEL))
    for name, guild_id in ((f"<@{USER}>", 0), (f"{USER} {CHANNEL}", CHANNEL)):
        shown = tzurot("undo", "ban", name, "--database", database)
        assert shown.code == 2
        assert f"was changed by user {OTHER}" in shown.out
        assert "barred at" in shown.out
        assert "until" in shown.out
        assert tzurot("undo", "ban", name, "--yes", "--database", database).code == 0
        assert not rows(database, f"SELECT 1 FROM blacklist WHERE guild_id = {guild_id}")  # noqa: S608
    assert "is not a user's id" in tzurot("undo", "ban", "ada", "--database", database).err


def test_a_message_that_a_moderator_deleted_is_not_brought_back(database: Path, tzurot: Run) -> None:
    change(database, [Edit(USER, NOW).record(Kind.MESSAGE, Action.DELETE, CHANNEL)])
    refused = tzurot("undo", "message", str(CHANNEL), "--yes", "--database", database)
    assert refused.code == 1
    assert "can't be brought back" in refused.err
