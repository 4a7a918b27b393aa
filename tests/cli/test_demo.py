"""The demo as a person runs it: in a process of its own, looked at from outside."""

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path

import orjson

from bot.sandbox.sample import write_sample_folder
from tests.cli.conftest import Run

KEY = base64.b64encode(b"k" * 32).decode()
TIMEOUT_SECONDS = 50
FIGURES = {
    "rows_lost",
    "personalities",
    "start_to_first_answer_ms",
    "empty_volume_to_first_answer_ms",
    "rows_before",
    "rows_after",
    "steps",
}


async def _start(scratch: Path, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "demo",
        *arguments,
        env={**os.environ, "TMPDIR": str(scratch), "ENCRYPTION_KEYS": "not for the demo", **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_the_figures_are_one_json_object_and_nothing_is_lost(scratch: Path) -> None:
    process = await _start(scratch, "--json")
    try:
        output, errors = await asyncio.wait_for(process.communicate(), TIMEOUT_SECONDS)
    finally:
        await _end(process)
    assert process.returncode == 0, errors.decode() + output.decode()
    figures = orjson.loads(output)
    assert set(figures) == FIGURES
    assert figures["rows_lost"] == 0
    assert figures["personalities"] == 67
    assert figures["rows_after"] > figures["rows_before"] > 600
    assert all(step["ms"] >= 0 and step["step"] for step in figures["steps"])
    assert figures["start_to_first_answer_ms"] > 0
    assert figures["empty_volume_to_first_answer_ms"] > 0


async def test_kept_up_it_answers_what_is_typed(scratch: Path) -> None:
    process = await _start(scratch, "--keep")
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await process.stdout.readuntil(b"Nothing was lost")
            await process.stdout.readuntil(b"/dm")
            process.stdin.write(b"@night owl knock knock\n")
            answer = await process.stdout.readuntil(b"knock knock")
            process.stdin.close()
            await process.wait()
    finally:
        await _end(process)
    assert b"Midnight Gardener:" in answer
    assert process.returncode == 0


async def test_ctrl_c_in_the_middle_leaves_nothing_behind(scratch: Path) -> None:
    process = await _start(scratch)
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await process.stdout.readuntil(b"A day on Discord")
            process.send_signal(signal.SIGINT)
            _, errors = await process.communicate()
    finally:
        await _end(process)
    assert process.returncode == 130
    assert errors.decode().strip() == "tzurot: Interrupted."


async def test_a_rehearsal_serves_ones_own_data_and_what_was_said_stays_there(
    scratch: Path, spawn: Run, tmp_path: Path
) -> None:
    write_sample_folder(tmp_path / "data")
    own = {"DATABASE_PATH": str(tmp_path / "data" / "tzurot.db"), "ENCRYPTION_KEYS": KEY, "ALLOW_INIT": "local"}
    assert spawn("import", tmp_path / "data", **own).code == 0
    process = await _start(scratch, "--rehearse", "--json", **own)
    output, errors = await asyncio.wait_for(process.communicate(), TIMEOUT_SECONDS)
    assert process.returncode == 0, errors.decode()
    steps = [step["step"] for step in orjson.loads(output)["steps"]]
    assert "and to one that was here before" in steps
    assert steps[-1] == "It has stopped"
    assert len(spawn("sql", "SELECT * FROM personalities WHERE id > 66", "--json", **own).json["rows"]) == 1


def test_a_rehearsal_is_refused_where_the_settings_name_the_bots_own_data(tzurot: Run) -> None:
    replica = {"REPLICA_BUCKET": "b", "REPLICA_ENDPOINT": "https://s3.example.com", "REPLICA_PREFIX": "tzurot"}
    keys = {"LITESTREAM_ACCESS_KEY_ID": "invented", "LITESTREAM_SECRET_ACCESS_KEY": "invented"}
    ended = tzurot("demo", "--rehearse", **replica, **keys)
    assert ended.code == 2
    assert "Copy the data" in ended.err


def test_a_rehearsal_can_not_be_kept_up(tzurot: Run) -> None:
    assert tzurot("demo", "--rehearse", "--keep").code == 2
