"""What a container runs: decides how to start, then keeps Litestream and the bot alive and ends both in order.

Two children rather than Litestream's `-exec`: that loses the last rows when the bot ends badly, when a second signal
arrives, and when the bucket is away, and says nothing about any of it.
"""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
import time
from collections.abc import Iterator, Sequence

from bot.durability.aside import run_aside
from bot.durability.backlog import describe_backlog
from bot.durability.boot import Boot
from bot.durability.child import Child, Program
from bot.durability.environment import bot_environment
from bot.durability.health import HealthServer, Readiness, listen
from bot.durability.last_words import last_words
from bot.durability.launch import Launch
from bot.durability.leaseholder import Leaseholder
from bot.durability.lock import VolumeLock, take_files_lock, take_lock
from bot.durability.preflight import require_settings
from bot.durability.race import race
from bot.durability.replication import Replication
from bot.durability.watch import watch_volume
from bot.errors import ConfigurationError, ExitCode, ProtectedError, TzurotError
from bot.settings import Settings

log = logging.getLogger(__name__)

FINAL_CODES = (ExitCode.MISUSED, ExitCode.PROTECTED)
"""What the bot ends with when starting it again can't help."""

KILLED = "It was killed by force, as happens where memory is short."

BOT_COMMAND = (sys.executable, "-m", "bot", "bot")


class Supervisor:
    """Runs once; `bot_command` is what tests start instead of the bot."""

    def __init__(
        self, settings: Settings, bot_command: Sequence[str] = BOT_COMMAND, *, accept_older: bool = False
    ) -> None:
        self._settings = settings
        self._accept_older = accept_older
        self._bot_command = tuple(bot_command)
        self._stop = asyncio.Event()
        self._readiness = Readiness()
        self._health = HealthServer(self._readiness)
        self._replication: Replication | None = None
        self._lease: Leaseholder | None = None
        self._files_lock: VolumeLock | None = None
        self._bot: Child | None = None
        self._has_volume = False
        self._born: float | None = time.monotonic()

    async def run(self) -> int:
        """Everything from the port to the last upload; returns the exit code, or raises the error that has one."""
        require_settings(self._settings)
        with (
            _set_on_signals(self._stop),
            listen(self._settings.listen_address, self._settings.port) as listener,
        ):
            log.info("Probes are answered on port %d", listener.getsockname()[1])
            await self._health.start(listener)
            try:
                return await self._run_and_shut_down(listener)
            finally:
                await self._health.stop()

    async def _run_and_shut_down(self, listener: socket.socket) -> int:
        is_safe = True
        try:
            code = await race(self._until_stopped(), self._work(listener))
        finally:
            is_safe = await self._shut_down(listener)
        return code or (ExitCode.DONE if is_safe else ExitCode.FAILED)

    async def _until_stopped(self) -> int:
        await self._stop.wait()
        log.info("Stopping")
        return ExitCode.DONE

    async def _work(self, listener: socket.socket) -> int | None:
        self._say("Another process still uses the volume.")
        # Held until this process has ended: its children inherit it, and may live a moment longer than this method.
        lock = await take_lock(self._settings)
        self._files_lock = await take_files_lock(self._settings)
        boot = Boot(self._settings, lock, self._say, accept_older=self._accept_older)
        if boot.bucket is None or boot.lease is None:
            return await self._live(boot, lock, listener)
        self._lease = boot.lease
        self._replication = Replication(self._settings, lock, boot.bucket, boot.lease)
        return await race(self._live(boot, lock, listener), boot.lease.until_taken())

    async def _live(self, boot: Boot, lock: VolumeLock, listener: socket.socket) -> int | None:
        launch = Launch(self._settings, self._replication, self._say)
        prepared = await boot.prepare()
        self._has_volume = True
        await launch.bring_up(prepared)
        return await race(
            self._keep_bot(lock, listener),
            launch.keep_up(boot, prepared),
            watch_volume(self._settings, lock, self._files_lock),
        )

    async def _keep_bot(self, lock: VolumeLock, listener: socket.socket) -> int:
        delay = self._settings.restart_delay_seconds
        while True:
            started = time.monotonic()
            code, last_words = await self._run_bot(lock, listener)
            if code in FINAL_CODES:
                log.error("The bot ended with code %d, which starting it again can't mend", code)
                raise _final_error(code, last_words)
            if time.monotonic() - started > self._settings.restart_delay_limit_seconds:
                delay = self._settings.restart_delay_seconds
            log.error("%s", f"The bot ended with code {code}; it starts again in {delay:g} s. {last_words}".rstrip())
            await self._flush()
            await asyncio.sleep(delay)
            delay = min(2 * delay, self._settings.restart_delay_limit_seconds)

    async def _run_bot(self, lock: VolumeLock, listener: socket.socket) -> tuple[int, str]:
        """One life of the bot, which answers the probes while it lives; its exit code and why it ended, if it said."""
        self._say("The bot is being started.")
        with last_words() as words:
            self._bot = await Child.start(self._bot_program(lock, listener, words.fd))
            words.hand_over()
            self._tell_started()
            await self._health.stop()
            code = await self._bot.wait()
            said = words.read() or (KILLED if code == -signal.SIGKILL else "")
        self._say("The bot ended and will be started again.")
        await self._health.start(listener)
        return code, said

    def _bot_program(self, lock: VolumeLock, listener: socket.socket, words_fd: int) -> Program:
        files = {"--lock-fd": lock.fd, "--listen-fd": listener.fileno(), "--words-fd": words_fd}
        if self._files_lock is not None:
            files["--files-lock-fd"] = self._files_lock.fd
        options = [text for name, fd in files.items() for text in (name, str(fd))]
        if self._accept_older:
            # Once: what another program writes while the bot is up was not meant.
            self._accept_older = False
            options.append("--accept-older")
        database = ("--database", str(self._settings.database_path.absolute()))
        socket_path = self._replication.socket if self._replication else None
        environment = bot_environment(self._settings, socket_path)
        return Program((*self._bot_command, *database, *options), environment, tuple(files.values()))

    def _tell_started(self) -> None:
        if self._born is None:
            log.info("The bot was started again")
            return
        log.info("The bot was started %.0f ms after the supervisor", (time.monotonic() - self._born) * 1000)
        self._born = None

    async def _flush(self, *, is_last: bool = False) -> bool:
        """Bring everything off-site; False, with the reason in the log, when that fails."""
        if self._replication is None:
            return True
        if not self._replication.is_started:  # nobody knows whether the database is off-site, if there is one yet
            return not self._has_volume
        try:
            async with asyncio.timeout(self._settings.shutdown_sync_timeout_seconds):
                await (self._replication.revive() if is_last else self._replication.renew())
                result = await self._replication.flush()
        except (TimeoutError, TzurotError) as error:
            reason = str(error) or f"The bucket took longer than {self._settings.shutdown_sync_timeout_seconds:g} s."
            log.error("The last upload failed: %s", reason)  # noqa: TRY400 - one line
            return False
        log.info("Everything is in the bucket, up to transaction %d", result.replicated_txid)
        return True

    async def _shut_down(self, listener: socket.socket) -> bool:
        """The bot first, then the last upload, then Litestream; whether everything is off-site."""
        self._say("The bot is stopping.")
        if self._bot is not None and self._bot.is_running:
            code = await self._bot.stop(self._settings.stop_timeout_seconds)
            is_usual = code in (ExitCode.DONE, -signal.SIGTERM)  # the latter where it was not up yet
            late = f": it took longer than {self._settings.stop_timeout_seconds:g} s" if code == -signal.SIGKILL else ""
            log.log(logging.INFO if is_usual else logging.ERROR, "The bot ended with code %d%s", code, late)
        await self._health.start(listener)
        is_safe = await self._flush(is_last=True)
        if self._replication is not None:
            await self._replication.stop()
        if self._lease is not None:
            # Also with writes left behind: it says who writes, and that is nobody now.
            await self._lease.release(has_tail=not is_safe)
        if not is_safe:  # the last word, after whatever Litestream had to say
            await self._tell_backlog()
        return is_safe

    async def _tell_backlog(self) -> None:
        since = await run_aside(describe_backlog, self._settings.database_path)
        is_taken = self._lease is not None and self._lease.is_taken
        then = "the other instance does not have them" if is_taken else "the next start uploads them"
        log.error("The last writes, %s, are on the volume ONLY: keep it, %s", since, then)

    def _say(self, phase: str) -> None:
        self._readiness.phase = phase


def _final_error(code: int, last_words: str) -> TzurotError:
    """What the bot ended with, as this process's own error: so it is said last, where operators look first."""
    kind = ConfigurationError if code == ExitCode.MISUSED else ProtectedError
    return kind(last_words or f"The bot ended with code {code}; its own log lines above say why.")


@contextlib.contextmanager
def _set_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Take the first SIGTERM or SIGINT as the wish to stop, and no later one: a second must not cut the end short."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)
