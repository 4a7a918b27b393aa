"""`tzurot restore`: the right state from the right epoch, or a reason why not."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.durability.bucket import Bucket
from bot.durability.environment import litestream_environment, litestream_program
from bot.durability.lineage import Current, Past
from bot.durability.litestream import Litestream
from bot.durability.volume import forget_replication
from bot.errors import UnavailableError
from bot.sandbox.bucket import BucketSandbox
from bot.settings import Settings, load_settings
from bot.store.inspection import FileKind, inspect_file
from bot.store.migrate import create_database
from tests.cli.conftest import Run, add_messages, files_under, fill, process_environment

PREFIX = "tzurot/test"


@dataclass(frozen=True)
class Story:
    """A bucket with two epochs: five messages, then seven, then a new epoch, then nine."""

    environment: dict[str, str]
    database: Path
    five: datetime
    seven: datetime
    nine: datetime


@pytest.fixture(scope="module")
def story(bucket: BucketSandbox, tmp_path_factory: pytest.TempPathFactory) -> Story:
    database = tmp_path_factory.mktemp("volume") / "tzurot.db"
    environment = bucket.environment(PREFIX)
    settings = load_settings(lower(environment) | {"database_path": str(database)})
    create_database(database)
    fill(database)
    began = datetime.now(UTC)
    with replicating(settings, f"{PREFIX}/e000001") as sync:
        five = moment_after(sync)
        add_messages(database, 2)
        seven = moment_after(sync)
    switched = datetime.now(UTC)
    forget_replication(database)
    with replicating(settings, f"{PREFIX}/e000002") as sync:
        add_messages(database, 2)
        nine = moment_after(sync)
    past = Past.model_validate({"epoch": 1, "prefix": f"{PREFIX}/e000001", "from": began, "to": switched})
    current = Current(
        install_id="i", epoch=2, prefix=f"{PREFIX}/e000002", claim="c", started_at=switched, history=(past,)
    )
    asyncio.run(Bucket(settings).write_current(current, None))
    return Story(environment, database, five, seven, nine)


@contextmanager
def replicating(settings: Settings, prefix: str) -> Iterator[Litestream]:
    socket = settings.database_path.parent / "s.sock"
    process = subprocess.Popen(
        [litestream_program(), "replicate", "-config", str(settings.litestream_config)],
        env=litestream_environment(settings, prefix, socket),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Litestream(socket, settings.database_path.absolute())
    finally:
        process.kill()
        process.wait()


def moment_after(litestream: Litestream) -> datetime:
    """A time that lies after everything that was written so far, and before what comes next."""
    asyncio.run(until_synced(litestream))
    moment = datetime.now(UTC) + timedelta(milliseconds=20)
    while datetime.now(UTC) < moment + timedelta(milliseconds=20):
        time.sleep(0.005)
    return moment


async def until_synced(litestream: Litestream) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                if (await litestream.sync(5)).is_complete:
                    return
            except UnavailableError:
                await asyncio.sleep(0.02)


def test_the_newest_state_comes_from_the_current_epoch(tzurot: Run, story: Story, tmp_path: Path) -> None:
    target = tmp_path / "new.db"
    ended = tzurot("restore", "--to", target, "--json", "--database", story.database, **story.environment)
    assert ended.code == 0, ended.err
    assert ended.json["tables"]["message_mappings"] == 9
    assert ended.json["prefix"] == f"{PREFIX}/e000002"
    assert ended.json["seconds"] > 0
    assert inspect_file(target, full=True).kind is FileKind.OK
    assert files_under(tmp_path) == {"new.db"}
    assert target.stat().st_mode & 0o077 == 0


def test_json_mode_has_the_copy_of_the_database_before_it(tzurot: Run, story: Story, tmp_path: Path) -> None:
    environment = story.environment | {"STORAGE_MODE": "json", "JSON_DIR": str(tmp_path / "json")}
    ended = tzurot("restore", "--to", tmp_path / "new.db", "--json", "--database", story.database, **environment)
    assert ended.code == 0, ended.err
    assert ended.json["tables"]["message_mappings"] == 9


@pytest.mark.parametrize("expected", [("five", 5, 1), ("seven", 7, 1), ("nine", 9, 2)])
def test_an_earlier_state_comes_from_the_epoch_that_was_current_then(
    tzurot: Run, story: Story, tmp_path: Path, expected: tuple[str, int, int]
) -> None:
    point, count, epoch = expected
    at: datetime = getattr(story, point)
    ended = tzurot(
        "restore",
        "--at",
        at.isoformat(),
        "--to",
        tmp_path / "then.db",
        "--json",
        "--database",
        story.database,
        **story.environment,
    )
    assert ended.code == 0, ended.err
    assert ended.json["tables"]["message_mappings"] == count
    assert ended.json["prefix"] == f"{PREFIX}/e{epoch:06d}"


def test_one_epoch_can_be_asked_for(tzurot: Run, story: Story, tmp_path: Path) -> None:
    given = ("--json", "--database", story.database)
    ended = tzurot("restore", "--epoch", "1", "--to", tmp_path / "one.db", *given, **story.environment)
    assert ended.code == 0, ended.err
    assert ended.json["tables"]["message_mappings"] == 7
    assert ended.json["prefix"] == f"{PREFIX}/e000001"
    ended = tzurot("restore", "--epoch", "7", "--to", tmp_path / "x.db", *given, **story.environment)
    assert ended.code == 1
    assert "There is no epoch 7" in ended.json["error"]
    assert tzurot("restore", "--epoch", "0", "--to", tmp_path / "x.db", *given, **story.environment).code == 2


def test_a_time_between_a_new_epochs_start_and_its_first_upload_is_the_old_epochs_last_state(
    tzurot: Run, story: Story, tmp_path: Path
) -> None:
    bucket = Bucket(load_settings(lower(story.environment)))
    version = asyncio.run(bucket.read_current())
    assert version is not None
    started = version.current.started_at.isoformat()
    ended = tzurot(
        "restore",
        "--at",
        started,
        "--to",
        tmp_path / "then.db",
        "--json",
        "--database",
        story.database,
        **story.environment,
    )
    assert ended.json["tables"]["message_mappings"] == 7


def lower(environment: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in environment.items()}


def test_a_time_without_a_zone_is_utc(
    tzurot: Run, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        at = story.five.replace(tzinfo=None).isoformat(" ")
        ended = tzurot(
            "restore",
            "--at",
            at,
            "--to",
            tmp_path / "then.db",
            "--json",
            "--database",
            story.database,
            **story.environment,
        )
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert ended.json["tables"]["message_mappings"] == 5


def test_a_time_before_the_copy_began_is_told_when_it_did(tzurot: Run, story: Story, tmp_path: Path) -> None:
    ended = tzurot(
        "restore",
        "--at",
        "2020-01-01T00:00",
        "--to",
        tmp_path / "x.db",
        "--database",
        story.database,
        **story.environment,
    )
    assert ended.code == 1
    assert f"begins at {datetime.now(UTC):%Y-%m-%d}" in ended.err
    assert files_under(tmp_path) == set()


@pytest.mark.parametrize("at", ["2999-01-01", "yesterday", "2026-13-01", ""])
def test_a_time_in_the_future_or_no_time_is_wrong_usage(tzurot: Run, tmp_path: Path, at: str) -> None:
    assert tzurot("restore", "--at", at, "--to", tmp_path / "x.db").code == 2


def test_an_existing_target_is_never_replaced(tzurot: Run, story: Story, tmp_path: Path) -> None:
    for name in ("old.db", "fresh.db-wal"):
        (tmp_path / name).write_bytes(b"precious")
        target = tmp_path / name.removesuffix("-wal")
        assert tzurot("restore", "--to", target, "--database", story.database, **story.environment).code == 3
        assert (tmp_path / name).read_bytes() == b"precious"


def test_the_live_databases_place_is_refused_even_when_it_is_empty_or_behind_a_link(
    tzurot: Run, story: Story, tmp_path: Path
) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "volume")
    for target in ("volume/tzurot.db", "link/tzurot.db"):
        ended = tzurot("restore", "--to", target, "--database", tmp_path / "volume/tzurot.db", **story.environment)
        assert ended.code == 3
        assert "live database" in ended.err


def test_beside_the_live_database_nothing_else_is_touched(tzurot: Run, story: Story) -> None:
    staging = story.database.parent / ".tzurot-staging"
    staging.mkdir()
    (staging / "tzurot.db").write_bytes(b"a start of the bot is restoring here")
    target = story.database.with_name("then.db")
    try:
        assert tzurot("restore", "--to", target, "--database", story.database, **story.environment).code == 0
        assert (staging / "tzurot.db").exists()
    finally:
        shutil.rmtree(staging)
        target.unlink(missing_ok=True)


def test_a_mistyped_prefix_is_told_what_the_bucket_has(tzurot: Run, story: Story, tmp_path: Path) -> None:
    ended = tzurot(
        "restore",
        "--to",
        tmp_path / "x.db",
        "--database",
        story.database,
        **(story.environment | {"REPLICA_PREFIX": "tzurot/tset"}),
    )
    assert ended.code == 1
    assert PREFIX in ended.err


@pytest.mark.parametrize(
    ("wrong", "code"),
    [({"LITESTREAM_SECRET_ACCESS_KEY": "wrong"}, 2), ({"REPLICA_ENDPOINT": "http://127.0.0.1:9"}, 1)],
)
def test_a_bucket_that_refuses_or_is_down_has_its_own_sentence(
    tzurot: Run, story: Story, tmp_path: Path, wrong: dict[str, str], code: int
) -> None:
    environment = story.environment | wrong | {"BUCKET_REQUEST_TIMEOUT_SECONDS": "1"}
    ended = tzurot("restore", "--to", tmp_path / "x.db", "--json", "--database", story.database, **environment)
    assert ended.code == code
    assert "bucket" in ended.json["error"]
    assert files_under(tmp_path) == set()


def test_without_a_bucket_there_is_nothing_to_restore_from(tzurot: Run, tmp_path: Path) -> None:
    assert tzurot("restore", "--to", tmp_path / "x.db").code == 2


def test_a_damaged_copy_is_not_put_in_place(tzurot: Run, story: Story, tmp_path: Path, bucket: BucketSandbox) -> None:
    store = bucket.store()
    paths = [item["path"] for batch in store.list(f"{PREFIX}/e000001") for item in batch]
    for path in paths:
        content = bytearray(bytes(store.get(path).bytes()))
        content[len(content) // 2] ^= 0xFF
        store.put(path.replace("e000001", "e000009"), bytes(content))
    asyncio.run(name_current(story, 9))
    try:
        ended = tzurot(
            "restore",
            "--to",
            tmp_path / "x.db",
            "--database",
            story.database,
            **(story.environment | {"RESTORE_ATTEMPTS": "1"}),
        )
        assert ended.code == 1
        assert files_under(tmp_path) == set()
    finally:
        asyncio.run(name_current(story, 2))


async def name_current(story: Story, epoch: int) -> None:
    bucket = Bucket(load_settings(lower(story.environment)))
    version = await bucket.read_current()
    assert version is not None
    changed = version.current.model_copy(update={"epoch": epoch, "prefix": f"{PREFIX}/e{epoch:06d}"})
    await bucket.write_current(changed, version)


def test_sigterm_leaves_nothing_behind(story: Story, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "bot", "restore", "--to", "x.db", "--database", str(story.database)],
        env=process_environment() | story.environment,
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_folder(tmp_path)
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=10) in {143, 0}
    finally:
        running.kill()
        running.wait()
    assert [path.name for path in tmp_path.iterdir()] in ([], ["x.db"])


def wait_for_folder(folder: Path) -> None:
    deadline = time.monotonic() + 10
    while not list(folder.glob(".tzurot-restore-*")):
        assert time.monotonic() < deadline, "the restore never began"
        time.sleep(0.002)
