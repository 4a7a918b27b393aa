"""What the original's files can't say, as `.tzurot/<table>.json`: read here, and written straight out of SQLite.

The tables of our own stand there whole, and so do the small ones of the original: its records leave out who made
an alias, when a conversation began, which number a personality has. Two tables are too large for that. Of message
mappings only the odd ones stand there, because all others are exactly what their record says; of avatars
everything but the image. Each file counts its table's rows, so that a load that ends with fewer is noticed.
"""

# ruff: noqa: S608 - the SQL is put together from this module's constants and the catalogue's own column names

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import inf

import orjson

from bot.model import DISCORD_EPOCH_MS
from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.folder.state import REST_FOLDER
from bot.store.files.plan import FileContent, Plan
from bot.store.legacy.avatars import LARGEST_BYTES
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
from bot.store.legacy.moments import FIRST_MS, to_text
from bot.store.touched import APART

ROWS_AT_ONCE = 500

ODD_MAPPING = f"""
extra IS NOT NULL OR message_id <= 0 OR user_id <= 0 OR channel_id <= 0 OR sent_at < '{to_text(FIRST_MS)}'
OR CAST(round(unixepoch(sent_at, 'subsec') * 1000) AS INTEGER) = (message_id >> 22) + {DISCORD_EPOCH_MS}
"""
"""Mappings that are more than their record: it can't say such ids or times."""

ODD_IMAGE = f"""
length(content) > {LARGEST_BYTES} OR content_type IS NOT CASE
    WHEN substr(content, 1, 8) = x'89504e470d0a1a0a' THEN 'image/png'
    WHEN substr(content, 1, 3) = x'ffd8ff' THEN 'image/jpeg'
    WHEN substr(content, 1, 6) IN (x'474946383761', x'474946383961') THEN 'image/gif'
    WHEN substr(content, 1, 4) = x'52494646' AND substr(content, 9, 4) = x'57454250' THEN 'image/webp'
END
"""
"""Images that an import would not take for one."""

EXPRESSIONS = {"content": f"CASE WHEN {ODD_IMAGE} THEN hex(content) END"}
"""What stands for a column that JSON can't hold."""

COLUMNS = "SELECT name FROM pragma_table_info(:table) ORDER BY cid"
KEYS = """
SELECT 'rowid' AS name FROM pragma_table_list WHERE schema = 'main' AND name = :table AND NOT wr
UNION ALL
SELECT name FROM (
    SELECT i.name FROM pragma_table_list AS l, pragma_table_info(:table) AS i
    WHERE l.schema = 'main' AND l.name = :table AND l.wr AND i.pk > 0 ORDER BY i.pk
)
"""
"""By what the rows are read in pieces: whole numbers all."""
SEQUENCE = "SELECT seq FROM sqlite_sequence WHERE name = :table"
HAS_SEQUENCE = "SELECT 1 FROM sqlite_schema WHERE name = :table AND sql LIKE '%AUTOINCREMENT%'"


@dataclass(frozen=True, slots=True)
class RestTable:
    """A table's part of the rest: those rows for which `condition` holds.

    It counts only as long as the original's `files` that hold the same table are as they were written with it.
    """

    name: str
    files: frozenset[str] = frozenset()
    condition: str = "TRUE"

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
    RestTable("blacklist", frozenset({BLACKLIST, AUTH})),
    RestTable("notification_preferences", frozenset({NOTIFICATIONS})),
    RestTable("notified_version", frozenset({VERSION})),
    RestTable("avatars", frozenset({AVATARS})),
    RestTable("turns"),
    RestTable("turn_chunks"),
    RestTable("changes"),
    RestTable("webhooks"),
    RestTable("gateway_marks"),
    RestTable("lives"),
)
"""Every table that the folder follows, in an order in which each only refers to those before it."""


def rest_plans() -> tuple[Plan, ...]:
    """The rest's files, the same in both formats."""
    return tuple(Plan(table.file, _all_of(table.name), partial(_write, table)) for table in REST_TABLES)


def _all_of(table: str) -> frozenset[str]:
    """The table with those of its columns that are told apart."""
    return frozenset({table, *(name for name in APART if name.startswith(f"{table}."))})


def _write(table: RestTable, connection: RawConnection, _cipher: Cipher) -> Iterator[FileContent]:
    yield table.file, _pieces(table, connection)


def _pieces(table: RestTable, connection: RawConnection) -> Iterator[bytes]:
    (total,) = connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()
    names = columns_of(connection, table.name)
    head: dict[str, object] = {"table": table.name, "columns": names, "total": total}
    if connection.execute(HAS_SEQUENCE, {"table": table.name}).fetchone():
        row = connection.execute(SEQUENCE, {"table": table.name}).fetchone()
        head["sequence"] = row["seq"] if row else 0
    yield orjson.dumps(head)[:-1] + b',"rows":['
    separator = b"\n"
    for piece in _chunks(table, connection, names):
        yield separator + piece
        separator = b",\n"
    yield b"\n]}\n"


def columns_of(connection: RawConnection, table: str) -> list[str]:
    """The table's columns, in their order."""
    return [row["name"] for row in connection.execute(COLUMNS, {"table": table})]


def _chunks(table: RestTable, connection: RawConnection, names: Iterable[str]) -> Iterator[bytes]:
    """Rows as JSON arrays, one a line, in pieces of keys that follow each other."""
    keys = [row["name"] for row in connection.execute(KEYS, {"table": table.name})]
    key, numbers = ", ".join(keys), range(len(keys))
    after = f"({key}) > ({', '.join(f':after{number}' for number in numbers)})"
    until = f"({key}) <= ({', '.join(f':until{number}' for number in numbers)})"
    values = ", ".join(EXPRESSIONS.get(name, f'"{name}"') for name in names)
    find_bound = f"SELECT {key} FROM {table.name} WHERE {after} ORDER BY {key} LIMIT 1 OFFSET {ROWS_AT_ONCE - 1}"
    read_piece = (
        f"SELECT CAST(group_concat(json_array({values}), char(44, 10)) AS BLOB) FROM {table.name}"
        f" WHERE {after} AND {until} AND ({table.condition})"
    )
    bounds = {f"after{number}": -inf for number in numbers}
    is_last = False
    while not is_last:
        found = connection.execute(find_bound, bounds).fetchone()
        is_last = found is None
        upper = [inf for _ in numbers] if is_last else list(found)
        parameters = bounds | {f"until{number}": upper[number] for number in numbers}
        (piece,) = connection.execute(read_piece, parameters).fetchone()
        if piece:
            yield piece
        bounds = {f"after{number}": upper[number] for number in numbers}
