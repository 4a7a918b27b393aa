"""Many runs, some side by side, on one bucket; an interrupted series keeps what it has."""

import asyncio
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bot.sandbox.bucket import BucketSandbox
from bot.sandbox.certificate.examination import Examiner
from bot.sandbox.certificate.installation import Installation, installed
from bot.sandbox.certificate.outcome import Outcome
from bot.sandbox.certificate.plan import Plan, plan_of
from bot.sandbox.certificate.run import Run

FAILED_FOLDER = "failed"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the runs take place: a folder for what they need, one for what failed runs leave."""

    scratch: Path
    report: Path
    examiner: Examiner
    mortal_module: str


@dataclass(slots=True)
class Series:
    """The runs of a seed; `outcomes` grows while it plays, in the order in which they end."""

    seed: int
    numbers: Sequence[int]
    on_outcome: Callable[[Outcome], None]
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0

    async def play(self, ground: Ground, jobs: int) -> None:
        """All of them, `jobs` at a time."""
        began = time.monotonic()
        waiting = iter(self.numbers)
        try:
            async with BucketSandbox(ground.scratch / "bucket") as bucket, asyncio.TaskGroup() as group:
                for _ in range(min(jobs, len(self.numbers))):
                    group.create_task(self._work(waiting, ground, bucket))
        finally:
            self.seconds = time.monotonic() - began

    async def _work(self, waiting: Iterator[int], ground: Ground, bucket: BucketSandbox) -> None:
        for number in waiting:
            outcome = await play_one(plan_of(self.seed, number), ground, bucket)
            self.outcomes.append(outcome)
            self.on_outcome(outcome)


async def play_one(plan: Plan, ground: Ground, bucket: BucketSandbox) -> Outcome:
    """One run; it leaves its folder where it broke the promise, and nothing else."""
    folder = ground.scratch / f"run-{plan.number}"
    try:
        async with installed(bucket, folder, f"certificate/{plan.seed}/{plan.number}") as installation:
            outcome = await _play(plan, installation, ground)
        if outcome.broken():
            _keep(folder, ground.report / FAILED_FOLDER / folder.name)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


async def _play(plan: Plan, installation: Installation, ground: Ground) -> Outcome:
    run = Run(plan=plan, installation=installation, examiner=ground.examiner, mortal_module=ground.mortal_module)
    outcome = await run.play()
    if outcome.broken():
        installation.scratch("transcript.txt").write_text(run.load.transcript())
        installation.scratch("outcome.json").write_bytes(orjson.dumps(outcome.as_json(), option=orjson.OPT_INDENT_2))
    return outcome


def _keep(folder: Path, target: Path) -> None:
    """What helps to understand a run: logs, transcript, outcome and databases."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("tmp", "bucket", "*-litestream", "armed"))


def machine() -> str:
    """What the runs ran on."""
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
