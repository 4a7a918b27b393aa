"""`tzurot drill`: its three outcomes as a person and as a program see them."""

import asyncio
import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.durability.bucket import Bucket
from bot.durability.lineage import Current
from bot.sandbox.bucket import BucketSandbox
from bot.settings import load_settings
from bot.store.engine import connect, opened
from bot.store.migrate import create_database
from tests.cli.conftest import Run, fill
from tests.cli.test_restore import lower, replicating, until_synced

PREFIX = "tzurot/drill"
KEY = base64.b64encode(bytes(32)).decode()


@dataclass(frozen=True)
class Copy:
    environment: dict[str, str]
    database: Path


@pytest.fixture(scope="module")
def copy(bucket: BucketSandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    """A copy in the bucket of a database whose only login was stored under a key that nobody has."""
    database = tmp_path_factory.mktemp("volume") / "tzurot.db"
    environment = bucket.environment(PREFIX) | {"ENCRYPTION_KEYS": KEY}
    settings = load_settings(lower(environment) | {"database_path": str(database)})
    create_database(database)
    fill(database)
    with replicating(settings, f"{PREFIX}/e000001") as litestream:
        asyncio.run(until_synced(litestream))
        current = Current(install_id="i", epoch=1, prefix=f"{PREFIX}/e000001", claim="c", started_at=datetime.now(UTC))
        asyncio.run(Bucket(settings).write_current(current, None))
        yield Copy(environment, database)


def test_a_login_that_nobody_could_use_after_a_restore_fails_it(tzurot: Run, copy: Copy) -> None:
    ended = tzurot("drill", "--json", "--database", copy.database, **copy.environment)
    assert ended.code == 1, ended.err
    assert (ended.json["outcome"], ended.json["scope"]) == ("failed", "copy")
    assert "0badf00d" in ended.json["reason"]
    assert ended.json["prefix"] == f"{PREFIX}/e000001"


def test_a_right_copy_is_verified_and_says_what_it_was_held_against(tzurot: Run, copy: Copy) -> None:
    with opened(connect(copy.database, "rw", 5)) as connection:
        connection.execute("DELETE FROM auth_tokens")
    settings = load_settings(lower(copy.environment) | {"database_path": str(copy.database)})
    with replicating(settings, f"{PREFIX}/e000001") as litestream:
        asyncio.run(until_synced(litestream))
    ended = tzurot("drill", "--database", copy.database, **copy.environment)
    assert ended.code == 0, ended.err
    assert ended.out.startswith("VERIFIED: Restored ")
    assert re.search(rf"^Copy +transaction [1-9][0-9]* of {PREFIX}/", ended.out, re.MULTILINE)  # as `status` counts
    assert "a second restore only: no bot runs on this volume" in ended.out
    assert "second digests" in ended.out
    assert ended.err == ""


def test_a_bucket_that_does_not_answer_leaves_it_open(tzurot: Run, copy: Copy, tmp_path: Path) -> None:
    away = {"REPLICA_ENDPOINT": "http://127.0.0.1:9", "BUCKET_REQUEST_TIMEOUT_SECONDS": "0.5"}
    ended = tzurot("drill", "--json", "--database", tmp_path / "none.db", **copy.environment | away)
    assert (ended.code, ended.json["outcome"]) == (1, "inconclusive")
    assert "can't be reached" in ended.json["reason"]
    assert ended.json["txid"] is None


def test_without_a_bucket_or_a_key_it_is_a_matter_of_configuration(tzurot: Run, database: Path, copy: Copy) -> None:
    ended = tzurot("drill", "--database", database)
    assert ended.code == 2
    assert "REPLICA_BUCKET" in ended.err
    ended = tzurot("drill", "--database", database, **copy.environment | {"ENCRYPTION_KEYS": ""})
    assert ended.code == 2
    assert "ENCRYPTION_KEYS is not set" in ended.err
