"""The rest's files, written straight out of SQLite."""

# ruff: noqa: S608 - the SQL is put together from constants and the catalogue's own column names

from collections.abc import Iterable, Iterator
from functools import partial
from math import inf

import orjson

from bot.store.cipher import Cipher
from bot.store.engine import RawConnection
from bot.store.files.plan import FileContent, Plan
from bot.store.files.rest.tables import REST_TABLES, RestTable, columns_of
from bot.store.legacy.avatars import LARGEST_BYTES, SIGNATURES
from bot.store.touched import APART

ROWS_AT_ONCE = 500

SIGNED = "\n".join(
    f"    WHEN substr(content, 1, {len(signature)}) = x'{signature.hex()}' THEN '{content_type}'"
    for signature, content_type in SIGNATURES.items()
)
ODD_IMAGE = f"""
length(content) > {LARGEST_BYTES} OR content_type IS NOT CASE
{SIGNED}
    WHEN substr(content, 1, 4) = x'52494646' AND substr(content, 9, 4) = x'57454250' THEN 'image/webp'
END
"""
"""Images that an import would not take for one."""

EXPRESSIONS = {"content": f"CASE WHEN {ODD_IMAGE} THEN hex(content) END"}
"""What stands for a column that JSON can't hold."""

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
