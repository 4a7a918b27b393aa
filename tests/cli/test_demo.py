"""The demo as a person runs it: in a process of its own, looked at from outside."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import orjson

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


async def _start(scratch: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        "demo",
        *arguments,
        env={**os.environ, "TMPDIR": str(scratch), "ENCRYPTION_KEYS": "not for the demo"},
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
