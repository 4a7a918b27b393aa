"""Looks into the databases of a certificate's runs, and into the bucket, with the program's own means."""

import asyncio
from contextlib import closing
from datetime import datetime
from pathlib import Path

from bot.durability.bucket import Bucket
from bot.durability.restore import Source, restore_replica
from bot.model import snowflake_time
from bot.sandbox.certificate.examination import Contents, Environment
from bot.settings import Settings, load_settings
from bot.store.engine import connect
from bot.store.inspection import FileKind, inspect_file
from bot.store.translate import translated

LOCK_SECONDS = 2.0
DEEDS = """
    SELECT 'login ' || user_id FROM auth_tokens
    UNION ALL SELECT 'personality ' || full_name FROM personalities WHERE is_active = 1
    UNION ALL SELECT 'alias ' || alias || ' of ' || personality_name FROM personality_aliases
    UNION ALL SELECT 'activation ' || channel_id || ' of ' || personality_name FROM channel_activations
    UNION ALL SELECT 'verification ' || user_id FROM nsfw_verifications WHERE is_verified = 1
"""
"""Every durable write that is there, under the key by which the certificate looks for it."""

TURNS = """
    SELECT 'turn ' || message_id, created_at FROM turns
    UNION ALL SELECT 'turn ' || message_id || ' ' || state, updated_at FROM turns
"""
RECEIPT = "SELECT last_seen_at FROM lives WHERE start = 'restore' ORDER BY id DESC LIMIT 1"
SPOKEN = "SELECT message_id FROM message_mappings"


class StoreExaminer:
    """The certificate's `Examiner`."""

    async def newest_copy(self, environment: Environment) -> str | None:
        """The prefix of the epoch that `current.json` names."""
        version = await Bucket(_settings(environment)).read_current()
        return version.current.prefix if version else None

    async def restore(self, environment: Environment, copy: str, target: Path) -> None:
        """Fetch an epoch's copy and check it in full."""
        await restore_replica(_settings(environment), Source(copy), target)

    async def look_into(self, database: Path) -> Contents:
        """Check a database in full and read what the certificate asks for."""
        return await asyncio.to_thread(_look_into, database)


def _settings(environment: Environment) -> Settings:
    return load_settings({name.lower(): value for name, value in environment.items()}, env_file=None)


def _look_into(database: Path) -> Contents:
    report = inspect_file(database, full=True)
    if report.kind is not FileKind.OK:
        return Contents(report.problems or (f"The database is {report.kind}.",))
    with translated(), closing(connect(database, "ro", LOCK_SECONDS)) as connection:
        deeds = frozenset(row[0] for row in connection.execute(DEEDS))
        commits = {row[0]: datetime.fromisoformat(row[1]) for row in connection.execute(TURNS)}
        commits |= {f"spoken {row[0]}": snowflake_time(row[0]) for row in connection.execute(SPOKEN)}
        receipt = connection.execute(RECEIPT).fetchone()
    return Contents((), deeds, commits, datetime.fromisoformat(receipt[0]) if receipt and receipt[0] else None)
