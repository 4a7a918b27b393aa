"""What the original's files can't say, as `.tzurot/<table>.json`: which tables, and which of their rows.

The tables of our own stand there whole, and so do the small ones of the original: its records leave out who made
an alias, when a conversation began, which number a personality has. Two tables are too large for that. Of message
mappings only the odd ones stand there, because all others are exactly what their record says; of avatars
everything but the image. Each file counts its table's rows, so that a load that ends with fewer is noticed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.model import DISCORD_EPOCH_MS, EVERYWHERE
from bot.store.engine import RawConnection
from bot.store.files.folder.state import REST_FOLDER
from bot.store.legacy.folder import (
    ACTIVATIONS,
    ALIASES,
    AUTH,
    AUTO_RESPONSES,
    AVATARS,
    BLACKLIST,
    CONVERSATIONS,
    IMAGES,
    MESSAGES,
    NOTIFICATIONS,
    PERSONALITIES,
    TOKENS,
    VERIFIED,
    VERSION,
)
from bot.store.legacy.moments import FIRST_MS, in_milliseconds, to_text

ODD_MAPPING = f"""
extra IS NOT NULL OR message_id <= 0 OR user_id <= 0 OR channel_id <= 0 OR sent_at < '{to_text(FIRST_MS)}'
OR {in_milliseconds("sent_at")} = (message_id >> 22) + {DISCORD_EPOCH_MS}
"""
"""Mappings that are more than their record: it can't say such ids or times."""

COLUMNS = "SELECT name FROM pragma_table_info(:table) ORDER BY cid"


ADDED_TO_BANS: Mapping[str, Any] = {"guild_id": EVERYWHERE, "expires_at": None}


def _never(_row: Mapping[str, Any]) -> bool:
    return False


def _is_no_record(ban: Mapping[str, Any]) -> bool:
    """The original bars users everywhere and for ever: one of a server would bar more, and one that ends longer."""
    return bool(ban["guild_id"] != EVERYWHERE or ban["expires_at"] is not None)


@dataclass(frozen=True, slots=True)
class RestTable:
    """A table's part of the rest: those rows for which `condition` holds.

    It counts only as long as the original's `files` that hold the same table are as they were written with it.
    `added` are the columns that came with later versions, and what they are in a folder that was written before.
    `is_beyond_words` tells the rows for which the original has no record: they count whoever has changed its files.
    """

    name: str
    files: frozenset[str] = frozenset()
    condition: str = "TRUE"
    added: Mapping[str, Any] = field(default_factory=dict)
    is_beyond_words: Callable[[Mapping[str, Any]], bool] = _never

    @property
    def file(self) -> str:
        """The file's name in the folder."""
        return f"{REST_FOLDER}/{self.name}.json"

    @property
    def is_whole(self) -> bool:
        """Whether all of the table stands in the file, so that nothing else is needed for it."""
        return self.condition == "TRUE" and self.name != "avatars"

    def counts(self, changed: Iterable[str]) -> bool:
        """Whether none of the changed files holds this table."""
        return not any(name in self.files or (AVATARS in self.files and name.startswith(IMAGES)) for name in changed)


REST_TABLES = (
    RestTable("personalities", frozenset({PERSONALITIES})),
    RestTable("personality_aliases", frozenset({PERSONALITIES, ALIASES})),
    RestTable("auth_tokens", frozenset({AUTH, TOKENS})),
    RestTable("nsfw_verifications", frozenset({AUTH, VERIFIED})),
    RestTable("channel_activations", frozenset({ACTIVATIONS})),
    RestTable("conversations", frozenset({CONVERSATIONS})),
    RestTable("message_mappings", frozenset({MESSAGES}), ODD_MAPPING),
    RestTable("auto_responses", frozenset({AUTO_RESPONSES})),
    RestTable("blacklist", frozenset({BLACKLIST, AUTH}), added=ADDED_TO_BANS, is_beyond_words=_is_no_record),
    RestTable("notification_preferences", frozenset({NOTIFICATIONS})),
    RestTable("notified_version", frozenset({VERSION})),
    RestTable("avatars", frozenset({AVATARS})),
    RestTable("turns"),
    RestTable("turn_chunks"),
    RestTable("rewrites"),
    RestTable("changes"),
    RestTable("webhooks"),
    RestTable("gateway_marks"),
    RestTable("lives"),
    RestTable("conversation_resets"),
    RestTable("proxy_users"),
)
"""Every table that the folder follows, in an order in which each only refers to those before it."""


def columns_of(connection: RawConnection, table: str) -> list[str]:
    """The table's columns, in their order."""
    return [row["name"] for row in connection.execute(COLUMNS, {"table": table})]
