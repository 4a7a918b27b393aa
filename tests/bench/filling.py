"""Databases to measure on."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from bot.model import Activation, Alias, Login, Personality, Secret, Verification
from bot.settings import Settings
from bot.store import activations, aliases, logins, personalities, verifications
from bot.store.cipher import Cipher
from bot.store.driver import SQLiteStore, open_store
from bot.store.migrate import create_database
from bot.store.statement import Bulk, Value

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
FIRST_ID = 1_100_000_000_000_000_000
USERS = 1000

Rows = Iterator[dict[str, Value]]


def bench_settings() -> Settings:
    """As in production: checkpoints are Litestream's."""
    return Settings(_env_file=None).model_copy(update={"replica_bucket": "measured", "encryption_keys": ()})


async def open_filled(path: Path, count: int) -> SQLiteStore:
    """A new database with so many personalities, each with an alias, a channel and a user who is logged in."""
    create_database(path)
    store = await open_store(path, settings=bench_settings())
    cipher = Cipher([SecretStr(base64.b64encode(bytes(32)).decode())])
    await store.write_bulk(_bulks(count, cipher))
    return store


def name_of(number: int) -> str:
    return f"personality-{number}"


def _bulks(count: int, cipher: Cipher) -> list[Bulk]:
    def each_personality() -> Rows:
        for n in range(count):
            yield personalities.to_row(Personality(name_of(n), f"Name {n}", FIRST_ID + n, NOW, prompt="Be kind."))

    def each_alias() -> Rows:
        for n in range(count):
            yield aliases.to_row(Alias(f"alias {n}", name_of(n), FIRST_ID + n, NOW))

    def each_activation() -> Rows:
        for n in range(count):
            yield activations.to_row(Activation(FIRST_ID + n, name_of(n), FIRST_ID + n, NOW))

    def each_login() -> Rows:
        for n in range(max(USERS, count)):
            yield logins.to_row(Login(FIRST_ID + n, Secret("invented"), NOW), cipher)

    def each_verification() -> Rows:
        for n in range(max(USERS, count)):
            yield verifications.to_row(Verification(FIRST_ID + n, is_verified=True, recorded_at=NOW))

    return [
        Bulk(personalities.INSERT, each_personality()),
        Bulk(aliases.ADD, each_alias()),
        Bulk(activations.PUT, each_activation()),
        Bulk(logins.PUT, each_login()),
        Bulk(verifications.PUT, each_verification()),
    ]
