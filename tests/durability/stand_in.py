"""`stand_in.py run` is `tzurot run` with this file as its bot; `stand_in.py bot` writes rows and says what it did.

Each line that the bot appends to STAND_IN_REPORT is one JSON object. SIGUSR1 makes it write one more row, SIGUSR2
end by itself. On SIGTERM it writes STAND_IN_STOP_ROWS more; with STAND_IN_ON_STOP=die it knows nothing of SIGTERM,
with STAND_IN_CONFIRMS=no it has nothing of what it writes confirmed.
With STAND_IN_STEPS=n, `run` dies of SIGKILL right before it changes the volume, or starts a process, for the nth time.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from bot.cli.options import start_logging
from bot.durability.confirmation import Confirmation
from bot.durability.health import HealthServer, Readiness, inherit_listener
from bot.durability.last_words import say_last
from bot.durability.litestream import Litestream
from bot.durability.lock import VolumeLock
from bot.durability.supervisor import Supervisor
from bot.durability.watchdog import Watchdog
from bot.errors import StorageError, TzurotError
from bot.settings import Settings, load_settings
from bot.store.cipher import cipher_from
from bot.store.driver import SQLiteStore
from bot.store.files.modes.backend import open_backend
from bot.store.statement import Query, Statement

ADD = Statement(
    "INSERT INTO blacklist (user_id, blacklisted_at)"
    " SELECT 1 + coalesce(max(user_id), 0), '2026-11-23T19:00:00.000Z' FROM blacklist"
)
COUNT = Query("SELECT count(*) AS n FROM blacklist", lambda row: int(row["n"]))


CHANGES = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree"}
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def die_before(step: int, volume: Path) -> None:
    """Watch Python's own events for what this process does to the volume."""
    left = step

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        is_opening = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        is_change = (event in CHANGES or is_opening) and str(arguments[0]).startswith(str(volume))
        if is_change or event == "subprocess.Popen":
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


def report(**event: object) -> None:
    with Path(os.environ["STAND_IN_REPORT"]).open("a") as file:
        file.write(json.dumps(event) + "\n")


async def write_rows(store: SQLiteStore, watchdog: Watchdog, count: int) -> None:
    try:
        for _ in range(count):
            await store.write(ADD)
    except StorageError as error:
        report(event="refused", failure=error.message)
        return
    confirms = watchdog.state.is_configured and os.environ.get("STAND_IN_CONFIRMS") != "no"
    state = await watchdog.check() if confirms else watchdog.state
    rows = await store.first(COUNT)
    report(event="written", rows=rows, pid=os.getpid(), confirmed=state.confirmed_txid, failure=state.failure)


async def be_bot(settings: Settings, given: argparse.Namespace) -> int:
    VolumeLock.inherit(given.lock_fd)
    if code := int(os.environ.get("STAND_IN_CODE", "0")):
        report(event="exit", code=code)
        say_last(given.words_fd, "What the bot said last.")
        return code
    backend = await open_backend(settings, cipher_from(settings), accept_older=given.accept_older)
    store = backend.store
    litestream = Litestream(settings.litestream_socket or Path("none"), settings.database_path)
    watchdog = Watchdog(store, Confirmation(litestream, settings), settings)
    readiness = Readiness(replication=lambda: watchdog.state, is_database_open=True, is_discord_connected=True)
    health = HealthServer(readiness)
    stop, more = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    if os.environ.get("STAND_IN_ON_STOP") != "die":
        loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, more.set)
    loop.add_signal_handler(signal.SIGUSR2, stop.set)
    with inherit_listener(given.listen_fd) as listener:
        await health.start(listener)
        await write_rows(store, watchdog, int(os.environ.get("STAND_IN_ROWS", "3")))
        while not stop.is_set():
            waiting = [asyncio.create_task(event.wait()) for event in (stop, more)]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in waiting:
                task.cancel()
            if more.is_set():
                more.clear()
                await write_rows(store, watchdog, 1)
        await asyncio.sleep(float(os.environ.get("STAND_IN_SLOW_STOP", "0")))
        for _ in range(int(os.environ.get("STAND_IN_STOP_ROWS", "1"))):
            await store.write(ADD)
        await health.stop()
    await backend.close()
    return int(os.environ.get("STAND_IN_STOP_CODE", "0"))


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("mode")
    parser.add_argument("--database", type=Path)
    parser.add_argument("--lock-fd", type=int)
    parser.add_argument("--listen-fd", type=int)
    parser.add_argument("--files-lock-fd", type=int)
    parser.add_argument("--words-fd", type=int)
    parser.add_argument("--accept-older", action="store_true")
    given = parser.parse_args()
    settings = load_settings()
    start_logging("INFO")
    if given.mode == "bot":
        return asyncio.run(be_bot(settings, given))
    if steps := int(os.environ.get("STAND_IN_STEPS", "0")):
        die_before(steps, settings.database_path.parent)
    return asyncio.run(run(settings, accept_older=given.accept_older))


async def run(settings: Settings, *, accept_older: bool) -> int:
    return await Supervisor(settings, (sys.executable, __file__, "bot"), accept_older=accept_older).run()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except TzurotError as error:
        print(error, file=sys.stderr)  # noqa: T201 - what the command line would do
        sys.exit(error.exit_code)
