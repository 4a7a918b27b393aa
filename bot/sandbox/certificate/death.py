"""How a process dies at its point: by a timer, by what a server sees of it, or by its own hand."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from bot.sandbox.ai import CHAT
from bot.sandbox.certificate.installation import Instance
from bot.sandbox.certificate.plan import INSIDE, WHOLE, Plan, Point, Victim
from bot.sandbox.moments import Moment
from bot.sandbox.world import Sandbox

PATIENCE_SECONDS = 2.5
"""How long a point may keep the death waiting; then it comes all the same."""

WEBHOOK = ("POST /webhooks/{webhook_id}/{webhook_token}",)
REPLY = ("POST /channels/{channel_id}/messages", "PATCH /channels/{channel_id}/messages/{message_id}")
SEEN = {
    Point.BEFORE_AI: ((CHAT,), Moment.ARRIVED),
    Point.AFTER_AI: ((CHAT,), Moment.APPLIED),
    Point.BEFORE_WEBHOOK: (WEBHOOK, Moment.ARRIVED),
    Point.AFTER_WEBHOOK: (WEBHOOK, Moment.APPLIED),
    Point.BEFORE_REPLY: (REPLY, Moment.ARRIVED),
    Point.AFTER_REPLY: (REPLY, Moment.APPLIED),
}
"""Points that a server sees: its routes, and how far it got."""

EVENTS = {
    Point.BEFORE_COMMIT: ("commit", "before"),
    Point.AFTER_COMMIT: ("commit", "after"),
    Point.BEFORE_SYNC: ("sync", "before"),
    Point.AFTER_SYNC: ("sync", "after"),
}
WORDS = {Victim.BOT: "--words-fd", Victim.LITESTREAM: "replicate"}
"""What stands in the command line of who is to die."""


def event_of(plan: Plan) -> Sequence[str]:
    """What a process that dies by itself is told: event, moment, count; nothing where it is killed from outside."""
    return (*EVENTS[plan.point], str(plan.nth)) if plan.point in INSIDE else ()


@dataclass(slots=True)
class Death:
    """One death of an instance; `at` is when it came (seconds since 1970), `is_at_point` whether as planned."""

    instance: Instance
    plan: Plan
    at: float = 0.0
    is_at_point: bool = True
    _struck: asyncio.Event = field(default_factory=asyncio.Event)
    _seen: int = 0

    async def come(self, sandbox: Sandbox) -> None:
        """Wait for the point, and return when whoever was to die is dead."""
        with self._watching(sandbox):
            struck = asyncio.create_task(self._struck.wait())
            dead = asyncio.create_task(self.instance.until_dead())
            done, _ = await asyncio.wait({struck, dead}, timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                self.is_at_point = False
                self.strike()
            self.at = self.at or time.time()
        struck.cancel()
        if self.plan.victim in WHOLE:
            await dead
        dead.cancel()
        await asyncio.gather(struck, dead, return_exceptions=True)

    def strike(self) -> None:
        """SIGKILL, at this very moment."""
        if not self._struck.is_set():
            self.at = time.time()
            if self.plan.victim is Victim.DEPLOYED:
                self.instance.process.terminate()
            else:
                self.instance.process.strike(WORDS.get(self.plan.victim, ""))
            self._struck.set()

    @contextmanager
    def _watching(self, sandbox: Sandbox) -> Iterator[None]:
        timer = None
        if self.plan.point is Point.RANDOM:
            timer = asyncio.get_running_loop().call_later(self.plan.after_seconds, self.strike)
        if self.plan.point in SEEN:
            sandbox.ai.watcher = self._see
            sandbox.discord.watch(self._see)
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()
            sandbox.ai.watcher = None
            sandbox.discord.watch(None)

    def _see(self, route: str, moment: Moment) -> bool:
        """Count a request; whether who sent it is dead."""
        routes, awaited = SEEN[self.plan.point]
        if route in routes and moment is awaited and not self._struck.is_set():
            self._seen += 1
            if self._seen == self.plan.nth:
                self.strike()
        return self._struck.is_set()
