"""Whom a message pings: what its text mentions, as far as its allowed_mentions let it."""

import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox.discord.failures import Failure, invalid_form

USER = re.compile(r"<@!?(\d+)>")
EVERYONE = re.compile(r"@(everyone|here)\b")
PARSE_ALL = ("users", "roles", "everyone")
PARSE_USERS = ("users",)
"""The default of webhooks and interactions."""


def check_allowed(allowed: Mapping[str, Any] | None) -> None:
    """Refuse an allowed_mentions that contradicts itself, as Discord does."""
    for kind in ("users", "roles"):
        if allowed and kind in (allowed.get("parse") or ()) and allowed.get(kind):
            raise _contradiction(kind)


def _contradiction(kind: str) -> Failure:
    return invalid_form(
        "allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f'parse:["{kind}"] and {kind}: [ids...] exclude'
    )


def pinged_users(content: str, allowed: Mapping[str, Any] | None, default: tuple[str, ...]) -> frozenset[int]:
    """The users whom the text pings."""
    named = frozenset(int(found) for found in USER.findall(content))
    if "users" in _parsed(allowed, default):
        return named
    listed = (allowed or {}).get("users") or ()
    return named & frozenset(int(user) for user in listed)


def pings_everyone(content: str, allowed: Mapping[str, Any] | None, default: tuple[str, ...]) -> bool:
    """Whether @everyone or @here in the text takes effect."""
    return "everyone" in _parsed(allowed, default) and EVERYONE.search(content) is not None


def pings_the_replied(allowed: Mapping[str, Any] | None) -> bool:
    """Whether a reply pings the author of what it replies to: the default, but not with allowed_mentions."""
    return True if allowed is None else bool(allowed.get("replied_user"))


def _parsed(allowed: Mapping[str, Any] | None, default: tuple[str, ...]) -> tuple[str, ...]:
    return default if allowed is None else tuple(allowed.get("parse") or ())
