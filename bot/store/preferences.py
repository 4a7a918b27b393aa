"""What users set for themselves: release notes by message, automatic answers; and the last version announced."""

from datetime import datetime

from bot.model import NotificationPreference, NotifiedVersion
from bot.store.columns import from_json, to_json, to_text, to_text_or_none, to_time_or_none
from bot.store.statement import Query, Row, Statement, Value

PUT_NOTIFICATIONS = """
INSERT INTO notification_preferences (
    user_id, is_opted_out, level, last_notified, created_at, updated_at, extra
) VALUES (:user_id, :is_opted_out, :level, :last_notified, :created_at, :updated_at, :extra)
ON CONFLICT (user_id) DO UPDATE SET is_opted_out = excluded.is_opted_out, level = excluded.level,
    last_notified = excluded.last_notified, created_at = excluded.created_at,
    updated_at = excluded.updated_at, extra = excluded.extra
"""

PUT_VERSION = """
INSERT INTO notified_version (id, version, notified_at, extra) VALUES (1, :version, :notified_at, :extra)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, notified_at = excluded.notified_at,
    extra = excluded.extra
"""

WISH = """
INSERT INTO notification_preferences (user_id, is_opted_out, level, last_notified, created_at, updated_at)
VALUES (:user_id, :is_opted_out, :level, :version, :now, :now)
ON CONFLICT (user_id) DO UPDATE SET
    last_notified = CASE WHEN notification_preferences.is_opted_out = 1 OR notification_preferences.level = 'none'
        THEN excluded.last_notified ELSE notification_preferences.last_notified END,
    is_opted_out = excluded.is_opted_out, level = excluded.level, updated_at = excluded.updated_at
"""

PUT_AUTO_RESPONSE = """
INSERT INTO auto_responses (user_id, enabled_at, extra) VALUES (:user_id, :enabled_at, :extra)
ON CONFLICT (user_id) DO NOTHING
"""


def to_row(preference: NotificationPreference) -> dict[str, Value]:
    """The parameters of `PUT_NOTIFICATIONS`."""
    return {
        "user_id": preference.user_id,
        "is_opted_out": int(preference.is_opted_out),
        "level": preference.level,
        "last_notified": preference.last_notified,
        "created_at": to_text_or_none(preference.created_at),
        "updated_at": to_text_or_none(preference.updated_at),
        "extra": to_json(preference.extra),
    }


def put_notifications(preference: NotificationPreference) -> Statement:
    """Insert or replace a user's wish about release notes."""
    return Statement(PUT_NOTIFICATIONS, to_row(preference))


def wish(preference: NotificationPreference, now: datetime) -> Statement:
    """Note what a user wants; who wanted nothing until now has heard of everything up to `last_notified`.

    Of anybody else `last_notified` stays: they may be told of a release at this very moment.
    """
    parameters: dict[str, Value] = {
        "user_id": preference.user_id,
        "is_opted_out": int(preference.is_opted_out),
        "level": preference.level,
        "version": preference.last_notified,
        "now": to_text(now),
    }
    return Statement(WISH, parameters)


def note_told(user_id: int, version: str) -> Statement:
    """Note that the user needs to hear of nothing up to that version any more."""
    return Statement(
        "UPDATE notification_preferences SET last_notified = :version WHERE user_id = :user_id",
        {"user_id": user_id, "version": version},
    )


def find_untold(version: str) -> Query[int]:
    """The users who want to hear of releases, and were not told of exactly this one last."""
    return Query(
        "SELECT user_id FROM notification_preferences WHERE is_opted_out = 0 AND level <> 'none'"
        " AND (last_notified IS NULL OR last_notified <> :version) ORDER BY user_id",
        lambda row: int(row["user_id"]),
        {"version": version},
    )


def get_notifications(user_id: int) -> Query[NotificationPreference]:
    """The user's wish about release notes."""
    return Query("SELECT * FROM notification_preferences WHERE user_id = :user_id", read, {"user_id": user_id})


def put_version(version: NotifiedVersion) -> Statement:
    """Note which version users were told of last."""
    return Statement(
        PUT_VERSION,
        {
            "version": version.version,
            "notified_at": to_text_or_none(version.notified_at),
            "extra": to_json(version.extra),
        },
    )


def get_version() -> Query[NotifiedVersion]:
    """The version users were told of last."""
    return Query(
        "SELECT * FROM notified_version",
        lambda row: NotifiedVersion(row["version"], to_time_or_none(row["notified_at"]), from_json(row["extra"])),
    )


def enable_auto_response(user_id: int, now: datetime | None) -> Statement:
    """After one mention, keep answering this user."""
    return Statement(PUT_AUTO_RESPONSE, {"user_id": user_id, "enabled_at": to_text_or_none(now), "extra": None})


def disable_auto_response(user_id: int) -> Statement:
    """Answer this user only when asked."""
    return Statement("DELETE FROM auto_responses WHERE user_id = :user_id", {"user_id": user_id})


def has_auto_response(user_id: int) -> Query[bool]:
    """One row if automatic answers are on for the user."""
    return Query("SELECT 1 FROM auto_responses WHERE user_id = :user_id", lambda _: True, {"user_id": user_id})


def read(row: Row) -> NotificationPreference:
    """The wish in a row of the table."""
    return NotificationPreference(
        user_id=row["user_id"],
        is_opted_out=bool(row["is_opted_out"]),
        level=row["level"],
        last_notified=row["last_notified"],
        created_at=to_time_or_none(row["created_at"]),
        updated_at=to_time_or_none(row["updated_at"]),
        extra=from_json(row["extra"]),
    )
