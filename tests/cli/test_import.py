"""`tzurot import` as an operator meets it: what it prints, what it refuses, what it exits with."""

import base64
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.durability.lock import VolumeLock
from bot.sandbox.sample import write_sample_folder

KEY = base64.b64encode(b"c" * 32).decode()
TIMEOUT_SECONDS = 30


class Terminal:
    """Runs the command in a folder of its own, with nothing in the environment but what a test says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.old = folder / "old"
        self.database = folder / "data" / "tzurot.db"
        self.environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "ENCRYPTION_KEYS": KEY,
            "ALLOW_INIT": "local",
        }
        write_sample_folder(self.old)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "bot", "import", str(self.old), *arguments],
            cwd=self.folder,
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, str]:
        process = self.start(*arguments, **environment)
        try:
            output, errors = process.communicate(timeout=TIMEOUT_SECONDS)
        finally:
            process.kill()
        return process.returncode, output, errors


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_the_report_is_one_object_that_adds_up(terminal: Terminal) -> None:
    code, output, _ = terminal.run("--json")
    assert code == 0
    report = json.loads(output)
    assert set(report) >= {"tables", "rejects", "ignored", "skipped", "remarks", "notes", "dry_run"}
    for count in report["tables"].values():
        assert count["read"] == count["imported"] + count["unchanged"] + count["rejected"]
    assert report["tables"]["personalities"] == {"read": 66, "imported": 66, "unchanged": 0, "rejected": 0}
    again = json.loads(terminal.run("--json")[1])
    assert again["tables"]["personalities"] == {"read": 66, "imported": 0, "unchanged": 66, "rejected": 0}


def test_a_person_reads_what_was_rejected_and_where_all_of_it_is_listed(terminal: Terminal) -> None:
    (terminal.old / "aliases.json").write_text('{"ghost": "nobody", "phantom": "no-one-else"}')
    (terminal.old / "notes.txt").write_text("?")
    code, output, _ = terminal.run()
    assert code == 0
    assert "no personality and no alias has its name" in output
    assert "notes.txt" in output
    rejects = json.loads((terminal.folder / "data" / "tzurot.db.import-rejects.json").read_text())
    assert [reject["key"] for reject in rejects] == ["ghost", "phantom"]
    assert "tzurot.db.import-rejects.json" in output


def test_nobody_else_may_read_what_an_import_writes(terminal: Terminal) -> None:
    assert terminal.run()[0] == 0
    written = [path for path in terminal.database.parent.iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o077 for path in written} == {0}


def test_a_dry_run_leaves_nothing_behind(terminal: Terminal) -> None:
    code, output, _ = terminal.run("--dry-run")
    assert code == 0
    assert "nothing was written" in output
    assert not terminal.database.parent.exists()


def test_an_unreadable_file_is_exit_1_with_its_place(terminal: Terminal) -> None:
    (terminal.old / "conversations.json").write_text('{\n  "1-2": {')
    code, output, errors = terminal.run("--json")
    assert code == 1
    assert "conversations.json can't be read at line 2, column 11" in errors
    assert "conversations.json" in json.loads(output)["error"]
    assert not terminal.database.exists()
    code, output, _ = terminal.run("--skip-unreadable")
    assert code == 0
    assert "conversations.json can't be read" in output


def test_no_new_database_is_made_unasked(terminal: Terminal) -> None:
    code, _, errors = terminal.run(ALLOW_INIT="")
    assert code == 3
    assert "ALLOW_INIT=local" in errors
    assert not terminal.database.parent.exists()


def test_no_new_database_hides_the_copy_in_the_bucket(terminal: Terminal) -> None:
    code, _, errors = terminal.run(
        ALLOW_INIT="",
        REPLICA_BUCKET="bucket",
        REPLICA_ENDPOINT="http://127.0.0.1:1",
        REPLICA_PATH_STYLE="true",
        REPLICA_PREFIX="tzurot",
        LITESTREAM_ACCESS_KEY_ID="id",
        LITESTREAM_SECRET_ACCESS_KEY="secret",
    )
    assert code == 3
    assert "IMPORT_DIR" in errors
    assert not terminal.database.parent.exists()


def test_it_refuses_beside_a_running_bot(terminal: Terminal) -> None:
    with VolumeLock.take(terminal.database.parent, 1):
        code, _, errors = terminal.run()
    assert code == 3
    assert "in use" in errors
    assert not terminal.database.exists()


def test_without_a_key_it_shows_how_to_make_one(terminal: Terminal) -> None:
    code, _, errors = terminal.run(ENCRYPTION_KEYS="")
    assert code == 2
    assert "os.urandom(32)" in errors
    assert not terminal.database.exists()


def test_a_missing_folder_is_wrong_usage(terminal: Terminal) -> None:
    terminal.old = terminal.folder / "missing"
    assert terminal.run()[0] == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["ctrl-c", "sigterm"])
def test_being_told_to_end_rolls_back_and_says_so(terminal: Terminal, number: signal.Signals, code: int) -> None:
    record = '{"userId": "7", "channelId": "8", "personalityName": "x", "timestamp": 1749321806895}'
    rows = ",".join(f'"{message}": {record}' for message in range(5_000_000, 5_300_000))
    (terminal.old / "message_map.json").write_text(f"{{{rows}}}")
    process = terminal.start(PROGRESS_INTERVAL_SECONDS="0.001")
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("message_mappings"):
                break
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT_SECONDS)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == code
    assert "nothing was written" in errors
    assert [path.name for path in terminal.database.parent.iterdir()] == [".tzurot.lock"]
