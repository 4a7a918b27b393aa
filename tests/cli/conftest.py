import base64
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from bot.cli.main import main
from bot.sandbox.bucket import BucketSandbox
from bot.sandbox.sample import write_sample_folder
from bot.settings import Settings
from bot.store.engine import connect, opened
from bot.store.migrate import create_database

KEEP = ("PATH", "HOME", "TMPDIR", "LANG")
FIRST_MESSAGE = 1_300_000_000_000_000_000
ADD_MESSAGE = """
INSERT INTO message_mappings (message_id, user_id, channel_id, personality_id)
SELECT coalesce(max(message_id), :first) + 1, 900000000000000001, 800000000000000001, 1 FROM message_mappings
"""


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """The only place where a sandbox may put files; at the end nothing is there, and nobody who knew of it lives."""
    # A short path: sockets lie in it, and theirs have at most 107 characters.
    folder = Path("/tmp") / f"d{os.getpid()}"  # noqa: S108
    folder.mkdir()
    yield folder
    left = list(folder.iterdir())
    folder.rmdir()
    assert left == []
    assert _processes_that_know(folder) == []


def _processes_that_know(folder: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            known = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if str(folder).encode() in known:
            found.append(int(entry.name))
    return found


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.out)


Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tzurot(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command line in this process, from arguments to exit code; fast."""

    def run(*arguments: object, **environment: str) -> Ended:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["tzurot", *map(str, arguments)])
            for name, value in environment.items():
                patch.setenv(name, value)
            capfd.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        captured = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, captured.out, captured.err)

    return run


@pytest.fixture
def spawn(tmp_path: Path) -> Run:
    """The command line as a real process."""

    def run(*arguments: object, stdin: str = "", **environment: str) -> Ended:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *map(str, arguments)],
            env=process_environment() | environment,
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    return run


def process_environment() -> dict[str, str]:
    return {name: os.environ[name] for name in KEEP if name in os.environ}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database with one personality, its alias, a login and five messages, the way the bot leaves it."""
    path = tmp_path / "volume" / "tzurot.db"
    create_database(path)
    fill(path)
    return path


def fill(path: Path, messages: int = 5) -> None:
    with opened(connect(path, "rw", 5)) as connection:
        connection.execute(
            "INSERT INTO personalities (full_name, name_lower, display_name, added_by, added_at)"
            " VALUES ('ada-lovelace', 'ada-lovelace', 'Ada', 900000000000000001, '2026-01-01T00:00:00.000Z')"
        )
        connection.execute(
            "INSERT INTO personality_aliases (alias, personality_name, added_by, created_at)"
            " VALUES ('ада [b]', 'ada-lovelace', 900000000000000001, '2026-01-01T00:00:00.000Z')"
        )
        connection.execute(
            "INSERT INTO auth_tokens (user_id, token, created_at)"
            " VALUES (900000000000000001, 'v1.0badf00d.aW52ZW50ZWQ=', '2026-01-01T00:00:00.000Z')"
        )
        connection.execute(
            "INSERT INTO avatars (personality_id, sha256, content_type, content) VALUES (1, 'ab', 'image/png', x'00ff')"
        )
    add_messages(path, messages)


def add_messages(path: Path, count: int) -> None:
    with opened(connect(path, "rw", 5)) as connection:
        for _ in range(count):
            connection.execute(ADD_MESSAGE, {"first": FIRST_MESSAGE})


def files_under(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bucket(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BucketSandbox]:
    """A real S3 server for the tests of one module."""
    async with BucketSandbox(tmp_path_factory.mktemp("bucket")) as sandbox:
        yield sandbox


@pytest.fixture
def may_begin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings with which an import makes a database."""
    monkeypatch.setenv("ENCRYPTION_KEYS", base64.b64encode(b"c" * 32).decode())
    monkeypatch.setenv("ALLOW_INIT", "local")


@pytest.fixture
def imported(tzurot: Run, may_begin: None, tmp_path: Path) -> Path:
    """The database that an import of the sample folder `old` has made."""
    write_sample_folder(tmp_path / "old")
    path = tmp_path / "volume" / "tzurot.db"
    assert tzurot("import", tmp_path / "old", "--database", path).code == 0
    return path
