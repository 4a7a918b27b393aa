"""A data folder that a test writes and imports, and the database that it becomes."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from bot.model import Secret
from bot.settings import Settings
from bot.store.cipher import Cipher
from bot.store.engine import connect, opened
from bot.store.legacy.importer import ImportOptions, import_folder
from bot.store.legacy.report import ImportReport
from bot.store.migrate import create_database

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
OWNER = 100000000000000001
KEY = SecretStr(base64.b64encode(b"k" * 32).decode())


@dataclass
class Legacy:
    """The folder and the database of one test."""

    path: Path
    database: Path
    settings: Settings

    @classmethod
    def within(cls, place: Path) -> "Legacy":
        """An empty folder, and where the database of it is going to lie."""
        path, database = place / "old", place / "new" / "tzurot.db"
        path.mkdir(parents=True)
        settings = Settings(_env_file=None, database_path=database, encryption_keys=(KEY,), bot_owner_id=OWNER)
        return cls(path, database, settings)

    def write(self, name: str, content: Any) -> None:
        self.write_bytes(name, json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8", "surrogatepass"))

    def write_bytes(self, name: str, content: bytes) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_bytes(content)

    def bring_in(self, folder: Path | None = None, **options: Any) -> ImportReport:
        """Import, and check what must hold for every import."""
        if not self.database.exists():
            create_database(self.database)
        made = ImportOptions(self.settings, **{"clock": lambda: NOW, **options})
        report = asyncio.run(import_folder(folder or self.path, self.database, made))
        for name, count in report.tables.items():
            assert count.read == count.imported + count.unchanged + count.rejected, name
        assert report.count("rejected") == len(report.rejects)
        assert all(reject.reason for reject in report.rejects)
        with opened(connect(self.database, "ro", 1)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        return report

    async def cancel_at(self, stage: str, folder: Path | None = None) -> None:
        """Import, and cancel it while its thread is at that stage."""
        reached, going = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()

        def progress(name: str, _done: int) -> None:
            if name == stage:
                loop.call_soon_threadsafe(reached.set)
                going.wait(10)

        options = ImportOptions(self.settings, progress=progress, clock=lambda: NOW)
        task = asyncio.create_task(import_folder(folder or self.path, self.database, options))
        await asyncio.wait_for(reached.wait(), 10)
        task.cancel()
        await asyncio.sleep(0)
        going.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    def rows(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        with opened(connect(self.database, "ro", 1)) as connection:
            return [dict(row) for row in connection.execute(sql, parameters)]

    def row(self, sql: str, *parameters: Any) -> dict[str, Any]:
        (row,) = self.rows(sql, *parameters)
        return {
            key: json.loads(value) if key in {"extra", "metadata"} and value else value for key, value in row.items()
        }

    def execute(self, sql: str) -> None:
        with opened(connect(self.database, "rw", 1)) as connection:
            connection.execute(sql)

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        """Every table but the one in which each import leaves a record of itself."""
        tables = self.rows("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'imports' ORDER BY name")
        found = {table["name"]: self.rows(f"SELECT * FROM {table['name']} ORDER BY 1, 2") for table in tables}  # noqa: S608
        return found | {"sqlite_sequence": [row for row in found["sqlite_sequence"] if row["name"] != "imports"]}

    def token_of(self, user_id: int) -> Secret:
        (row,) = self.rows("SELECT token FROM auth_tokens WHERE user_id = ?", user_id)
        return Cipher([KEY]).decrypt(row["token"], "auth_tokens", "token", user_id)


@pytest.fixture
def make_legacy(tmp_path: Path) -> Callable[[str], Legacy]:
    return lambda name: Legacy.within(tmp_path / name)


@pytest.fixture
def legacy(make_legacy: Callable[[str], Legacy]) -> Legacy:
    return make_legacy("one")


@pytest.fixture
def flat(make_legacy: Callable[[str], Legacy]) -> Legacy:
    """A small folder of gen1 with one record or two of every kind."""
    legacy = make_legacy("flat")
    write_flat(legacy)
    return legacy


@pytest.fixture
def nested(make_legacy: Callable[[str], Legacy]) -> Legacy:
    """A small folder of gen2b with one record or two of every kind."""
    legacy = make_legacy("nested")
    write_nested(legacy)
    return legacy


def write_flat(legacy: Legacy) -> None:
    legacy.write(
        "personalities.json",
        {
            "rook": {
                "fullName": "rook",
                "addedBy": str(OWNER),
                "addedAt": "2025-05-20T09:00:01.331Z",
                "avatarUrl": "http://127.0.0.1/rook.png",
                "displayName": "Rook",
                "errorMessage": "*caws*",
                "lastUpdated": "2025-05-21T09:00:01.331Z",
                "avatarChanged": True,
                "activatedChannels": ["300000000000000001"],
            },
            "wren-small": {
                "fullName": "wren-small",
                "addedBy": "200000000000000002",
                "addedAt": "2025-05-22T09:00:01.331Z",
                "avatarUrl": None,
                "displayName": "Wrén",
            },
        },
    )
    legacy.write("aliases.json", {"wrén 🐦 | small": "wren-small", "rook": "rook", "a" * 140: "rook"})
    legacy.write(
        "auth_tokens.json",
        {
            "200000000000000001": {"token": "tok-one", "createdAt": 1772000000000, "expiresAt": 1774592000000},
            "200000000000000002": {"token": "tok-two", "createdAt": 1748000000000, "expiresAt": 1750592000000},
            "200000000000000003": {"token": "tok-three", "createdAt": 1772000000000},
        },
    )
    legacy.write(
        "nsfw_verified.json",
        {
            "200000000000000001": {"verified": True, "timestamp": 1749321054051, "verifiedAt": 1749321054051},
            "200000000000000009": {"verified": False, "timestamp": 1749321156154, "verifiedAt": None},
        },
    )
    legacy.write(
        "conversations.json",
        {
            "200000000000000001-300000000000000001": {
                "personalityName": "rook",
                "messageIds": ["1379000001522532352", "1379000001522532353"],
                "timestamp": 1749321939080,
                "isDM": False,
                "isMentionOnly": True,
            },
            "200000000000000002-300000000000000001": {
                "personalityName": "wren-small",
                "lastMessageId": "1379000001522532352",
                "timestamp": 1749321939081,
                "isDM": True,
                "isMentionOnly": False,
            },
        },
    )
    legacy.write(
        "message_map.json",
        {
            "1379000001522532352": {
                "userId": "200000000000000001",
                "channelId": "300000000000000001",
                "personalityName": "rook",
                "timestamp": 1749321806895,
                "isDM": False,
                "isMentionOnly": True,
            }
        },
    )
    legacy.write(
        "channel_activations.json",
        {
            "300000000000000001": {
                "personalityName": "rook",
                "activatedBy": "200000000000000001",
                "timestamp": 1749321740820,
            }
        },
    )
    legacy.write("auto_response.json", ["200000000000000001", "200000000000000002"])


def write_nested(legacy: Legacy) -> None:
    profile = {
        "mode": "external",
        "name": "rook",
        "displayName": "Rook",
        "avatarUrl": "http://127.0.0.1/rook.png",
        "errorMessage": None,
        "prompt": None,
        "modelPath": None,
        "maxWordCount": None,
    }
    rook = {
        "id": "rook",
        "ownerId": str(OWNER),
        "profile": profile,
        "model": {"name": "default", "capabilities": {"temperature": 0.7}},
        "configuration": {"name": "rook", "disableContextMetadata": True},
        "aliases": [{"value": "rook"}, {"value": "the bird", "originalCase": "The Bird"}],
        "createdAt": "2025-05-20T09:00:01.331Z",
        "updatedAt": "2025-06-20T09:00:01.331Z",
        "removed": False,
    }
    owl = rook | {
        "id": "owl",
        "profile": profile
        | {"name": "owl", "displayName": "Owl", "prompt": "You are an owl.", "modelPath": "/default"},
        "aliases": [],
        "removed": True,
    }
    legacy.write(
        "personalities.json",
        {
            "personalities": {"rook": rook, "owl": owl},
            "aliases": {"rook": "rook", "the bird": "rook"},
            "version": "2.0.0",
            "lastUpdated": "2025-08-10T18:52:42.770Z",
        },
    )
    legacy.write(
        "auth.json",
        {
            "200000000000000001": {
                "userId": "200000000000000001",
                "token": {"value": "tok-one", "expiresAt": None},
                "nsfwStatus": {"verified": True, "verifiedAt": "2025-08-10T18:34:24.134Z"},
                "savedAt": "2025-08-10T18:35:24.134Z",
            },
            "200000000000000002": {
                "userId": "200000000000000002",
                "token": None,
                "nsfwStatus": {"verified": False, "verifiedAt": None},
                "savedAt": "2025-08-10T18:36:24.134Z",
            },
        },
    )
    legacy.write(
        "blacklist.json",
        {
            "200000000000000052": {
                "userId": "200000000000000052",
                "reason": 'spamming "quotes" & ünïcode',
                "blacklistedBy": str(OWNER),
                "blacklistedAt": "2025-08-10T19:08:43.251Z",
            }
        },
    )
    legacy.write(
        "releaseNotificationPreferences.json",
        {
            "200000000000000034": {
                "optedOut": True,
                "notificationLevel": "patch",
                "lastNotified": None,
                "createdAt": "2025-08-10T19:14:02.424Z",
                "updatedAt": "2025-08-10T19:14:13.429Z",
                "via": "dm",
            }
        },
    )
    legacy.write("lastNotifiedVersion.json", {"version": "2.2.10", "notifiedAt": "2025-08-10T19:38:03.577Z"})
