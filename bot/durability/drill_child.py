"""The drill as the bot starts it: a child process of low priority, whose hashing holds nobody's answer up."""

import asyncio
import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson

from bot.durability.child import Child, Program
from bot.durability.environment import bot_environment
from bot.durability.lineage import format_txid, parse_txid
from bot.errors import UnavailableError
from bot.rules.operation.drill import Drill, Outcome, Scope
from bot.settings import Settings
from bot.store.columns import to_text

DRILL_COMMAND = (sys.executable, "-m", "bot", "drill", "--gently", "--json")


async def drill_aside(settings: Settings, command: Sequence[str] = DRILL_COMMAND) -> Drill:
    """Hold a drill; UnavailableError when the process does not come to an end or says nothing that can be read."""
    database = ("--database", str(settings.database_path.absolute()))
    environment = bot_environment(settings, settings.litestream_socket)
    child = await Child.start(Program((*command, *database), environment), captures=True)
    try:
        async with asyncio.timeout(settings.drill_timeout_seconds):
            _, out, err = await child.output()
    except TimeoutError:
        raise UnavailableError(f"The drill took longer than {settings.drill_timeout_seconds:g} s.") from None
    finally:
        if child.is_running:  # its own end removes the copies that it made
            await child.stop(settings.bot_stop_timeout_seconds)
    try:
        return from_object(orjson.loads(out))
    except (ValueError, KeyError, TypeError):
        last = err.decode(errors="replace").strip().splitlines()[-1:]
        raise UnavailableError(f"The drill ended without a result. {''.join(last)}".rstrip()) from None


def to_object(drill: Drill) -> dict[str, Any]:
    """A drill as it stands in JSON; these names are a contract."""
    return {
        "outcome": drill.outcome,
        "scope": drill.scope,
        "reason": drill.reason or None,
        "started_at": to_text(drill.started_at),
        "finished_at": to_text(drill.finished_at),
        "prefix": drill.prefix,
        "txid": parse_txid(drill.txid) if drill.txid else None,
        "bytes": drill.byte_count,
        "rows": drill.row_count,
        "steps_ms": dict(drill.steps),
        "digests": dict(drill.digests),
    }


def from_object(value: dict[str, Any]) -> Drill:
    """The drill that `to_object` wrote."""
    return Drill(
        outcome=Outcome(value["outcome"]),
        scope=Scope(value["scope"]),
        reason=value["reason"] or "",
        started_at=datetime.fromisoformat(value["started_at"]),
        finished_at=datetime.fromisoformat(value["finished_at"]),
        prefix=value["prefix"],
        txid=format_txid(value["txid"]) if value["txid"] else None,
        byte_count=value["bytes"],
        row_count=value["rows"],
        steps=value["steps_ms"],
        digests=value["digests"],
    )
