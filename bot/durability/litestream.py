"""Talks to a running Litestream over its unix socket; every call has a time limit, for Litestream itself has none."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import orjson

from bot.errors import ConfigurationError, UnavailableError
from bot.settings import Settings

MARGIN_SECONDS = 0.5
"""How much longer than Litestream's own limit a caller waits for its answer."""


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The database's last transaction and the last one that the bucket has."""

    txid: int
    replicated_txid: int

    @property
    def is_complete(self) -> bool:
        """Whether every committed transaction is off-site."""
        return self.replicated_txid >= self.txid


class NotRunningError(UnavailableError):
    """No process listens on the socket: the supervisor has ended it, or is about to start it again."""

    def __init__(self) -> None:
        super().__init__("Litestream is not running (it is started once the bucket answers).")


class Syncer(Protocol):
    """What can bring all committed transactions off-site and say so."""

    async def sync(self, timeout_seconds: float) -> SyncResult:
        """Upload what is missing and wait for it. Raises UnavailableError."""


class Replicator(Syncer, Protocol):
    """The same, and it can be made to begin anew."""

    async def restart(self, timeout_seconds: float) -> None:
        """Stop replication and start it again, each within that time. Raises UnavailableError."""


class Litestream:
    """The Litestream process behind a socket, for one database."""

    def __init__(self, socket_path: Path, database: Path) -> None:
        self._socket = socket_path
        self._database = database

    async def sync(self, timeout_seconds: float) -> SyncResult:
        """Upload what is missing and wait for it; UnavailableError when it takes longer or fails."""
        body = {**self._order(timeout_seconds), "wait": True}
        answer = await self._ask("POST", "/sync", timeout_seconds + MARGIN_SECONDS, body)
        try:
            return SyncResult(int(answer["txid"]), int(answer["replicated_txid"]))
        except (KeyError, TypeError, ValueError):
            raise UnavailableError("Litestream answered a sync without transaction ids.") from None

    async def take_in(self, timeout_seconds: float) -> None:
        """Copy what was committed into Litestream's own folder, without the bucket; UnavailableError as above."""
        await self._ask("POST", "/sync", timeout_seconds + MARGIN_SECONDS, self._order(timeout_seconds))

    async def restart(self, timeout_seconds: float) -> None:
        """Stop replication and start it again; UnavailableError when it does not take the order to start."""
        with contextlib.suppress(UnavailableError):  # what could not be uploaded in the end fails the stop, no more
            await self.stop(timeout_seconds)
        await self.start(timeout_seconds)

    async def stop(self, timeout_seconds: float) -> None:
        """Replicate no more; UnavailableError when not everything could be uploaded before that, or nobody answers."""
        await self._ask("POST", "/stop", timeout_seconds, self._order(timeout_seconds))

    async def start(self, timeout_seconds: float) -> None:
        """Replicate, if it does not do so already; UnavailableError when it takes no orders."""
        await self._ask("POST", "/start", timeout_seconds, self._order(timeout_seconds))

    async def is_up(self) -> bool:
        """Whether the process answers at all."""
        try:
            await self._ask("GET", "/info", 1)
        except UnavailableError:
            return False
        return True

    def _order(self, timeout_seconds: float) -> dict[str, Any]:
        return {"path": str(self._database), "timeout": max(1, round(timeout_seconds))}

    async def _ask(self, method: str, path: str, timeout_seconds: float, body: object = None) -> dict[str, Any]:
        try:
            async with (
                aiohttp.ClientSession(
                    connector=aiohttp.UnixConnector(str(self._socket)),
                    timeout=aiohttp.ClientTimeout(total=timeout_seconds),
                ) as session,
                session.request(method, f"http://litestream{path}", json=body) as response,
            ):
                return _answer(response.status, await response.read())
        except TimeoutError:
            raise UnavailableError(f"Litestream did not answer within {timeout_seconds:g} s.") from None
        except aiohttp.ClientConnectorError:
            raise NotRunningError from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            raise UnavailableError("Litestream ended before it answered.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise UnavailableError(f"Litestream does not answer on its socket ({type(error).__name__}).") from None


def _answer(status: int, content: bytes) -> dict[str, Any]:
    try:
        answer = orjson.loads(content)
    except ValueError:
        answer = {}
    if not isinstance(answer, dict):
        answer = {}
    if status != 200:  # noqa: PLR2004 - HTTP's own number
        raise UnavailableError(f"Litestream reports an error: {answer.get('error', f'status {status}')}.")
    return answer


def litestream_from(settings: Settings) -> Litestream | None:
    """Where the settings say that it listens; None where nothing is copied."""
    if not settings.is_replicated:
        return None
    if settings.litestream_socket is None:
        raise ConfigurationError(
            "LITESTREAM_SOCKET is not set, so nothing would prove that the copy in the bucket is current.",
            remedy="Start with `tzurot run`, which starts Litestream and sets it.",
        )
    return Litestream(settings.litestream_socket, settings.database_path)
