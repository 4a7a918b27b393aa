"""Rate limits: buckets with headers, the one of a channel's webhooks that no header shows, and the global one."""

import hashlib
import math
import time
from collections import Counter
from dataclasses import dataclass, field

from bot.sandbox.discord.failures import Failure

GLOBAL_LIMIT = (50, 1.0)
WEBHOOK_LIMIT = (5, 2.0)
HIDDEN_WEBHOOK_LIMIT = (30, 60.0)
"""Webhook messages of one channel, whichever webhook sends them; only a 429 tells."""
DEFAULT_LIMIT = (10, 5.0)
LIMITS = {
    ("POST", "/channels/{channel_id}/messages"): (5, 5.0),
    ("PATCH", "/channels/{channel_id}/messages/{message_id}"): (5, 5.0),
    ("DELETE", "/channels/{channel_id}/messages/{message_id}"): (5, 1.0),
    ("POST", "/channels/{channel_id}/typing"): (5, 5.0),
    ("POST", "/channels/{channel_id}/webhooks"): (5, 5.0),
    ("GET", "/channels/{channel_id}/messages"): (5, 5.0),
    ("GET", "/channels/{channel_id}/messages/{message_id}"): (5, 1.0),
    ("POST", "/users/@me/channels"): (10, 10.0),
}
MAJOR_PARAMETERS = ("channel_id", "guild_id", "webhook_id", "webhook_token")


@dataclass(slots=True)
class Window:
    """So many requests until a moment."""

    limit: int
    seconds: float
    remaining: int = 0
    ends_at: float = 0.0

    def take(self) -> bool:
        """Use one request; False when there is none left."""
        now = time.monotonic()
        if now >= self.ends_at:
            self.remaining, self.ends_at = self.limit, now + self.seconds
        if self.remaining == 0:
            return False
        self.remaining -= 1
        return True

    @property
    def reset_after(self) -> float:
        """Seconds until it is full again."""
        return max(self.ends_at - time.monotonic(), 0.001)


@dataclass(slots=True)
class RateLimits:
    """All buckets; `scale` shortens every window (0.1: ten times faster), `exhausted` counts each route's 429s."""

    scale: float = 1.0
    exhausted: Counter[str] = field(default_factory=Counter)
    _windows: dict[str, Window] = field(default_factory=dict)

    def take(self, method: str, route: str, parameters: dict[str, str]) -> dict[str, str]:
        """Count a request and give its headers. Raises the 429."""
        if not (route.startswith("/interactions") or _is_webhook(route)):
            self._take_global(route)
        limit = WEBHOOK_LIMIT if _is_webhook(route) else LIMITS.get((method, route), DEFAULT_LIMIT)
        major = "/".join(parameters[name] for name in MAJOR_PARAMETERS if name in parameters)
        bucket = hashlib.md5(f"{method} {route}".encode(), usedforsecurity=False).hexdigest()
        window = self._window(f"{bucket}:{major}", limit)
        if not window.take():
            raise self._too_many(route, bucket, window)
        return _headers(bucket, window)

    def take_hidden(self, channel_id: int, route: str) -> None:
        """Count a webhook message of a channel. Raises the 429 that no header announced."""
        window = self._window(f"hidden:{channel_id}", HIDDEN_WEBHOOK_LIMIT)
        if not window.take():
            self.exhausted[route] += 1
            raise too_many_requests(window.reset_after, scope="shared")

    def _take_global(self, route: str) -> None:
        window = self._window("global", GLOBAL_LIMIT)
        if not window.take():
            self.exhausted[route] += 1
            raise too_many_requests(window.reset_after, scope="global")

    def _too_many(self, route: str, bucket: str, window: Window) -> Failure:
        self.exhausted[route] += 1
        failure = too_many_requests(window.reset_after)
        failure.headers.update(_headers(bucket, window))
        return failure

    def _window(self, key: str, limit: tuple[int, float]) -> Window:
        return self._windows.setdefault(key, Window(limit[0], limit[1] * self.scale))


def too_many_requests(retry_after: float, *, scope: str = "user", via: bool = True) -> Failure:
    """A 429; without `Via` it comes from Cloudflare, as a ban of the address does."""
    failure = Failure(429, 0, "You are being rate limited.")
    failure.headers["Retry-After"] = str(math.ceil(retry_after))
    if not via:
        failure.body = "error code: 1015"
        return failure
    failure.body |= {"retry_after": round(retry_after, 3), "global": scope == "global"}
    failure.headers |= {"Via": "1.1 google", "X-RateLimit-Scope": scope}
    if scope == "global":
        failure.headers["X-RateLimit-Global"] = "true"
    return failure


def _is_webhook(route: str) -> bool:
    return route.startswith("/webhooks/{webhook_id}/{webhook_token}")


def _headers(bucket: str, window: Window) -> dict[str, str]:
    after = window.reset_after
    return {
        "X-RateLimit-Limit": str(window.limit),
        "X-RateLimit-Remaining": str(window.remaining),
        "X-RateLimit-Reset": f"{time.time() + after:.3f}",
        "X-RateLimit-Reset-After": f"{after:.3f}",
        "X-RateLimit-Bucket": bucket,
    }
