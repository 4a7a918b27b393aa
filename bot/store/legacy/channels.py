"""Conversations, activations and message mappings: what happens where."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from bot.model import DISCORD_EPOCH_MS
from bot.store.legacy import moments
from bot.store.legacy.folder import ACTIVATIONS, CONVERSATIONS, MESSAGES, LegacyFolder
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
    shown,
    to_json,
    to_snowflake,
)

REMEMBERED = 16_384
"""Users, channels and names repeat; so many of each are worked out once."""

MAPPING_KEYS = {"userId", "channelId", "personalityName", "timestamp", "isDM", "isMentionOnly"}


def read_conversations(folder: LegacyFolder) -> Iterator[Entry]:
    """Who answered a user in a channel last."""
    return read_each(folder.source_of(CONVERSATIONS), folder.entries(CONVERSATIONS), decode_conversation)


def read_activations(folder: LegacyFolder, defaults: Defaults) -> Iterator[Entry]:
    """Which personality answers everything in a channel; the name may still be an alias or unknown."""
    entries = folder.entries(ACTIVATIONS)
    return read_each(folder.source_of(ACTIVATIONS), entries, lambda key, value: _activation(key, value, defaults))


def read_mappings(folder: LegacyFolder) -> Iterator[Entry]:
    """Who spoke a message; there may be millions, so records of the usual form take a short way."""
    file = folder.source_of(MESSAGES)
    for key, record in folder.entries(MESSAGES):
        columns = _usual_mapping(key, record)
        if columns is None:
            try:
                columns = decode_mapping(key, record)
            except RecordRejectedError as error:
                yield Reject(file, shown(key), str(error))
                continue
        yield Row(file, key, columns)


def decode_conversation(key: str, record: object) -> Columns:
    """One entry of `conversations.json`, whose key is `<user>-<channel>`."""
    user, dash, channel = key.partition("-")
    if not dash:
        raise RecordRejectedError("the key is not of the form user-channel")
    user_id, channel_id = require_snowflake(user, "the user"), require_snowflake(channel, "the channel")
    fields = Fields.of(record)
    name = require_text(fields.left.pop("personalityName", None), "the personality")
    message_ids = _take_message_ids(fields)
    last = message_ids[-1] if message_ids else fields.left.get("lastMessageId")
    moment = fields.time_or("timestamp", "ms", _sent_at(to_snowflake(last)))
    columns = {
        "channel_id": channel_id,
        "user_id": user_id,
        "personality_name": name,
        "started_at": moment,
        "last_message_at": moment,
        "message_count": len(message_ids or ()) or 1,
        "is_dm": fields.flag("isDM"),
        "is_mention_only": fields.flag("isMentionOnly"),
        "metadata": to_json({"messageIds": message_ids} if message_ids is not None else {}),
        "extra": fields.rest(),
    }
    return _checked(columns)


def _take_message_ids(fields: Fields) -> list[Any] | None:
    ids = fields.left.pop("messageIds", None)
    if isinstance(ids, list):
        return ids
    if ids is not None:
        fields.original["messageIds"] = ids
    elif "lastMessageId" not in fields.left:
        fields.absent.append("messageIds")
    return None


def _activation(key: str, record: object, defaults: Defaults) -> Columns:
    channel_id = require_snowflake(key, "the channel")
    fields = Fields.of(record)
    columns = {
        "channel_id": channel_id,
        "personality_name": require_text(fields.left.pop("personalityName", None), "the personality"),
        "activated_by": fields.snowflake("activatedBy", defaults.owner_id),
        "activated_at": fields.time_or("timestamp", "ms", None),
        "extra": fields.rest(),
    }
    return _checked(columns)


def decode_mapping(key: str, record: object) -> Columns:
    """One entry of `message_map.json`, whose key is the message."""
    message_id = require_snowflake(key, "the message")
    fields = Fields.of(record)
    sent_at = fields.time("timestamp", "ms")
    columns = {
        "message_id": message_id,
        "user_id": require_snowflake(fields.left.get("userId"), "the user"),
        "channel_id": require_snowflake(fields.left.get("channelId"), "the channel"),
        "personality_name": require_text(fields.left.pop("personalityName", None), "the personality"),
        "is_dm": fields.flag("isDM"),
        "is_mention_only": fields.flag("isMentionOnly"),
        "sent_at": None if sent_at == _sent_at(message_id) else sent_at,
    }
    fields.snowflake("userId")
    fields.snowflake("channelId")
    if sent_at is None and "timestamp" not in fields.original:
        fields.absent.append("timestamp")
    return _checked(columns | {"extra": fields.rest()})


def _usual_mapping(key: str, record: Any) -> Columns | None:
    """The columns of a record that is exactly of the usual form, else None."""
    if type(record) is not dict or record.keys() != MAPPING_KEYS:
        return None
    message_id, user_id, channel_id = to_snowflake(key), _known_id(record["userId"]), _known_id(record["channelId"])
    name, sent = record["personalityName"], record["timestamp"]
    is_dm, is_mention_only = record["isDM"], record["isMentionOnly"]
    if (
        message_id is None
        or user_id is None
        or channel_id is None
        or not (type(name) is str and _is_usual_name(name))
        or not (type(sent) is int and moments.FIRST_MS <= sent <= moments.LAST_MS)
        or not (type(is_dm) is type(is_mention_only) is bool)
    ):
        return None
    return {
        "message_id": message_id,
        "user_id": user_id,
        "channel_id": channel_id,
        "personality_name": name,
        "is_dm": int(is_dm),
        "is_mention_only": int(is_mention_only),
        "sent_at": None if sent == (message_id >> 22) + DISCORD_EPOCH_MS else moments.to_text(sent),
        "extra": None,
    }


def _known_id(value: object) -> int | None:
    return _to_known_snowflake(value) if type(value) is str else None


_to_known_snowflake = lru_cache(REMEMBERED)(to_snowflake)


@lru_cache(REMEMBERED)
def _is_usual_name(name: str) -> bool:
    return name.isascii() and "\0" not in name and bool(name.strip())


def _sent_at(message_id: int | None) -> str | None:
    return None if message_id is None else moments.to_text((message_id >> 22) + DISCORD_EPOCH_MS)


def _checked(columns: Columns) -> Columns:
    to_json(columns["extra"])
    return columns
