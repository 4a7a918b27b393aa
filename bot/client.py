"""The connection to Discord: how it starts, what it survives, when it gives up, and how it ends."""

import asyncio
import base64
import binascii
import logging
from collections.abc import Iterator
from typing import Any

import aiohttp
import discord
import yarl
from discord.asset import Asset
from discord.ext import commands
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.message import Message
from discord.utils import MISSING

from bot.errors import ConfigurationError, trace
from bot.model import Secret
from bot.rules.commands.terms import terms_of
from bot.settings import Settings

log = logging.getLogger(__name__)

COGS = (
    "events.dialogue",
    "events.session",
    "events.answers",
    "commands.personalities",
    "commands.auth",
    "commands.channels",
    "commands.conversations",
    "commands.configuration",
    "commands.moderation",
    "commands.notifications",
    "commands.purge",
    "commands.diagnosis",
    "commands.undo",
    "commands.general",
    "commands.help",
    "events.failures",
)
PORTAL = "https://discord.com/developers/applications"
OUTAGES = (discord.HTTPException, discord.GatewayNotFound, aiohttp.ClientError, OSError)
OFFERED = frozenset({0, 1})
"""Discord's numbers for a server's channels, and for direct messages with the bot."""
WRONG_TOKEN, MISSING_INTENT = 4004, 4014


class Client(commands.Bot):
    """Tzurot on Discord. `services` is what the cogs call; the application sets it before `serve`."""

    services: Any

    def __init__(self, settings: Settings) -> None:
        _point_at(settings)
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # it has nothing to do with voice
        super().__init__(
            command_prefix=settings.bot_prefix,
            case_insensitive=True,
            strip_after_prefix=True,
            help_command=None,
            intents=_intents(),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=settings.guild_ready_timeout_seconds,
        )
        self._settings = settings
        self._was_ready = asyncio.Event()

    @property
    def is_connected(self) -> bool:
        """Whether events arrive at this moment."""
        return self.is_ready() and self._has_connected_once and self.ws.open

    @property
    def _has_connected_once(self) -> bool:
        websocket: DiscordWebSocket | None = self.ws
        return websocket is not None

    async def serve(self, token: Secret, stop: asyncio.Event) -> None:
        """Be on Discord until `stop` is set; ConfigurationError when Discord refuses the token or an intent."""
        serving = asyncio.create_task(self._serve(token), name="gateway")
        stopping = asyncio.create_task(stop.wait(), name="stop")
        try:
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
        finally:
            # close() alone would wait out the reconnect back-off of an outage.
            serving.cancel()
            stopping.cancel()
            await asyncio.gather(serving, stopping, return_exceptions=True)

    async def leave(self) -> None:
        """Close every connection, within the time that the settings give, also when Discord answers nothing."""
        settling = self._connection._ready_task  # noqa: SLF001 - waits for more guilds, and would wake up after the end
        if settling is not None:
            settling.cancel()
        try:
            await asyncio.wait_for(self.close(), self._settings.gateway_close_timeout_seconds)
        except TimeoutError:
            await self.http.close()

    async def setup_hook(self) -> None:
        """Load the cogs, without any request: this runs again when a start has to be repeated."""
        for name in COGS:
            if f"bot.cogs.{name}" not in self.extensions:
                await self.load_extension(f"bot.cogs.{name}")
        for command in (*self.walk_commands(), *self.tree.walk_commands(), *self.tree.get_commands()):
            terms_of(command.qualified_name)  # LookupError where nobody has said who may use it

    async def get_prefix(self, message: Message, /) -> str:
        """The prefix as the author typed it: case does not matter, the space after it does."""
        return self.prefix_of(message.content) or f"{self._settings.bot_prefix} "

    def prefix_of(self, content: str) -> str | None:
        """The prefix in a message that is addressed to the bot as a command, else None."""
        prefix = self._settings.bot_prefix
        typed, rest = content[: len(prefix)], content[len(prefix) :]
        is_addressed = typed.lower() == prefix.lower() and (not rest or rest[0].isspace())
        return typed if is_addressed else None

    async def on_message(self, message: Message, /) -> None:
        """Nothing: the dialogue cog tells commands from conversation."""

    async def on_ready(self) -> None:
        """Note that the first connection is there, and log it."""
        self._was_ready.set()
        log.info("Connected to Discord; servers: %d", len(self.guilds))

    def dispatch(self, event_name: str, /, *args: Any, **kwargs: Any) -> None:
        """Nothing once the end has begun: a command that it cuts short would fail again at being told so."""
        if not self.is_closed():
            super().dispatch(event_name, *args, **kwargs)

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """Log where a listener failed, never what it was given."""
        log.error("Handling %s failed: %s", event_method, trace())

    async def come_online(self) -> None:
        """Wait for the first connection."""
        await self._was_ready.wait()

    async def publish_commands(self) -> None:
        """Bring Discord's list of slash commands up to date, if it differs from ours."""
        await self.come_online()
        wanted = {_shape(command.to_dict(self.tree)) for command in self.tree.get_commands()}
        # Not the tree's own: discord.py 2.7.1 reads "in direct messages only" as "in servers only".
        if wanted == {_shape({**known}) for known in await self.http.get_global_commands(self.application_id or 0)}:
            return
        await self.tree.sync()
        log.info("Published %d slash commands", len(wanted))

    async def _serve(self, token: Secret) -> None:
        try:
            await self._log_in(token)
            await self.connect()
        except discord.LoginFailure:
            raise self._refusal("Discord does not accept DISCORD_TOKEN (401).", token) from None
        except discord.PrivilegedIntentsRequired:
            raise self._refusal("Discord has not granted the message content intent (4014).", token) from None
        except discord.ConnectionClosed as error:
            raise self._refusal(_closing_sentence(error.code), token) from None

    async def _log_in(self, token: Secret) -> None:
        for delay in self._delays():
            try:
                await self.login(token.reveal())
            except OUTAGES as error:
                log.warning("Discord does not answer (%s); next try in %.1f s", _brief(error), delay)
            else:
                return
            await self._drop_session()
            await asyncio.sleep(delay)

    async def connect(self, *, reconnect: bool = True) -> None:
        """Listen to the gateway; discord.py reconnects by itself, but only after a first connection."""
        for delay in self._delays():
            try:
                await super().connect(reconnect=reconnect)
            except AttributeError:
                if self._has_connected_once:
                    raise
            else:
                return
            # discord.py #10520: without a first connection its reconnect trips over the missing websocket.
            log.warning("Discord's gateway does not answer; next try in %.1f s", delay)
            await asyncio.sleep(delay)

    def _delays(self) -> Iterator[float]:
        delay = self._settings.gateway_retry_seconds
        while True:
            yield delay
            delay = min(delay * 2, self._settings.gateway_retry_limit_seconds)

    async def _drop_session(self) -> None:
        """Let the next login make a new session instead of leaking this one."""
        await self.http.close()
        self.http.connector = MISSING

    def _refusal(self, sentence: str, token: Secret) -> ConfigurationError:
        application = self.application_id or _application_of(token)
        page = f"{PORTAL}/{application}/bot" if application else PORTAL
        return ConfigurationError(sentence, remedy=f"Open {page} and put it right there.")


def _intents() -> discord.Intents:
    return discord.Intents(
        guilds=True,
        guild_messages=True,
        dm_messages=True,
        message_content=True,
        guild_reactions=True,
        dm_reactions=True,
    )


def _point_at(settings: Settings) -> None:
    """Let discord.py talk to the server of the settings; it knows no option for that, only class attributes."""
    Route.BASE = settings.discord_api_base
    if settings.discord_gateway:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(settings.discord_gateway)
    base = yarl.URL(settings.discord_api_base)
    if base.host != "discord.com":
        Asset.BASE = str(base.origin() / "cdn")


def _closing_sentence(code: int) -> str:
    if code == WRONG_TOKEN:
        return f"Discord's gateway does not accept DISCORD_TOKEN ({code})."
    if code == MISSING_INTENT:
        return f"Discord has not granted the message content intent ({code})."
    return f"Discord's gateway refuses this bot (close code {code})."


def _application_of(token: Secret) -> int | None:
    """The application's id, which is the first part of a token of the usual form."""
    first = token.reveal().split(".")[0]
    try:
        text = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        return None
    return int(text) if text.isdigit() else None


def _brief(error: BaseException) -> str:
    if isinstance(error, discord.HTTPException):
        return f"status {error.status}"
    return type(error).__name__


def _contexts(payload: dict[str, Any]) -> frozenset[int]:
    """Whether in servers and in direct messages, in either of Discord's ways to say it; both where it says nothing."""
    said = payload.get("contexts")
    return frozenset(said) & OFFERED if said else OFFERED - ({1} if payload.get("dm_permission") is False else set())


def _shape(payload: dict[str, Any]) -> tuple[Any, ...]:
    """What makes two commands or options the same to a user."""
    return (
        payload["name"],
        payload.get("description", ""),
        payload["type"],
        payload.get("required", False),
        payload.get("autocomplete", False),
        str(payload.get("default_member_permissions")),
        _contexts(payload),
        tuple((choice["name"], choice["value"]) for choice in payload.get("choices") or ()),
        tuple(_shape(option) for option in payload.get("options") or ()),
    )
