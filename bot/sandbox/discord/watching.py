"""What people see in this Discord, and how they wait for it."""

from collections.abc import Callable
from typing import Any

from bot.sandbox.discord.model import Channel, Message
from bot.sandbox.discord.state import State

WAIT_SECONDS = 10.0


class Onlooker:
    """Sees what everybody sees; the base of everything that people do."""

    def __init__(self, state: State) -> None:
        self._state = state

    def messages(self, channel: Channel) -> list[Message]:
        """What people see in a channel, oldest first; answers that only one user sees are not among them."""
        return list(self._state.visible_messages(channel.id))

    async def wait_for_message(
        self,
        channel: Channel,
        after: Message | int = 0,
        *,
        timeout_seconds: float = WAIT_SECONDS,
        where: Callable[[Message], bool] = lambda message: True,  # noqa: ARG005 - any message
    ) -> Message:
        """The first message newer than `after` for which `where` is true. Raises TimeoutError."""
        newest = after if isinstance(after, int) else after.id

        def look() -> Message | None:
            found = (m for m in self._state.visible_messages(channel.id) if m.id > newest and where(m))
            return next(found, None)

        what = f"a matching message in {channel.name}"
        return await self._state.bell.wait_until(look, timeout_seconds=timeout_seconds, what=what)

    async def wait_until(
        self, look: Callable[[], Any], *, timeout_seconds: float = WAIT_SECONDS, what: str = "the change"
    ) -> Any:
        """The first true thing that `look` returns, asked again after every change. Raises TimeoutError."""
        return await self._state.bell.wait_until(look, timeout_seconds=timeout_seconds, what=what)
