"""The way from JSON files to the database and back: what an operator does, and what is looked at after each stop."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from random import Random

from bot.cli.certificate.examiner import StoreExaminer
from bot.sandbox.bucket import BucketSandbox
from bot.sandbox.discord import DiscordOptions
from bot.sandbox.sample import write_sample_folder
from bot.sandbox.world import Sandbox
from tests.e2e.switch_over.machine import Machine
from tests.e2e.switch_over.people import People

ALONE = {
    "STORAGE_MODE": "database",
    "REPLICA_BUCKET": "",
    "REPLICA_ENDPOINT": "",
    "REPLICA_PREFIX": "",
    "ALLOW_INIT": "local",
}
"""What makes a command look at a database of its own, away from the bot's."""

OWN = ".tzurot*"
STARTING_SECONDS = (0.2, 1.4)
"""How far a start gets that is killed: from the first look at the volume to the first answers."""

FOLLOWED = ("dual", "shadow")


@dataclass(frozen=True, slots=True)
class Wish:
    """How many people talk, how often, for how long in each mode, and how often the bot is killed meanwhile."""

    users: int = 20
    pause_seconds: float = 1.5
    seconds_per_mode: float = 6.0
    kills: int = 0


@dataclass(slots=True, kw_only=True)
class Stage:
    """A mode that served for a while; the figures count from the beginning of the journey."""

    mode: str
    start_seconds: float
    kills: int = 0
    questions: int = 0
    answered: int = 0
    changes: int = 0
    verify: str = ""
    reads: int = 0
    broken: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Journey:
    """One installation on its way; `stages` is what it went through, each with what was wrong after it."""

    machine: Machine
    people: People
    wish: Wish
    folder: Path
    stages: list[Stage] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    _chance: Random = field(default_factory=lambda: Random(4))  # noqa: S311 - the same every time

    async def serve(self, mode: str, *, kills: int = 0, is_last: bool = False, **changes: str) -> Stage:
        """Start in a mode, serve everybody, stop, and look whether everything is there; people talk all the time.

        Before the last stop they fall silent, until everything is answered. Each of the kills is two: one while it
        starts, one in the middle of the load. `changes` are settings for the start.
        """
        for _ in range(kills):
            await self.machine.start_and_kill(mode, self._chance.uniform(*STARTING_SECONDS), **changes)
        stage = Stage(mode=mode, start_seconds=await self.machine.start(mode, **changes), kills=2 * kills)
        self.stages.append(stage)
        if len(self.stages) == 1:
            await self.people.settle()
            self.people.begin_to_talk()
        for _ in range(kills):
            await self._die(mode)
        async with self.people.changing():
            await asyncio.sleep(self.wish.seconds_per_mode)
            if mode in FOLLOWED:
                await self._verify(stage)
            code = 0 if is_last else await self.machine.stop()
        if is_last:
            await self._rest()
            code = await self.machine.stop()
        if code != 0:
            stage.broken.append(f"the stop ended with exit code {code}")
        await self._examine(stage)
        return stage

    async def _die(self, mode: str) -> None:
        """SIGKILL in the middle of it, and a start again."""
        async with self.people.changing():
            await asyncio.sleep(self._chance.uniform(0.3, 1.0) * self.wish.seconds_per_mode)
            await self.machine.kill()
        await self.machine.start(mode)

    async def _rest(self) -> None:
        await self.people.fall_silent()
        await self.people.until_answered()
        await self.people.until_quiet()

    async def refuse(self, mode: str, sentence: str) -> None:
        """Start in a mode that would serve old data, which must be refused with the sentence that says what to do."""
        ended = await self.machine.tzurot("run", STORAGE_MODE=mode)
        found = ended.err.strip().splitlines()[-1]
        self.refusals.append(found)
        if ended.code != 3 or sentence not in found:
            self.stages[-1].broken.append(f"a start in {mode} mode ended with exit code {ended.code}: {found}")

    async def order(self, *arguments: str | Path, **changes: str) -> None:
        """A command of the operator's, which must work."""
        ended = await self.machine.tzurot(*arguments, **changes)
        if ended.code != 0:
            self.stages[-1].broken.append(f"tzurot {arguments[0]} ended with exit code {ended.code}: {ended.err}")

    async def export(self, *options: str) -> None:
        """Write the files anew from the database, and compare both."""
        await self.order("export", self.machine.volume, *options)
        await self._verify(self.stages[-1])

    async def _examine(self, stage: Stage) -> None:
        stage.questions, stage.answered = len(self.people.questions), self.people.answered()
        stage.changes = self.people.promised().acknowledged
        if stage.mode != "json":
            await self._look_into(stage, "the database", self.machine.database)
        if stage.mode in FOLLOWED:
            await self._verify(stage)
        if stage.mode == "shadow":
            await self._compare_reads(stage)
        if stage.mode == "json":
            await self._verify_alone(stage)
        if stage.mode != "database":
            await self._look_into(stage, "what the original reads", await self._as_original(stage))

    async def _verify(self, stage: Stage, folder: Path | None = None, **changes: str) -> None:
        ended = await self.machine.tzurot("verify", folder or self.machine.volume, "--json", **changes)
        stage.verify = "clean" if ended.code == 0 else f"exit code {ended.code}"
        if ended.code != 0:
            stage.broken.append(f"verify ended with exit code {ended.code}: {ended.out}{ended.err}")

    async def _compare_reads(self, stage: Stage) -> None:
        ended = await self.machine.tzurot("status", "--json")
        shadow = ended.json["storage"]["shadow"]
        stage.reads = shadow["compared"]
        stage.broken += [f"shadow mode found a mismatch: {one}" for one in shadow["mismatches"]]
        if not stage.reads:
            stage.broken.append("shadow mode has compared nothing")

    async def _verify_alone(self, stage: Stage) -> None:
        """The files are the truth: a database that is made of them must be the same, and holds all."""
        database = self._scratch(stage, "mirror") / "tzurot.db"
        changes = {**ALONE, "DATABASE_PATH": str(database)}
        await self.order("import", self.machine.volume, **changes)
        await self._verify(stage, self.machine.volume, **changes)
        await self._look_into(stage, "a database made of the files", database)

    async def _as_original(self, stage: Stage) -> Path:
        """A database of the original's files alone, read as those of the original are."""
        place = self._scratch(stage, "original")
        files = place / "files"
        ignored = shutil.ignore_patterns(OWN, "tzurot.db*", ".tzurot.db*")
        await asyncio.to_thread(shutil.copytree, self.machine.volume, files, ignore=ignored)
        database = place / "tzurot.db"
        await self.order("import", files, **ALONE, DATABASE_PATH=str(database))
        return database

    async def _look_into(self, stage: Stage, what: str, database: Path) -> None:
        contents = await StoreExaminer().look_into(database)
        stage.broken += [f"{what}: {problem}" for problem in contents.problems]
        stage.broken += [f"{what}: {sentence}" for sentence in self.people.promised().broken(contents.deeds)]

    def _scratch(self, stage: Stage, name: str) -> Path:
        folder = self.folder / f"{len(self.stages)}-{stage.mode}-{name}"
        folder.mkdir()
        return folder

    def broken(self) -> list[str]:
        """Every promise that was not kept, a sentence each."""
        books = [sentence for sentences in asdict(self.people.balance()).values() for sentence in sentences]
        return [f"{stage.mode}: {sentence}" for stage in self.stages for sentence in stage.broken] + books


@asynccontextmanager
async def begun(folder: Path, wish: Wish, bucket: BucketSandbox | None = None) -> AsyncIterator[Journey]:
    """A journey from a data folder that the original left, in a world of its own; nothing of it runs afterwards."""
    # Apart from the folder, whose path may leave no room for a socket's name; a killed bot leaves something there.
    with tempfile.TemporaryDirectory(prefix="s-") as scratch:
        async with Sandbox(folder, DiscordOptions(rate_scale=0.001), bucket) as sandbox:
            machine = Machine(sandbox, folder, Path(scratch))
            write_sample_folder(machine.volume)
            people = People(sandbox, wish.users, wish.pause_seconds)
            try:
                yield Journey(machine, people, wish, folder)
            finally:
                await people.fall_silent()
                await machine.kill()
