"""`tzurot backup`: a whole copy or none."""

import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

import schema
from bot.store.engine import connect, opened
from bot.store.inspection import FileKind, inspect_file
from tests.cli.conftest import Run, add_messages, files_under, process_environment


def test_a_copy_holds_everything_and_is_one_private_file(tzurot: Run, database: Path, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    target = tmp_path / "copies" / "copy.db"
    ended = tzurot("backup", target, "--json", "--database", database)
    assert ended.code == 0
    assert ended.json["tables"]["message_mappings"] == 5
    assert ended.json["newest_message_at"].startswith("2024-")
    assert ended.json["bytes"] == target.stat().st_size
    assert inspect_file(target, full=True).kind is FileKind.OK
    assert files_under(target.parent) == {"copy.db"}
    assert target.stat().st_mode & 0o077 == 0


def test_a_person_is_told_what_is_in_it(tzurot: Run, database: Path, tmp_path: Path) -> None:
    out = tzurot("backup", tmp_path / "copy.db", "--database", database).out
    assert "message_mappings" in out
    assert max(path.stem for path in Path(schema.__file__).parent.glob("[0-9]*.py")) in out


def test_a_copy_made_while_the_bot_writes_is_consistent(tzurot: Run, database: Path, tmp_path: Path) -> None:
    stop, written = threading.Event(), threading.Event()

    def write() -> None:
        with opened(connect(database, "rw", 5)) as connection:
            while not stop.is_set():
                connection.execute("BEGIN IMMEDIATE")
                add = "INSERT INTO blacklist (user_id, blacklisted_at) SELECT 1 + count(*), '' FROM blacklist"
                connection.execute(add)
                connection.execute("INSERT INTO auto_responses (user_id) SELECT count(*) FROM auto_responses")
                connection.execute("COMMIT")
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(5)
        tables = [
            tzurot("backup", tmp_path / f"{n}.db", "--json", "--database", database).json["tables"] for n in range(5)
        ]
    finally:
        stop.set()
        writer.join()
    counts = [table["blacklist"] for table in tables]
    assert counts == [table["auto_responses"] for table in tables]
    assert counts == sorted(counts)
    assert counts[0] > 0


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
def test_nothing_is_overwritten_nor_mixed_with_what_another_database_left(
    tzurot: Run, database: Path, tmp_path: Path, suffix: str
) -> None:
    (tmp_path / f"copy.db{suffix}").write_bytes(b"precious")
    ended = tzurot("backup", tmp_path / "copy.db", "--database", database)
    assert ended.code == 3
    assert "already there" in ended.err
    assert (tmp_path / f"copy.db{suffix}").read_bytes() == b"precious"


def test_the_live_database_is_no_target(tzurot: Run, database: Path) -> None:
    assert tzurot("backup", database, "--database", database).code == 3


def test_a_missing_folder_and_a_missing_source_are_named(tzurot: Run, database: Path, tmp_path: Path) -> None:
    ended = tzurot("backup", tmp_path / "nowhere" / "copy.db", "--database", database)
    assert (ended.code, "does not exist" in ended.err) == (1, True)
    ended = tzurot("backup", tmp_path / "copy.db", "--database", tmp_path / "none.db")
    assert (ended.code, "There is no database" in ended.err) == (1, True)
    assert "copy.db" not in files_under(tmp_path)


def test_a_damaged_database_is_not_passed_off_as_a_copy(tzurot: Run, database: Path, tmp_path: Path) -> None:
    add_messages(database, 2000)
    with opened(connect(database, "rw", 5)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    content = bytearray(database.read_bytes())
    for page in range(20, len(content) // 4096 - 1):
        content[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    database.write_bytes(content)
    ended = tzurot("backup", tmp_path / "copy.db", "--database", database)
    assert ended.code == 1
    assert not [name for name in files_under(tmp_path) if "copy" in name]


@pytest.mark.usefixtures("obeying_permissions")
def test_a_folder_that_can_not_be_written_is_named(tzurot: Run, database: Path, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    ended = tzurot("backup", folder / "copy.db", "--database", database)
    assert ended.code == 1
    assert "locked can't be written" in ended.err.splitlines()[-1]


def test_a_full_disk_leaves_nothing_behind(database: Path, tmp_path: Path) -> None:
    def only_small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (64_000, 64_000))

    add_messages(database, 2000)
    target = tmp_path / "copies" / "copy.db"
    target.parent.mkdir()
    done = subprocess.run(
        # -B: Python would cut its own compiled modules short, and break every later start.
        [sys.executable, "-B", "-m", "bot", "backup", str(target), "--database", str(database)],
        env=process_environment(),
        preexec_fn=only_small_files,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "disk" in done.stderr
    assert files_under(target.parent) == set()


def test_space_is_looked_at_before_the_live_volume_is_filled(
    tzurot: Run, database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    ended = tzurot("backup", tmp_path / "copy.db", "--database", database)
    assert ended.code == 1
    assert "10 bytes free" in ended.err
