"""What is known of single users besides logins: auto-response, blacklist, notifications."""

# ruff: noqa: S608 - every piece of SQL put together here is a constant of this module

from collections.abc import Iterator
from typing import Any

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent
from bot.store.legacy.encoding import text
from bot.store.legacy.encoding.record import Draft, Facts
from bot.store.legacy.folder import AUTO_RESPONSES, BLACKLIST, NOTIFICATIONS, VERSION
from bot.store.legacy.members import DEFAULT_LEVEL

SAYABLE_BAN = "guild_id = 0 AND expires_at IS NULL"
"""Bans that the original has words for."""


def write_auto_responses(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`auto_response.json`."""
    rows = connection.execute("SELECT user_id, extra FROM auto_responses ORDER BY user_id")
    yield AUTO_RESPONSES, text.list_file_of(_auto_response(row) for row in rows)


def _auto_response(row: Any) -> Any:
    return Facts.read(row["extra"]).original.get("userId", str(row["user_id"]))


def write_blacklist(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`blacklist.json`, also where it is empty: without it the original goes by what its logins say.

    It has bans that count everywhere and have no end. One of a server would bar the user everywhere there, and one
    that ends would never end.
    """
    rows = connection.execute(f"SELECT * FROM blacklist WHERE {SAYABLE_BAN} ORDER BY user_id")
    yield BLACKLIST, text.file_of(text.member(str(row["user_id"]), _ban(row)) for row in rows)


def _ban(row: Any) -> dict[str, Any]:
    draft = Draft(Facts.read(row["extra"]))
    draft.confirm("userId", str(row["user_id"]))
    draft.text("reason", row["reason"])
    draft.snowflake("blacklistedBy", row["blacklisted_by"])
    draft.time_or("blacklistedAt", row["blacklisted_at"], "iso")
    return draft.finish()


def write_notifications(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`releaseNotificationPreferences.json`."""
    rows = connection.execute("SELECT * FROM notification_preferences ORDER BY user_id")
    yield NOTIFICATIONS, text.file_of(text.member(str(row["user_id"]), _preference(row)) for row in rows)


def _preference(row: Any) -> dict[str, Any]:
    draft = Draft(Facts.read(row["extra"]))
    draft.flag("optedOut", row["is_opted_out"])
    if row["level"] == DEFAULT_LEVEL:
        draft.confirm("notificationLevel", row["level"])
    else:
        draft.made["notificationLevel"] = row["level"]
    draft.text("lastNotified", row["last_notified"])
    draft.time("createdAt", row["created_at"], "iso")
    draft.time("updatedAt", row["updated_at"], "iso")
    return draft.finish()


def write_version(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`lastNotifiedVersion.json`: one record, the whole file; none before the first release was announced."""
    row = connection.execute("SELECT * FROM notified_version").fetchone()
    if row is not None:
        draft = Draft(Facts.read(row["extra"]))
        draft.made["version"] = row["version"]
        draft.time("notifiedAt", row["notified_at"], "iso")
        yield VERSION, [text.dump(draft.finish()) + b"\n"]
