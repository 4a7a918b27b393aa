"""One hash for each table of a database file, the same for the same rows wherever they lie in the file."""

import hashlib
from pathlib import Path

from bot.store.engine import RawConnection, connect, opened
from bot.store.inspection import TABLES
from bot.store.migrate import LOCK_SECONDS
from bot.store.translate import translated

ROWS_AT_ONCE = 1000
DIGEST_BYTES = 16
KEYS = "SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk"
HAS_ROWID = "SELECT wr = 0 FROM pragma_table_list WHERE schema = 'main' AND name = ?"


def digest_tables(path: Path) -> dict[str, str]:
    """The digests by table; reads the whole file in small pieces, so call it where nobody waits."""
    with translated(), opened(connect(path, "ro", LOCK_SECONDS)) as connection:
        connection.row_factory = None
        connection.text_factory = bytes  # text that is no UTF-8 is hashed and not refused
        tables = [name.decode() for (name,) in connection.execute(TABLES)]
        return {table: _digest(connection, table) for table in tables}


def _digest(connection: RawConnection, table: str) -> str:
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    rows = connection.execute(f'SELECT * FROM "{table}" ORDER BY {_order(connection, table)}')  # noqa: S608 - own names
    while piece := rows.fetchmany(ROWS_AT_ONCE):
        found.update(repr(piece).encode())
    return found.hexdigest()


def _order(connection: RawConnection, table: str) -> str:
    if connection.execute(HAS_ROWID, (table,)).fetchone()[0]:
        return "rowid"
    return ", ".join(f'"{name.decode()}"' for (name,) in connection.execute(KEYS, (table,)))
