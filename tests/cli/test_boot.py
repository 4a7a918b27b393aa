"""`tzurot boot`: the volume made ready, and what a start would do explained without doing it."""

import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bot.durability.bucket import Bucket
from bot.durability.lock import VolumeLock
from bot.sandbox.bucket import BucketSandbox
from bot.settings import Settings, load_settings
from bot.store.engine import connect, opened
from tests.cli.conftest import Ended, Run
from tests.durability.test_boot import live, replicating
from tests.durability.test_old_epochs import zombie

SMALL = {"REPLICA_TIMEOUT_SECONDS": "1", "BUCKET_REQUEST_TIMEOUT_SECONDS": "1", "LOCK_TIMEOUT_SECONDS": "0.2"}


class Place:
    """A volume, its prefix in the bucket, and the command line for both."""

    def __init__(self, spawn: Run, folder: Path, environment: dict[str, str]) -> None:
        self.spawn = spawn
        self.volume = folder
        self.database = folder / "tzurot.db"
        self.environment = environment

    @property
    def settings(self) -> Settings:
        names = {name.lower(): value for name, value in self.environment.items()}
        return load_settings(names | {"database_path": str(self.database)}, env_file=None)

    def boot(self, *arguments: str, **changes: str) -> Ended:
        return self.spawn("boot", *arguments, "--database", self.database, **(self.environment | changes))

    def explain(self, code: int = 0, **changes: str) -> dict[str, Any]:
        ended = self.boot("--explain", "--json", **changes)
        assert ended.code == code, ended.err
        found: dict[str, Any] = ended.json
        assert found["exit_code"] == code
        return found

    def content(self) -> dict[str, bytes]:
        """Every file but SQLite's index of a log, which each reader may write."""
        files = (path for path in self.volume.rglob("*") if path.is_file() and not path.name.endswith("-shm"))
        return {str(path): path.read_bytes() for path in files}


@pytest.fixture
def place(spawn: Run, bucket: BucketSandbox, tmp_path: Path) -> Place:
    (tmp_path / "volume").mkdir()
    prefix = f"boot/of-{uuid.uuid4().hex[:8]}"
    return Place(spawn, tmp_path / "volume", bucket.environment(prefix) | {"ALLOW_INIT": prefix} | SMALL)


@pytest_asyncio.fixture
async def lived(place: Place) -> AsyncIterator[Place]:
    await live(place.settings)
    yield place


def test_an_empty_volume_is_explained_and_left_empty(place: Place) -> None:
    found = place.explain()
    assert (found["action"], found["volume"]["database"]) == ("create", "missing")
    assert found["settings"]["ALLOW_INIT"] == place.environment["REPLICA_PREFIX"]
    assert place.content() == {}


def test_a_refusal_is_explained_with_its_sentence_its_remedy_and_its_exit_code(place: Place) -> None:
    found = place.explain(3, ALLOW_INIT="", REPLICA_BUCKET="", REPLICA_ENDPOINT="", REPLICA_PREFIX="")
    assert "no bucket is configured" in found["error"]
    assert "ALLOW_INIT=local" in found["remedy"]
    ended = place.boot("--explain", ALLOW_INIT="", REPLICA_BUCKET="", REPLICA_ENDPOINT="", REPLICA_PREFIX="")
    assert ended.code == 3
    assert "A start refuses with exit code 3. There is no database here" in ended.out


async def test_a_volume_in_use_is_looked_at_beside_its_bot(place: Place) -> None:
    async with replicating(place.settings) as replication:
        await replication.flush()
        found = place.explain()
        assert "process" in found["in_use_by"]
        assert found["action"] == "continue"
        assert found["lease"]["standing"] == "own"
        assert found["bucket"]["newest_txid"] <= found["volume"]["txid"]
        said = place.boot("--explain").out
    assert "its pages not checked, because it is in use" in said


async def test_nothing_is_changed_by_an_explanation(lived: Place) -> None:
    before, records = lived.content(), await Bucket(lived.settings).read_current()
    assert lived.explain()["action"] == "continue"
    assert lived.content() == before
    lived.database.write_bytes(b"\x07" * 5000)
    before = lived.content()
    found = lived.explain()
    assert found["action"] == "restore"
    assert "may lack" in found["loss"]
    assert found["bucket"]["epochs"] is None  # not looked for, which is not the same as none
    assert lived.content() == before
    assert await Bucket(lived.settings).read_current() == records


async def test_a_writers_log_is_looked_at_and_not_moved(lived: Place) -> None:
    with opened(connect(lived.database, "rw", 1)) as connection:
        connection.execute("PRAGMA wal_autocheckpoint=0")
        connection.execute("DELETE FROM blacklist")
        before = lived.content()
        assert lived.explain()["action"] == "continue"
        assert lived.content() == before


def test_a_bucket_that_does_not_answer_is_explained(place: Place) -> None:
    found = place.explain(1, REPLICA_ENDPOINT="http://127.0.0.1:9")
    assert "can't be reached" in found["error"]
    assert "can't be reached" in found["bucket"]["failure"]
    told = place.boot("--explain", REPLICA_ENDPOINT="http://127.0.0.1:9").out
    assert re.search(r"^Lease +unknown$", told, re.MULTILINE)


async def test_a_lease_of_another_volume_is_explained(place: Place, tmp_path: Path) -> None:
    other = Place(place.spawn, tmp_path / "other", place.environment)
    other.volume.mkdir()
    async with replicating(place.settings) as replication:
        await replication.flush()
        found = other.explain()
        assert found["lease"]["standing"] == "foreign"
        assert found["lease"]["must_begin_epoch"]
        assert "another volume's" in other.boot("--explain").out
    assert other.explain()["lease"]["standing"] == "free"


def test_wrong_keys_are_a_wrong_setting(place: Place) -> None:
    ended = place.boot("--explain", "--json", LITESTREAM_SECRET_ACCESS_KEY="wrong")
    assert ended.code == 2
    assert "refuses the keys" in ended.json["error"]


async def test_a_copy_that_lost_its_last_files_is_explained(lived: Place, bucket: BucketSandbox) -> None:
    await live(lived.settings)
    store = bucket.store()
    *_, last = sorted(item["path"] for item in store.list(f"{lived.environment['REPLICA_PREFIX']}/e000001").collect())
    store.delete(last)
    lived.database.unlink()
    found = lived.explain(3)
    assert "its last files are gone" in found["error"]
    assert lived.boot("--json").json["error"] == found["error"]
    assert lived.explain(RESTORE_MODE="prefer-replica")["action"] == "restore"


async def test_a_tail_is_explained(lived: Place, tmp_path: Path) -> None:
    other = Place(lived.spawn, tmp_path / "other", lived.environment)
    other.volume.mkdir()
    await live(other.settings, rows=1)
    async with zombie(lived.settings, f"{lived.environment['REPLICA_PREFIX']}/e000001") as writer:
        with opened(connect(lived.database, "rw", 1)) as connection:
            connection.execute("DELETE FROM blacklist")
        await writer.sync(5)
    (old,) = other.explain()["old_epochs"]
    assert (old["epoch"], old["tail"], old["is_pruned"]) == (1, 1, False)
    said = other.boot("--explain").out
    assert "1 transaction was written to" in said
    assert "tzurot restore --epoch 1 --to PATH" in said


async def test_a_lost_volume_is_restored_ahead_of_its_start(lived: Place) -> None:
    lived.database.unlink()
    ended = lived.boot("--json")
    assert ended.code == 0, ended.err
    assert ended.json["action"] == "restore"
    assert ended.json["prefix"].endswith("e000002")
    again = lived.boot()
    assert again.code == 0
    assert "continue, because epoch 2 was begun" in again.out
    assert "`tzurot run` goes on from here" in again.out
    await live(lived.settings, rows=1)
    version = await Bucket(lived.settings).read_current()
    assert version is not None
    assert version.current.epoch == 2


def test_a_refusal_ends_with_3_and_changes_nothing(place: Place) -> None:
    place.database.write_bytes(b"")
    ended = place.boot("--json")
    assert ended.code == 3
    assert "zero bytes" in ended.json["error"]
    assert place.database.read_bytes() == b""


def test_a_volume_in_use_is_not_touched(place: Place) -> None:
    with VolumeLock.take(place.volume, 0):
        ended = place.boot()
    assert ended.code == 3
    assert "in use by process" in ended.err
    assert not place.database.exists()
