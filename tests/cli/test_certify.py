"""The certificate as a person orders it: in a process of its own, looked at from outside."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import orjson

from bot.sandbox.certificate.plan import KINDS, plan_of
from tests.cli.conftest import Run

TIMEOUT_SECONDS = 50
KIND, SEED = "after a webhook send", 7


NUMBER = next(n for n in range(1, 3 * len(KINDS)) if (p := plan_of(SEED, n)).kind == KIND and p.is_volume_lost)


async def start(scratch: Path, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "certify", *arguments),
        env={**os.environ, "TMPDIR": str(scratch), "ENCRYPTION_KEYS": "not for the certificate"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def ended(process: asyncio.subprocess.Process) -> tuple[int | None, bytes, bytes]:
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output, errors


async def test_a_run_kills_the_real_processes_and_finds_the_promise_kept(scratch: Path, tmp_path: Path) -> None:
    which = ("--seed", str(SEED), "--only", str(NUMBER))
    process = await start(scratch, *which, "--json", "--report", str(tmp_path / "report"))
    code, output, errors = await ended(process)
    assert code == 0, errors.decode() + output.decode()
    found: dict[str, Any] = orjson.loads(output)
    assert found["is_kept"] is True
    (outcome,) = found["outcomes"]
    assert outcome["is_at_point"] is True
    assert outcome["acknowledged"] >= 4
    assert outcome["questions"] >= 6
    assert outcome["loss_window_ms"] is not None
    assert found["promised"]["distributions"]["first_answer_ms"]["count"] == 1
    assert {path.suffix for path in (tmp_path / "report").iterdir()} == {".md", ".json", ".svg"}


async def test_ctrl_c_reports_the_runs_so_far_and_leaves_no_process(scratch: Path, tmp_path: Path) -> None:
    report = tmp_path / "report"
    process = await start(scratch, "--runs", "50", "--seed", "7", "--report", str(report))
    while not list(scratch.glob("certify-*/run-*/first/bot.log")):  # noqa: ASYNC110, ASYNC240 - another process writes it
        await asyncio.sleep(0.05)
    for _ in range(2):  # people press it twice
        process.send_signal(signal.SIGINT)
    code, output, _ = await ended(process)
    assert code == 130
    assert b"0 of 50 runs" in output
    assert orjson.loads((report / "certificate.json").read_bytes())["runs"] == 0


def test_a_report_that_can_not_be_written_is_found_out_before_the_first_run(tzurot: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = tzurot("certify", "--report", str(tmp_path / "file" / "below"))
    assert ended.code == 2
    assert "can't be made" in ended.err
