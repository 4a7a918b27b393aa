"""How long a lost volume keeps the bot from answering: `python -m tests.durability.recovery_time [--quick] [--json]`.

In turns: `litestream restore` alone, without a check and with the full one, and the whole program on an empty volume
until a user of the sandboxed Discord has an answer. The verdict is by the bare restore that checks as well, for both
then end with a verified database; the other is shown with what it would say. The move is a planned one: the run before
was stopped and had given the installation back. Exit code 1 if the goal is missed; with `--quick` the database is too
small to judge by, so that does not count.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from time import perf_counter

from rich.console import Console
from rich.table import Table

from bot.durability.bucket import Bucket
from bot.durability.child import Child, Program
from bot.durability.environment import litestream_environment, litestream_program
from bot.sandbox.bucket import FaultProxy
from bot.sandbox.discord import DiscordOptions
from bot.sandbox.world import Sandbox
from bot.settings import Settings, load_settings
from tests.bench.filling import ENCRYPTION_KEY, fill_to
from tests.e2e.conftest import PATIENCE_SECONDS, Installation

SHARE, CONSTANT_SECONDS = 1.5, 1.0
PATIENT = {
    "REPLICA_TIMEOUT_SECONDS": "10",
    "BUCKET_REQUEST_TIMEOUT_SECONDS": "5",
    "SYNC_TIMEOUT_SECONDS": "5",
    "SHUTDOWN_SYNC_TIMEOUT_SECONDS": "15",
}


@dataclass(frozen=True)
class Round:
    """Seconds of the bare restores, and of the program: until restored, until the bot runs, until it has answered."""

    bare: float
    bare_and_checked: float
    restored: float
    bot_started: float
    connected: float
    answered: float


async def restore_bare(settings: Settings, folder: Path, check: str) -> float:
    """What an operator would do by hand."""
    version = await Bucket(settings).read_current()
    assert version is not None
    output = folder / "bare.db"
    environment = litestream_environment(settings, version.current.prefix, folder / "none.sock")
    options = ("-config", str(settings.litestream_config), "-integrity-check", check, "-o", str(output))
    started = perf_counter()
    child = await Child.start(
        Program((litestream_program(), "restore", *options, str(settings.database_path)), environment), captures=True
    )
    code, _, errors = await child.output()
    spent = perf_counter() - started
    assert code == 0, errors
    output.unlink()
    return spent


async def recover(installation: Installation) -> Mapping[str, float]:
    """From the start of the program on an empty volume to the answer."""
    installation.lose_volume()
    installation.volume.mkdir()
    started = perf_counter()
    await installation.start_and_connect()
    connected = perf_counter() - started
    assert await installation.is_talking()
    answered = perf_counter() - started
    milliseconds = [
        float(re.findall(pattern, installation.log)[0]) for pattern in (r"in (\d+) ms", r"started (\d+) ms")
    ]
    restored, bot_started = (value / 1000 for value in milliseconds)
    return {"restored": restored, "bot_started": bot_started, "connected": connected, "answered": answered}


async def measure(folder: Path, megabytes: int, rounds: int) -> list[Round]:
    """The rounds, each from the epoch that the one before began."""
    async with Sandbox(folder, DiscordOptions(rate_scale=0.02)) as sandbox, FaultProxy(sandbox.bucket.port) as proxy:
        installation = Installation(sandbox, proxy, folder)
        installation.environment |= PATIENT | {
            "REPLICA_ENDPOINT": sandbox.bucket.endpoint,
            "ENCRYPTION_KEYS": ENCRYPTION_KEY,
        }
        installation.volume.mkdir()
        await fill_to(installation.volume / "tzurot.db", megabytes * 1_000_000)
        settings = load_settings({n.lower(): v for n, v in installation.environment.items()}, env_file=None)
        try:
            await installation.start()
            await installation.until_said("The bot was started")  # after the first upload
            await installation.discord.wait_for_session(timeout_seconds=PATIENCE_SECONDS)
            await installation.prepare()
            assert await installation.is_talking()
            return [await _round(installation, settings, folder) for _ in range(rounds)]
        finally:
            await installation.close()


async def _round(installation: Installation, settings: Settings, folder: Path) -> Round:
    await installation.until_confirmed()
    assert await installation.stop() == 0, installation.log
    bare, checked = [await restore_bare(settings, folder, check) for check in ("none", "full")]
    return Round(bare=bare, bare_and_checked=checked, **await recover(installation))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.durability.recovery_time", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--quick", action="store_true", help="20 MB and 2 rounds, no verdict")
    parser.add_argument("--megabytes", type=int, help="size of the database, 200 by default")
    arguments = parser.parse_args()
    megabytes = arguments.megabytes or (20 if arguments.quick else 200)
    # Beside the project and not in /tmp, which may be memory.
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=Path.cwd()) as folder:
        rounds = asyncio.run(measure(Path(folder), megabytes, 2 if arguments.quick else 5))
    is_met = report(rounds, megabytes, as_json=arguments.json)
    return 0 if is_met or arguments.quick else 1


def report(rounds: list[Round], megabytes: int, *, as_json: bool) -> bool:
    """Say it all; whether the goal is met."""
    middle = Round(*(median(values) for values in zip(*(asdict(each).values() for each in rounds), strict=True)))
    most = SHARE * middle.bare_and_checked + CONSTANT_SECONDS
    is_met = middle.answered <= most
    if as_json:
        found = {"megabytes": megabytes, "rounds": [asdict(each) for each in rounds], "median": asdict(middle)}
        json.dump(found | {"goal_seconds": most, "is_met": is_met}, sys.stdout, indent=2)
        return is_met
    names = [field.name.replace("_", " ") for field in fields(Round)]
    table = Table(*names, title=f"{megabytes} MB, seconds", title_justify="left", show_footer=True)
    for column, value in zip(table.columns, asdict(middle).values(), strict=True):
        column.footer = f"{value:.2f}"
    for each in rounds:
        table.add_row(*(f"{seconds:.2f}" for seconds in asdict(each).values()))
    console = Console()
    console.print(table)
    for name, seconds in (("bare and checked", middle.bare_and_checked), ("bare", middle.bare)):
        limit = SHARE * seconds + CONSTANT_SECONDS
        verdict = "met" if middle.answered <= limit else "MISSED"
        goal = f"{SHARE} × + {CONSTANT_SECONDS:g} s is {limit:.2f} s, {verdict}"
        console.print(f"  answered / {name}: {middle.answered / seconds:.2f} ×; {goal}")
    return is_met


if __name__ == "__main__":
    sys.exit(main())
