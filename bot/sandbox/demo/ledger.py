"""What is stored, row by row: written down before the disaster and compared after it."""

from collections.abc import Mapping

from bot.sandbox.demo.process import BotProcess

ROWS = {
    "personalities": "full_name || ' ' || added_by || ' ' || is_active",
    "personality_aliases": "alias || ' ' || personality_name",
    "auth_tokens": "user_id || ' ' || personality_name || ' ' || token",
    "nsfw_verifications": "user_id || ' ' || is_verified",
    "conversations": "channel_id || ' ' || user_id || ' ' || personality_name",
    "channel_activations": "channel_id || ' ' || personality_name || ' ' || activated_by",
    "message_mappings": "message_id || ' ' || personality_id",
    "turns": "message_id || ' ' || state",
    "turn_chunks": "turn_id || ' ' || position || ' ' || message_id",
    "changes": "id || ' ' || kind || ' ' || subject",
    "auto_responses": "user_id || ''",
    "blacklist": "user_id || ' ' || guild_id",
    "webhooks": "channel_id || ' ' || webhook_id || ' ' || token",
}
"""What must be the same afterwards, per table: its key and what people would miss."""

Ledger = Mapping[str, frozenset[str]]


async def write_down(bot: BotProcess) -> Ledger:
    """Every row of every table, as one text a row."""
    parts = [
        f"SELECT '{table}' AS kept_in, {row} AS content FROM {table}"  # noqa: S608 - constants of this module
        for table, row in ROWS.items()
    ]
    rows: dict[str, set[str]] = {table: set() for table in ROWS}
    answer = await bot.ask("sql", " UNION ALL ".join(parts))
    for row in answer["rows"]:
        rows[row["kept_in"]].add(row["content"])
    return {table: frozenset(contents) for table, contents in rows.items()}


def lost(before: Ledger, after: Ledger) -> dict[str, int]:
    """How many rows of each table are gone or changed; tables that lost none are left out."""
    counts = {table: len(rows - after[table]) for table, rows in before.items()}
    return {table: count for table, count in counts.items() if count}


def size(ledger: Ledger) -> int:
    """How many rows there are in all."""
    return sum(len(rows) for rows in ledger.values())
