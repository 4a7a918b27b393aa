"""Databases to measure on."""

import base64
import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from bot.model import Activation, Alias, Login, Personality, Secret, Verification
from bot.settings import Settings
from bot.store import activations, aliases, logins, personalities, verifications
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.engine import RawConnection, connect, opened, transaction
from bot.store.migrate import create_database
from bot.store.statement import Value

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIRST_ID = 1_100_000_000_000_000_000
USERS = 1000
ENCRYPTION_KEY = base64.b64encode(bytes(32)).decode()


def bench_settings() -> Settings:
    """As in production: checkpoints are Litestream's."""
    return Settings(_env_file=None).model_copy(update={"replica_bucket": "measured", "encryption_keys": ()})


async def open_filled(path: Path, count: int) -> SQLiteStore:
    """A new database with so many personalities, each with an alias, a channel and a user who is logged in."""
    create_database(path)
    store = await open_store(path, settings=bench_settings())
    await store.transact(partial(_fill, count=count, cipher=Cipher([SecretStr(ENCRYPTION_KEY)])))
    return store


MESSAGES = """
WITH RECURSIVE numbers (n) AS (SELECT :begin UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :begin + :count)
INSERT INTO message_mappings (message_id, user_id, channel_id, personality_id, is_mention_only)
SELECT :id + n * 419430400 + abs(random() % 4096), :id + abs(random() % 1000), :id + abs(random() % 97),
    1 + abs(random() % :personalities), n % 6 = 0
FROM numbers
"""
MESSAGES_AT_ONCE = 100_000


async def fill_to(path: Path, size_bytes: int) -> None:
    """A new database of that size: some personalities and users, and what they have said in some years."""
    values = {"id": FIRST_ID, "personalities": 60, "count": MESSAGES_AT_ONCE}
    await (await open_filled(path, values["personalities"])).close()
    with opened(connect(path, "rw", 1)) as connection:
        connection.execute("DELETE FROM channel_activations")  # in channels that no sandbox has
        for begin in itertools.count(0, MESSAGES_AT_ONCE):
            with transaction(connection):
                connection.execute(MESSAGES, {**values, "begin": begin})
            (pages,), (page_bytes,) = (
                connection.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
            )
            if pages * page_bytes >= size_bytes:
                return


def name_of(number: int) -> str:
    return f"personality-{number}"


def _fill(connection: RawConnection, count: int, cipher: Cipher) -> None:
    for sql, rows in _rows(count, cipher):
        connection.executemany(sql, rows)


def _rows(count: int, cipher: Cipher) -> list[tuple[str, Iterable[Mapping[str, Value]]]]:
    each, users = range(count), range(max(USERS, count))
    return [
        (personalities.INSERT, (personalities.to_row(_personality(n)) for n in each)),
        (aliases.ADD, (aliases.to_row(Alias(f"alias {n}", name_of(n), FIRST_ID + n, NOW)) for n in each)),
        (activations.PUT, (activations.to_row(_activation(n)) for n in each)),
        (logins.PUT, (logins.to_row(Login(FIRST_ID + n, Secret("invented"), NOW), cipher) for n in users)),
        (verifications.PUT, (verifications.to_row(_verification(n)) for n in users)),
    ]


def _personality(number: int) -> Personality:
    return Personality(name_of(number), f"Name {number}", FIRST_ID + number, NOW, prompt="Be kind.")


def _activation(number: int) -> Activation:
    return Activation(FIRST_ID + number, name_of(number), FIRST_ID + number, NOW)


def _verification(number: int) -> Verification:
    return Verification(FIRST_ID + number, is_verified=True, recorded_at=NOW)
