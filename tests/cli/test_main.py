"""The command line as a whole: what scripts, shells and people in a hurry get from it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import click
import pytest

from bot.cli import main as main_module
from bot.cli.main import COMMANDS, tzurot
from bot.errors import ProtectedError
from tests.cli.conftest import Run, process_environment

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select i from n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_module_and_explains_itself(tzurot: Run, name: str) -> None:
    ended = tzurot(name, "--help")
    assert ended.code == 0
    assert f"Usage: tzurot {name}" in ended.out
    assert "--database" in ended.out or name in {"demo", "certify"}  # these bring their own
    assert "--json" in ended.out


def test_help_lists_every_command_without_importing_any() -> None:
    listing = (
        "import sys; from bot.cli.main import tzurot; tzurot.main(['--help'], standalone_mode=False);"
        "heavy = {'bot.settings', 'aiohttp', 'pydantic', 'discord', 'rich', 'pysqlite3'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    done = subprocess.run(
        [sys.executable, "-c", listing], env=process_environment(), capture_output=True, text=True, check=True
    )
    assert all(name in done.stdout for name in COMMANDS)


@pytest.mark.parametrize(("typed", "meant"), [("stauts", "status"), ("docter", "doctor"), ("back-up", "backup")])
def test_a_misspelt_command_gets_the_one_that_was_meant(tzurot: Run, typed: str, meant: str) -> None:
    ended = tzurot(typed)
    assert ended.code == 2
    assert f"Did you mean {meant}?" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("frobnicate",),
        ("--frobnicate",),
        ("sql", "--frobnicate"),
        ("backup",),
        ("restore",),
        ("sql", "select 1", "--limit", "0"),
        ("sql", "select 1", "--timeout", "-1"),
    ],
)
def test_wrong_usage_ends_with_2_and_in_json_too(tzurot: Run, arguments: tuple[str, ...]) -> None:
    assert tzurot(*arguments).code == 2
    ended = tzurot(*arguments, "--json")
    assert ended.code == ended.json["exit_code"] == 2
    assert ended.json["error"]


def test_wrong_settings_end_with_2_and_name_the_variable(tzurot: Run) -> None:
    ended = tzurot("status", "--json", PORT="http")
    assert ended.code == 2
    assert "PORT" in ended.json["error"]
    assert "PORT" in ended.err


def test_an_error_is_one_sentence_its_remedy_and_its_exit_code(tzurot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    @click.option("--json", is_flag=True)
    def command(**_: object) -> None:
        raise ProtectedError("This would harm.", remedy="Do that instead.")

    monkeypatch.setattr(main_module.LazyGroup, "get_command", lambda *_: command)
    assert tzurot("status").err == "tzurot: This would harm. Do that instead.\n"
    ended = tzurot("status", "--json")
    assert ended.code == 3
    assert ended.json == {"error": "This would harm.", "remedy": "Do that instead.", "exit_code": 3}


def test_an_unexpected_error_shows_where_but_not_what_it_held(tzurot: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def command() -> None:
        raise RuntimeError("token=invented-secret")

    monkeypatch.setattr(main_module.LazyGroup, "get_command", lambda *_: command)
    ended = tzurot("status")
    assert ended.code == 1
    assert "RuntimeError" in ended.err
    assert "invented-secret" not in ended.err


def test_ctrl_c_ends_with_130_and_without_a_traceback(database: Path, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "bot", "sql", "-", "--database", str(database)],
        env=process_environment(),
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        wait_until_it_reads(running.pid)
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)
    finally:
        running.kill()
    assert running.returncode == 130
    assert err.decode().strip() == "tzurot: Interrupted."


def wait_until_it_reads(pid: int) -> None:
    """Until the process has the database open and sits in its read of standard input."""
    for _ in range(2000):
        opened = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
        if any(name.endswith(".db") for name in opened) and "pipe_read" in Path(f"/proc/{pid}/wchan").read_text():
            return
        os.sched_yield()
        signal.sigtimedwait([], 0.005)
    pytest.fail("the command never waited for its input")


def test_a_reader_that_leaves_early_is_no_error_message(database: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "sql", ENDLESS + " limit 200000", "--database", str(database)],
        env=process_environment(),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(1)
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=10) == 1


def test_the_commands_are_found_by_their_names() -> None:
    assert tzurot.list_commands(click.Context(tzurot)) == list(COMMANDS)
