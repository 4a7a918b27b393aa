"""Activations, conversations and message mappings.

The large tables are made into JSON by SQLite, some hundred records at once: it holds the interpreter for none of
that time. Only records that came with something of their own (`extra`) go through Python.
"""

# ruff: noqa: S608 - the SQL is put together from the constants below

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from bot.model import DISCORD_EPOCH_MS
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent
from bot.store.legacy import moments
from bot.store.legacy.encoding import text
from bot.store.legacy.encoding.record import Draft, Facts
from bot.store.legacy.folder import ACTIVATIONS, CONVERSATIONS, MESSAGES

ROWS_A_CHUNK = 500


def _flag(column: str) -> str:
    return f"json(iif({column}, 'true', 'false'))"


JOINED = "CAST(group_concat(member, char(44, 10)) FILTER (WHERE extra IS NULL) AS BLOB), max(id), count(extra)"
"""Of a chunk: the members whose record is all in columns, the last id, and how many records are not."""

FLAGS = f"'isDM', {_flag('is_dm')}, 'isMentionOnly', {_flag('is_mention_only')}"

MAPPINGS = f"""
SELECT {JOINED}
FROM (
    SELECT m.message_id AS id, m.extra, '"' || m.message_id || '": ' || json_object(
        'userId', CAST(m.user_id AS TEXT), 'channelId', CAST(m.channel_id AS TEXT), 'personalityName', p.full_name,
        'timestamp', coalesce({moments.in_milliseconds("m.sent_at")}, (m.message_id >> 22) + {DISCORD_EPOCH_MS}),
        {FLAGS}
    ) AS member
    FROM message_mappings AS m JOIN personalities AS p ON p.id = m.personality_id
    WHERE m.message_id > :after ORDER BY m.message_id LIMIT {ROWS_A_CHUNK}
)
"""
ODD_MAPPINGS = """
SELECT m.*, p.full_name FROM message_mappings AS m JOIN personalities AS p ON p.id = m.personality_id
WHERE m.message_id > :after AND m.message_id <= :last AND m.extra IS NOT NULL ORDER BY m.message_id
"""

IS_UNTOUCHED = "message_count = max(coalesce(json_array_length(metadata, '$.messageIds'), 1), 1)"
"""Each answer of the bot counts one more, and leaves the imported ids as they were."""

MESSAGE_IDS = f"coalesce(iif({IS_UNTOUCHED}, metadata -> '$.messageIds', NULL), '[]')"
"""Empty once the bot has answered: who spoke a message stands in `message_map.json`, where the original looks first."""

CONVERSATIONS_SQL = f"""
SELECT {JOINED}
FROM (
    SELECT id, extra, '"' || user_id || '-' || channel_id || '": ' || json_object(
        'personalityName', personality_name, 'messageIds', json({MESSAGE_IDS}),
        'timestamp', {moments.in_milliseconds("last_message_at")}, {FLAGS}
    ) AS member
    FROM conversations WHERE id > :after ORDER BY id LIMIT {ROWS_A_CHUNK}
)
"""
ODD_CONVERSATIONS = f"""
SELECT *, {IS_UNTOUCHED} AS is_untouched FROM conversations
WHERE id > :after AND id <= :last AND extra IS NOT NULL ORDER BY id
"""


def write_mappings(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`message_map.json`."""
    yield MESSAGES, text.file_of(_chunks(connection, MAPPINGS, ODD_MAPPINGS, _mapping))


def write_conversations(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`conversations.json`."""
    yield CONVERSATIONS, text.file_of(_chunks(connection, CONVERSATIONS_SQL, ODD_CONVERSATIONS, _conversation))


def write_activations(connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    """`channel_activations.json`."""
    rows = connection.execute("SELECT * FROM channel_activations ORDER BY rowid")
    yield ACTIVATIONS, text.file_of(text.member(str(row["channel_id"]), _activation(row)) for row in rows)


def _chunks(connection: RawConnection, usual: str, odd: str, encode: Callable[[Any], bytes]) -> Iterator[bytes]:
    """The members of a file, in the order of their ids as far as SQLite makes them."""
    after = 0
    while True:
        members, last, odd_count = connection.execute(usual, {"after": after}).fetchone()
        if last is None:
            return
        if members is not None:
            yield members
        if odd_count:
            yield from map(encode, connection.execute(odd, {"after": after, "last": last}))
        after = last


def _mapping(row: Any) -> bytes:
    draft = Draft(Facts.read(row["extra"]))
    draft.snowflake("userId", row["user_id"])
    draft.snowflake("channelId", row["channel_id"])
    draft.name("personalityName", row["full_name"])
    spoken_at = moments.to_text((row["message_id"] >> 22) + DISCORD_EPOCH_MS)
    draft.time_or("timestamp", row["sent_at"] or spoken_at, "ms")
    _put_flags(draft, row)
    return text.member(str(row["message_id"]), draft.finish())


def _conversation(row: Any) -> bytes:
    facts, ids = Facts.read(row["extra"]), []
    if row["is_untouched"]:
        ids = orjson.loads(row["metadata"]).get("messageIds", facts.original.get("messageIds"))
    else:
        facts = facts.without("personalityName", "messageIds", "lastMessageId", "timestamp")
    draft = Draft(facts)
    draft.name("personalityName", row["personality_name"])
    if ids is not None:
        draft.made["messageIds"] = ids
    draft.time_or("timestamp", row["last_message_at"], "ms")
    _put_flags(draft, row)
    return text.member(f"{row['user_id']}-{row['channel_id']}", draft.finish())


def _put_flags(draft: Draft, row: Any) -> None:
    draft.flag("isDM", row["is_dm"])
    draft.flag("isMentionOnly", row["is_mention_only"])


def _activation(row: Any) -> dict[str, Any]:
    draft = Draft(Facts.read(row["extra"]))
    draft.name("personalityName", row["personality_name"])
    draft.snowflake("activatedBy", row["activated_by"])
    draft.time_or("timestamp", row["activated_at"], "ms")
    return draft.finish()
