"""The whole of Discord on one loopback port."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web

from bot.model import Clock, utc_now
from bot.sandbox.discord import intents
from bot.sandbox.discord.faults import Faults
from bot.sandbox.discord.gateway import Gateway
from bot.sandbox.discord.invoking import MESSAGE_COMMAND, SLASH_COMMAND
from bot.sandbox.discord.limits import RateLimits
from bot.sandbox.discord.model import Exchange, Request, Snowflakes, Typing, User
from bot.sandbox.discord.people import People
from bot.sandbox.discord.pluralkit import PluralKitSandbox
from bot.sandbox.discord.rest import BASE, Rest
from bot.sandbox.discord.session import CloseCode, Opcode
from bot.sandbox.discord.state import State
from bot.sandbox.discord.watching import WAIT_SECONDS
from bot.sandbox.listener import Listener
from bot.sandbox.moments import Watcher

GATEWAY_PATH = "/gateway-socket"


@dataclass(frozen=True, slots=True)
class DiscordOptions:
    """How this Discord differs from the real one's defaults; tests shrink the times.

    `rate_scale` shortens every rate limit's window; `identify_interval_seconds` is 5 at the real Discord, where
    an earlier IDENTIFY is answered with INVALID_SESSION. `clock` gives ids, times and the life of nonces; what waits
    for the bot to act (deadlines, rate limits, heartbeats) runs on real time.
    """

    granted_intents: int = intents.PRIVILEGED
    heartbeat_seconds: float = 41.25
    identify_interval_seconds: float = 0.0
    interaction_deadline_seconds: float = 3.0
    rate_scale: float = 1.0
    clock: Clock = utc_now


class DiscordSandbox(People):
    """A Discord stand-in: REST v10 and the gateway, with one application whose bot has `token`.

    Use it as an async context manager; a guild, channels and users are added as a test needs them, before the bot
    connects or while it runs. `faults` makes single things go wrong; `go_offline`, `go_silent` and `go_online` act on
    everything.
    """

    def __init__(self, options: DiscordOptions | None = None) -> None:
        options = options or DiscordOptions()
        snowflakes = Snowflakes(options.clock)
        owner, bot = User(snowflakes.next(), "developer"), User(snowflakes.next(), "tzurot", is_bot=True)
        state = State(
            bot=bot,
            owner=owner,
            application_id=bot.id,
            token=f"sandbox.{secrets.token_urlsafe(32)}",
            granted_intents=options.granted_intents,
            snowflakes=snowflakes,
            clock=options.clock,
            interaction_deadline_seconds=options.interaction_deadline_seconds,
        )
        state.users |= {owner.id: owner, bot.id: bot}
        super().__init__(state)
        self.pluralkit = PluralKitSandbox()
        self.faults = Faults()
        self.limits = RateLimits(options.rate_scale)
        self._gateway = Gateway(state, self.faults, options.heartbeat_seconds, options.identify_interval_seconds)
        self._rest = Rest(state, self.faults, self.limits)
        state.emit = self._gateway.emit
        application = web.Application()
        application.router.add_get(GATEWAY_PATH, self._gateway.handle)
        application.router.add_get(f"{GATEWAY_PATH}/", self._gateway.handle)
        self._rest.add_to(application)
        self._listener = Listener(application)
        self._gateway.listener = self._rest.listener = self._listener
        self._gateway.url = self._rest.gateway_url = self.gateway

    @property
    def token(self) -> str:
        """The bot's token."""
        return self._state.token

    @property
    def application_id(self) -> int:
        """The application's id."""
        return self._state.application_id

    @property
    def bot_user(self) -> User:
        """The bot's account."""
        return self._state.bot

    @property
    def bot_user_id(self) -> int:
        """The id of the bot's account."""
        return self._state.bot.id

    @property
    def owner(self) -> User:
        """The person who owns the application."""
        return self._state.owner

    @property
    def api_base(self) -> str:
        """The REST API's address."""
        return f"http://{self._listener.address}{BASE}"

    @property
    def gateway(self) -> str:
        """The gateway's address."""
        return f"ws://{self._listener.address}{GATEWAY_PATH}"

    def environment(self) -> dict[str, str]:
        """The settings that lead the bot here."""
        return {
            "DISCORD_TOKEN": self.token,
            "DISCORD_API_BASE": self.api_base,
            "DISCORD_GATEWAY": self.gateway,
            "PLURALKIT_API_BASE": self.pluralkit.api_base,
        }

    @property
    def requests(self) -> list[Request]:
        """Every REST call so far; tokens are masked."""
        return self._rest.requests

    @property
    def typing(self) -> list[Typing]:
        """Every time the bot showed that it is typing."""
        return self._state.typing

    @property
    def commands(self) -> list[str]:
        """The names of the global slash commands that the bot registered."""
        return [command["name"] for command in self._state.commands.get(None, []) if command["type"] == SLASH_COMMAND]

    @property
    def message_commands(self) -> list[str]:
        """The names of the global commands in the context menu of messages."""
        return [command["name"] for command in self._state.commands.get(None, []) if command["type"] == MESSAGE_COMMAND]

    @property
    def identify_count(self) -> int:
        """How many IDENTIFYs came, refused ones too."""
        return self._gateway.identify_count

    @property
    def resume_count(self) -> int:
        """How many RESUMEs succeeded."""
        return self._gateway.resume_count

    @property
    def session_count(self) -> int:
        """How many sessions were started so far: IDENTIFYs that ended in READY."""
        return self._gateway.session_count

    @property
    def last_event(self) -> int:
        """The number of the last event that the connected bot was told."""
        return self._gateway.last_event

    @property
    def connected_count(self) -> int:
        """How many sessions are connected at present."""
        return self._gateway.connected_count

    def observe(self, observer: Callable[[Exchange], None]) -> None:
        """Show every REST call with its bodies to someone who checks their shape."""
        self._rest.observer = observer

    def watch(self, watcher: Watcher | None) -> None:
        """Tell someone of each REST call, such as POST /channels/{channel_id}/messages, at both of its moments."""
        self._rest.watcher = watcher

    async def wait_for_session(self, after: int = 0, *, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Until a session is connected, and more than `after` were started. Raises TimeoutError."""
        await self.wait_until(
            lambda: self.connected_count and self.session_count > after,
            timeout_seconds=timeout_seconds,
            what="the bot's connection to the gateway",
        )

    async def wait_for_ready(self, *, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Until a session is connected. Raises TimeoutError."""
        await self.wait_for_session(timeout_seconds=timeout_seconds)

    async def wait_for_commands(self, *, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Until the bot's slash commands are registered. Raises TimeoutError."""
        await self.wait_until(lambda: self.commands, timeout_seconds=timeout_seconds, what="the commands' registration")

    async def wait_until_heard(self, *, timeout_seconds: float = WAIT_SECONDS) -> None:
        """Until the bot has taken every event so far: it is asked for a heartbeat, which says how far it has read.

        discord.py sends no more than 110 of these a minute.
        """
        self._gateway.send_all(Opcode.HEARTBEAT)
        await self.wait_until(
            self._gateway.have_heard, timeout_seconds=timeout_seconds, what="the heartbeat after the last event"
        )

    async def drop_gateway(self, code: int = CloseCode.UNKNOWN_ERROR) -> None:
        """Close every gateway connection with this code."""
        self._gateway.drop(code)

    def ask_to_reconnect(self) -> None:
        """Send RECONNECT, as Discord does before a restart of its own."""
        self._gateway.send_all(Opcode.RECONNECT)

    def invalidate_session(self, *, is_resumable: bool = False) -> None:
        """Send INVALID_SESSION."""
        self._gateway.send_all(Opcode.INVALID_SESSION, is_resumable)
        if not is_resumable:
            self._gateway.end_sessions()

    def forget_sessions(self) -> None:
        """Sessions without a connection can't be resumed any more."""
        self._gateway.forget_sessions()

    async def start(self) -> None:
        """Accept connections."""
        await self._listener.start()
        await self.pluralkit.start()

    async def go_offline(self) -> None:
        """An outage: connections are refused, those that are open are cut."""
        self._listener.stop()

    async def go_silent(self) -> None:
        """A worse outage: connections are accepted, and never answered."""
        self._listener.silence()

    async def until_asked_in_vain(self) -> None:
        """Wait for the first request that finds the silence."""
        await self._listener.until_asked_in_vain()

    async def go_online(self) -> None:
        """The end of an outage, on the same port; what hung in a silence is cut."""
        if self._listener.is_silent:
            self._listener.cut()
        await self._listener.start()

    async def close(self) -> None:
        """End everything."""
        await self._listener.close()
        await self.pluralkit.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        await self.close()
