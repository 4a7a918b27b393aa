"""`tzurot doctor`: each thing that can be wrong is named in its own line, with what to do."""

import asyncio
import base64
import socket
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from bot.durability.bucket import Bucket
from bot.durability.lease import Lease
from bot.durability.lock import VolumeLock
from bot.model import Secret
from bot.sandbox.ai import AISandbox
from bot.sandbox.bucket import BucketSandbox, FaultProxy, Mode
from bot.sandbox.discord.server import DiscordOptions, DiscordSandbox
from bot.settings import load_settings
from bot.store.cipher import cipher_from
from bot.store.engine import connect, opened
from bot.store.files.folder.json_folder import JsonFolder
from bot.store.files.folder.state import FolderState
from bot.store.files.plan import Format
from tests.cli.conftest import process_environment

KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()

Examine = Callable[..., Awaitable[dict[str, Any]]]


@pytest_asyncio.fixture
async def discord() -> AsyncIterator[DiscordSandbox]:
    async with DiscordSandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def ai() -> AsyncIterator[AISandbox]:
    async with AISandbox() as sandbox:
        yield sandbox


@pytest.fixture
def healthy(database: Path, bucket: BucketSandbox, discord: DiscordSandbox, ai: AISandbox) -> dict[str, str]:
    """The environment of an installation in which nothing is wrong."""
    cipher = cipher_from(load_settings({"encryption_keys": KEY}))
    with opened(connect(database, "rw", 5)) as connection:
        token = cipher.encrypt(Secret("invented"), "auth_tokens", "token", 900000000000000001)
        connection.execute("UPDATE auth_tokens SET token = :token", {"token": token})
    return {
        **process_environment(),
        **bucket.environment("tzurot/doctor"),
        **discord.environment(),
        **ai.environment(),
        "ENCRYPTION_KEYS": KEY,
        "DATABASE_PATH": str(database),
        "LISTEN_ADDRESS": "127.0.0.1",
        "PORT": "0",
        "CHECK_TIMEOUT_SECONDS": "5",
    }


async def doctor(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "doctor", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path(environment["DATABASE_PATH"]).parent,
    )
    try:
        async with asyncio.timeout(20):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def examine(environment: dict[str, str]) -> tuple[int, dict[str, dict[str, str]]]:
    code, out, err = await doctor(environment, "--json")
    assert out, err
    return code, {check["name"]: check for check in orjson.loads(out)["checks"]}


async def test_a_healthy_installation_has_nothing_to_mend(healthy: dict[str, str], discord: DiscordSandbox) -> None:
    code, checks = await examine(healthy)
    assert {name: check["found"] for name, check in checks.items() if check["verdict"] != "ok"} == {}
    assert code == 0
    assert "every stored secret has its key" in checks["keys"]["found"]
    assert str(discord.application_id) in checks["discord token"]["found"]
    assert discord.identify_count == 0


async def test_a_check_leaves_nothing_in_the_bucket(healthy: dict[str, str], bucket: BucketSandbox) -> None:
    await examine(healthy)
    assert [item for batch in bucket.store().list("tzurot") for item in batch] == []
    settings = load_settings({name.lower(): value for name, value in bucket.environment("tzurot/doctor").items()})
    assert await Bucket(settings).survey() == []
    assert await Bucket(settings).epochs() == []


async def test_the_lines_name_the_remedy_and_never_a_secret(healthy: dict[str, str]) -> None:
    broken = healthy | {"DISCORD_TOKEN": "invented.token.value", "LITESTREAM_SECRET_ACCESS_KEY": "invented-secret"}
    code, out, err = await doctor(broken)
    assert code == 1
    assert "→" in out
    assert "\x1b" not in out
    lines = out.splitlines()
    assert len(lines) == 15
    assert not [secret for secret in ("invented.token.value", "invented-secret", KEY) if secret in out + err]


@pytest.mark.parametrize(
    ("wrong", "name", "remedy"),
    [
        ({"ENCRYPTION_KEYS": ""}, "keys", "os.urandom"),
        ({"ENCRYPTION_KEYS": OTHER_KEY}, "keys", "ENCRYPTION_KEYS"),
        ({"DISCORD_TOKEN": ""}, "discord token", "developers"),
        ({"DISCORD_TOKEN": "invented.token"}, "discord token", "developers"),
        ({"SERVICE_API_BASE_URL": "http://127.0.0.1:9"}, "AI service", "address"),
        ({"SERVICE_API_BASE_URL": ""}, "AI service", "SERVICE_API_KEY"),
        ({"LITESTREAM_ACCESS_KEY_ID": "wrong"}, "bucket", "LITESTREAM_ACCESS_KEY_ID"),
        ({"LITESTREAM_SECRET_ACCESS_KEY": "wrong"}, "bucket", "LITESTREAM_SECRET_ACCESS_KEY"),
        ({"REPLICA_BUCKET": "unknown-bucket"}, "bucket", "REPLICA_BUCKET"),
        ({"REPLICA_ENDPOINT": "http://127.0.0.1:9"}, "bucket", "REPLICA_ENDPOINT"),
        ({"RAILWAY_ENVIRONMENT_ID": "production"}, "volume", "/app/data"),
    ],
)
async def test_what_is_wrong_is_named_with_what_to_do(
    healthy: dict[str, str], wrong: dict[str, str], name: str, remedy: str
) -> None:
    code, checks = await examine(healthy | wrong)
    assert code == 1
    assert checks[name]["verdict"] == "fail"
    assert remedy in checks[name]["remedy"]


async def test_an_old_database_in_quarantine_is_named(healthy: dict[str, str]) -> None:
    folder = Path(healthy["DATABASE_PATH"]).parent / "quarantine-20261123T190000Z"
    folder.mkdir()
    code, checks = await examine(healthy)
    assert (code, checks["volume"]["verdict"]) == (0, "warn")
    assert folder.name in checks["volume"]["found"]


async def test_json_mode_is_looked_at_through_its_files(healthy: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "json"
    folder.mkdir()
    environment = healthy | {"STORAGE_MODE": "json", "JSON_DIR": str(folder), "DATABASE_PATH": str(tmp_path / "no.db")}
    for content, verdict in ((b'{"ada": {"addedBy": "1"}}', "ok"), (b"{", "fail")):
        (folder / "personalities.json").write_bytes(content)
        code, checks = await examine(environment)
        assert (checks["database"]["verdict"], code) == (verdict, int(verdict == "fail"))
        assert "reading-" not in checks["database"]["found"]
        assert "JSON files are not copied" in checks["bucket"]["found"]
        assert str(folder) in checks["volume"]["found"]
    assert "personalities.json can't be read" in checks["database"]["found"]


async def test_files_that_another_program_has_changed_are_named(healthy: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "json"
    environment = healthy | {"STORAGE_MODE": "json", "JSON_DIR": str(folder)}
    state = FolderState("l", "json", 4711, Format.GEN2, is_final=True, written_at=datetime.now(UTC))
    folder.mkdir()
    JsonFolder(folder).commit([("aliases.json", (b'{"a": "b"}',))], state)
    (folder / "aliases.json").write_bytes(b"{}")
    with VolumeLock.take(folder, 1):
        _, checks = await examine(environment)
    assert checks["storage"]["verdict"] == "warn"
    assert "another program has changed aliases.json" in checks["storage"]["found"]


async def test_a_mode_that_may_not_begin_fails(healthy: dict[str, str]) -> None:
    code, checks = await examine(healthy | {"STORAGE_MODE": "json"})
    assert (code, checks["storage"]["verdict"]) == (1, "fail")
    assert checks["storage"]["remedy"]


async def test_a_bucket_of_the_wrong_name_is_not_made_by_looking(
    healthy: dict[str, str], bucket: BucketSandbox
) -> None:
    await examine(healthy | {"REPLICA_BUCKET": "another-bucket"})
    code, checks = await examine(healthy | {"REPLICA_BUCKET": "another-bucket"})
    assert (code, checks["bucket"]["verdict"]) == (1, "fail")


@pytest.mark.parametrize(
    ("changes", "verdict", "found"),
    [({}, "warn", "held by the instance on elsewhere"), ({"is_released": True}, "ok", "free, given back")],
)
async def test_whose_the_lease_is_is_told(
    healthy: dict[str, str], bucket: BucketSandbox, changes: dict[str, bool], verdict: str, found: str
) -> None:
    prefix = f"tzurot/{uuid.uuid4().hex}"
    settings = load_settings({name.lower(): value for name, value in bucket.environment(prefix).items()})
    now = datetime.now(UTC)
    lease = Lease(owner="o", nonce="n", host="elsewhere", acquired_at=now, renewed_at=now, **changes)
    assert await Bucket(settings).write_lease(lease, None)
    code, checks = await examine(healthy | {"REPLICA_PREFIX": prefix})
    assert code == 0
    assert checks["lease"]["verdict"] == verdict
    assert found in checks["lease"]["found"]


async def test_an_intent_that_is_not_granted_gets_the_page_to_open(healthy: dict[str, str]) -> None:
    async with DiscordSandbox(DiscordOptions(granted_intents=0)) as discord:
        code, checks = await examine(healthy | discord.environment())
    assert code == 1
    assert str(discord.application_id) in checks["discord intents"]["remedy"]


async def test_what_never_answers_is_given_up_and_the_rest_is_told(
    healthy: dict[str, str], bucket: BucketSandbox, discord: DiscordSandbox
) -> None:
    await discord.go_silent()
    async with FaultProxy(bucket.port) as proxy:
        await proxy.set(Mode.BLACK_HOLE)
        code, checks = await examine(healthy | {"REPLICA_ENDPOINT": proxy.endpoint, "CHECK_TIMEOUT_SECONDS": "0.7"})
    assert code == 1
    assert {checks[name]["verdict"] for name in ("bucket", "discord token", "discord intents")} == {"fail"}
    assert "REPLICA_ENDPOINT" in checks["bucket"]["remedy"]
    assert checks["database"]["verdict"] == "ok"


async def test_answers_that_make_no_sense_are_failures_and_no_crash(
    healthy: dict[str, str], bucket: BucketSandbox
) -> None:
    async with FaultProxy(bucket.port) as proxy:
        await proxy.set(Mode.GARBAGE)
        wrong = {"REPLICA_ENDPOINT": proxy.endpoint, "DISCORD_API_BASE": proxy.endpoint}
        code, checks = await examine(healthy | wrong)
    assert code == 1
    assert checks["bucket"]["verdict"] == checks["discord token"]["verdict"] == "fail"


def replace(path: Path, content: bytes | None) -> None:
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("content", "verdict"), [(None, "warn"), (b"", "fail"), (b"damaged " * 1000, "fail")], ids=["none", "empty", "bad"]
)
async def test_the_database_file_is_judged(
    healthy: dict[str, str], database: Path, content: bytes | None, verdict: str
) -> None:
    replace(database, content)
    _, checks = await examine(healthy)
    assert checks["database"]["verdict"] == verdict
    assert checks["database"]["remedy"]


async def test_a_log_without_its_database_is_no_fresh_start(healthy: dict[str, str], database: Path) -> None:
    replace(database, None)
    replace(database.with_name("tzurot.db-wal"), b"what is left of it")
    _, checks = await examine(healthy)
    assert checks["database"]["verdict"] == "fail"
    assert "tzurot.db-wal" in checks["database"]["found"]


async def test_no_bucket_is_a_warning_that_does_not_fail(healthy: dict[str, str]) -> None:
    code, checks = await examine({name: value for name, value in healthy.items() if not name.startswith("REPLICA")})
    assert code == 0
    assert "NO COPY" in checks["bucket"]["found"]


async def test_a_misspelt_setting_is_found(healthy: dict[str, str], database: Path) -> None:
    database.with_name(".env").write_text("BOT_OWNR_ID=900000000000000001\n")
    code, checks = await examine(healthy | {"SERVICE_TIMEOUT_SECOND": "5"})
    assert code == 0
    assert "BOT_OWNR_ID (for BOT_OWNER_ID?)" in checks["settings"]["found"]
    assert "SERVICE_TIMEOUT_SECOND (for SERVICE_TIMEOUT_SECONDS?)" in checks["settings"]["found"]


async def test_a_taken_port_fails_unless_the_bot_itself_has_it(healthy: dict[str, str], database: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        environment = healthy | {"PORT": str(taken.getsockname()[1])}
        _, checks = await examine(environment)
        assert checks["port"]["verdict"] == "fail"
        with VolumeLock.take(database.parent, 1):
            _, checks = await examine(environment)
    assert checks["port"]["verdict"] == "ok"
    assert "in use by process" in checks["volume"]["found"]


async def test_wrong_settings_end_with_2(healthy: dict[str, str]) -> None:
    code, out, err = await doctor(healthy | {"PORT": "http"}, "--json")
    assert code == 2
    assert "PORT" in orjson.loads(out)["error"]
    assert "PORT" in err
