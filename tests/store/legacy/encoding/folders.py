"""Databases written as folders of the original's, and folders read for comparison."""

import asyncio
import json
from pathlib import Path
from typing import Any

from bot.store.cipher import cipher_from
from bot.store.driver import open_store
from bot.store.engine import connect_reader, opened
from bot.store.files.plan import Format
from bot.store.legacy.encoding import plans
from bot.store.migrate import create_database
from bot.store.statement import Statement

ENCRYPTED = {"auth_tokens": ("token", "extra"), "nsfw_verifications": ("extra",)}
FOLLOWED = (
    *("personality_aliases", "auth_tokens", "nsfw_verifications", "channel_activations"),
    *("auto_responses", "blacklist", "notification_preferences", "notified_version"),
)


def encode(legacy: Any, target: Format, folder: Path) -> Path:
    """Write the test's database as a folder."""
    cipher = cipher_from(legacy.settings)
    with opened(connect_reader(legacy.database, 1)) as connection:
        for plan in plans(target):
            for name, pieces in plan.write(connection, cipher):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(b"".join(pieces))
    return folder


def write(legacy: Any, *statements: Statement) -> None:
    """Let the bot write into the test's database."""

    async def go() -> None:
        if not legacy.database.exists():
            create_database(legacy.database)
        store = await open_store(legacy.database, settings=legacy.settings)
        await store.write(*statements)
        await store.close()

    asyncio.run(go())


def contents(folder: Path) -> dict[str, Any]:
    """Every JSON file, parsed; every other one as its bytes."""
    return {
        str(path.relative_to(folder)): json.loads(path.read_bytes()) if path.suffix == ".json" else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(legacy: Any) -> dict[str, list[dict[str, Any]]]:
    """The database's imported tables, secrets in the open, personalities by name instead of by id."""
    found = {table: legacy.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in FOLLOWED}  # noqa: S608
    found["personalities"] = legacy.rows("SELECT * FROM personalities ORDER BY full_name")
    found["conversations"] = legacy.rows("SELECT * FROM conversations ORDER BY channel_id, user_id")
    for table, key in (("message_mappings", "message_id"), ("avatars", "full_name")):
        found[table] = legacy.rows(
            f"SELECT t.*, p.full_name FROM {table} AS t JOIN personalities AS p ON p.id = t.personality_id"  # noqa: S608
            f" ORDER BY {key}"
        )
    return {table: [_opened(legacy, table, row) for row in found[table]] for table in found}


def _opened(legacy: Any, table: str, row: dict[str, Any]) -> dict[str, Any]:
    cipher = cipher_from(legacy.settings)
    opened_row = {key: value for key, value in row.items() if key not in {"id", "personality_id"}}
    for key in ("extra", "metadata"):
        if opened_row.get(key):
            opened_row[key] = json.loads(opened_row[key])
    if "token" in row:
        opened_row["token"] = cipher.decrypt(row["token"], table, "token", row["user_id"]).reveal()
    if (opened_row.get("extra") or {}).get("sealed") and table in ENCRYPTED:
        sealed = cipher.decrypt(opened_row["extra"]["sealed"], table, "extra", row["user_id"])
        opened_row["extra"]["sealed"] = json.loads(sealed.reveal())
    return opened_row
