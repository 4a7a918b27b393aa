"""What is known of single users besides logins: auto-response, blacklist, notifications."""

from collections.abc import Iterator

from bot.model import EVERYWHERE
from bot.store.legacy.folder import AUTO_RESPONSES, BLACKLIST, NOTIFICATIONS, VERSION, LegacyFolder
from bot.store.legacy.record import (
    Columns,
    Defaults,
    Entry,
    Fields,
    RecordRejectedError,
    Reject,
    Row,
    read_each,
    require_snowflake,
    require_text,
    to_json,
)

DEFAULT_LEVEL = "minor"


def read_auto_responses(folder: LegacyFolder) -> Iterator[Entry]:
    """The users for whom auto-response is on."""
    file = folder.source_of(AUTO_RESPONSES)
    seen: set[int] = set()
    for position, value in enumerate(folder.items(AUTO_RESPONSES), start=1):
        try:
            user_id = require_snowflake(value, "the user")
        except RecordRejectedError as error:
            yield Reject(file, f"element {position}", str(error))
            continue
        if user_id in seen:
            yield Reject(file, str(user_id), "stands twice in the file")
            continue
        seen.add(user_id)
        extra = None if isinstance(value, str) else {"import": {"original": {"userId": value}}}
        yield Row(file, str(user_id), {"user_id": user_id, "extra": extra})


def read_blacklist(folder: LegacyFolder, defaults: Defaults) -> Iterator[Entry]:
    """The users whom the bot ignores."""
    entries = folder.entries(BLACKLIST)
    return read_each(folder.source_of(BLACKLIST), entries, lambda key, value: _blacklisting(key, value, defaults))


def _blacklisting(key: str, record: object, defaults: Defaults) -> Columns:
    user_id = require_snowflake(key, "the user")
    fields = Fields.of(record)
    fields.confirm("userId", key)
    fields.expect("reason")
    columns = {
        "user_id": user_id,
        "guild_id": EVERYWHERE,
        "reason": fields.text("reason"),
        "blacklisted_by": fields.snowflake("blacklistedBy", defaults.owner_id),
        "blacklisted_at": fields.time_or("blacklistedAt", "iso", None),
        "expires_at": None,
        "extra": fields.rest(),
    }
    return _checked(columns)


def read_notifications(folder: LegacyFolder) -> Iterator[Entry]:
    """Who wants to hear of which releases."""
    return read_each(folder.source_of(NOTIFICATIONS), folder.entries(NOTIFICATIONS), _preference)


def _preference(key: str, record: object) -> Columns:
    user_id = require_snowflake(key, "the user")
    fields = Fields.of(record)
    fields.expect("notificationLevel", "lastNotified", "createdAt", "updatedAt")
    level = fields.text("notificationLevel")
    if level == "":
        fields.original["notificationLevel"] = level
    columns = {
        "user_id": user_id,
        "is_opted_out": fields.flag("optedOut"),
        "level": level or DEFAULT_LEVEL,
        "last_notified": fields.text("lastNotified"),
        "created_at": fields.time("createdAt", "iso"),
        "updated_at": fields.time("updatedAt", "iso"),
        "extra": fields.rest(),
    }
    return _checked(columns)


def read_version(folder: LegacyFolder) -> Iterator[Entry]:
    """The release of which users were told last: one record, the whole file."""
    if VERSION not in folder.files:
        return iter(())
    record = dict(folder.entries(VERSION))
    return read_each(folder.source_of(VERSION), [("version", record)], _version)


def _version(_key: str, record: object) -> Columns:
    fields = Fields.of(record)
    fields.expect("notifiedAt")
    columns = {
        "id": 1,
        "version": require_text(fields.left.pop("version", None), "the version"),
        "notified_at": fields.time("notifiedAt", "iso"),
        "extra": fields.rest(),
    }
    return _checked(columns)


def _checked(columns: Columns) -> Columns:
    to_json(columns["extra"])
    return columns
