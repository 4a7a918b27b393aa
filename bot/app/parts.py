"""What is open while the bot runs: the state, the connections, and what watches over them."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from bot.app.outside import BotReadiness
from bot.client import Client
from bot.cogs.ports.owner import DirectOwner
from bot.durability.confirmation import Confirmation
from bot.durability.lineage import read_marker
from bot.durability.litestream import litestream_from
from bot.durability.watchdog import Watchdog
from bot.errors import DamagedError, ProtectedError, UnreadableError
from bot.model import Clock
from bot.rules.operation.receipt import Origin
from bot.services.operation.receipts import Receipts
from bot.services.operation.token_refusals import TokenRefusals
from bot.settings import Settings
from bot.store.cipher import Cipher, cipher_from, require_keys
from bot.store.driver import SQLiteStore
from bot.store.files.modes.backend import Backend, open_backend
from bot.webhooks import open_session


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What is open while the bot runs."""

    settings: Settings
    clock: Clock
    backend: Backend
    cipher: Cipher
    session: aiohttp.ClientSession
    speaking: aiohttp.ClientSession
    client: Client
    owner: DirectOwner
    confirmation: Confirmation
    watchdog: Watchdog
    receipts: Receipts
    refusals: TokenRefusals

    @property
    def store(self) -> SQLiteStore:
        """The state."""
        return self.backend.store


@dataclass(frozen=True, slots=True)
class Opening:
    """What the parts are opened with."""

    settings: Settings
    readiness: BotReadiness
    accept_older: bool
    clock: Clock


async def open_parts(stack: AsyncExitStack, opening: Opening) -> Parts:
    """Open all of it; `stack` closes it in reverse."""
    settings, readiness, clock = opening.settings, opening.readiness, opening.clock
    cipher = cipher_from(settings)
    backend = await _open_backend(opening, cipher)
    stack.push_async_callback(backend.close)
    store = backend.store
    await require_keys(store, cipher)
    connector = aiohttp.TCPConnector(limit=0)  # slow answers must not queue up behind each other
    timeout = aiohttp.ClientTimeout(total=settings.discord_timeout_seconds)
    session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, timeout=timeout))
    speaking = await stack.enter_async_context(open_session(connector, timeout))
    confirmation = Confirmation(litestream_from(settings), settings)
    stack.push_async_callback(confirmation.close)
    watchdog = Watchdog(store, confirmation, settings, clock)
    readiness.replication = lambda: watchdog.state
    client = Client(settings)
    owner = DirectOwner(client=client, owner_id=settings.bot_owner_id, timeout_seconds=settings.discord_timeout_seconds)
    readiness.is_database_open, readiness.client, readiness.phase = True, client, ""
    return Parts(
        settings=settings,
        clock=clock,
        backend=backend,
        cipher=cipher,
        session=session,
        speaking=speaking,
        client=client,
        owner=owner,
        confirmation=confirmation,
        watchdog=watchdog,
        receipts=_receipts_of(opening, store, client, owner),
        refusals=TokenRefusals(
            store=store, interval=timedelta(seconds=settings.identify_interval_seconds), clock=clock
        ),
    )


async def _open_backend(opening: Opening, cipher: Cipher) -> Backend:
    try:
        return await open_backend(opening.settings, cipher, accept_older=opening.accept_older, clock=opening.clock)
    except (DamagedError, UnreadableError) as error:  # starting again and again would not mend it
        raise ProtectedError(error.message, remedy=error.remedy) from error


def _receipts_of(opening: Opening, store: SQLiteStore, client: Client, owner: DirectOwner) -> Receipts:
    settings = opening.settings
    marker = read_marker(settings.database_path)
    return Receipts(
        store=store,
        origin=Origin(
            epoch=marker.epoch if marker else None,
            is_restored=marker is not None and marker.is_restored,
            is_accepted=settings.restore_mode == "accept-volume",
        ),
        come_online=client.come_online,
        owner=owner if settings.receipt_dm else None,
        interval=timedelta(seconds=settings.receipt_interval_seconds),
        count_limit_seconds=settings.read_timeout_seconds,
        clock=opening.clock,
    )
