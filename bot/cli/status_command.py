"""`tzurot status`: what is stored and how safe it is, read without disturbing a running bot."""

from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.text import Text

from bot.cli import storage_section
from bot.cli.options import common_options, ending_cleanly, print_json, read_settings
from bot.cli.printing import print_pairs, print_table, size
from bot.cli.readable_database import readable_database
from bot.durability.lineage import read_marker
from bot.durability.presence import Holder, find_holder
from bot.rules.duration import describe_duration
from bot.rules.operation.drill import Latest, Outcome
from bot.rules.operation.receipt import Receipt
from bot.rules.operation.receipt_text import describe
from bot.rules.operation.standing import Standing
from bot.settings import Settings
from bot.store import drills, lives
from bot.store.census import Census, count_tables
from bot.store.columns import to_text, to_text_or_none
from bot.store.console import Console
from bot.store.engine import engine_version, require_engine
from bot.store.files.standing import find_standing
from bot.store.migrate import applied_migrations, known_migrations

CANARY = "SELECT confirmed_txid, confirmed_at, lag_ms FROM canary"
NO_COPY = "NO COPY: no bucket is configured, so this file is all there is. Set REPLICA_BUCKET and what belongs to it."
NO_COPY_OF_FILES = "NO COPY: JSON files are not copied to a bucket, so they are all there is. Copy them elsewhere too."


@dataclass(frozen=True, slots=True)
class Schema:
    """The last applied migration, the ones still to come, and those only a newer program knows."""

    current: str | None
    pending: list[str]
    unknown: list[str]


@dataclass(frozen=True, slots=True)
class Copy:
    """What the volume knows of its copy; `state` is none, unconfirmed, current, late or stopped (no bot runs)."""

    is_configured: bool
    state: str
    bucket: str | None = None
    endpoint: str | None = None
    prefix: str | None = None
    epoch: int | None = None
    is_pending: bool | None = None
    confirmed_txid: int | None = None
    confirmed_at: str | None = None
    age_seconds: float | None = None
    lag_ms: float | None = None
    is_read_only: bool = False


@dataclass(frozen=True, slots=True)
class Status:
    """Everything that the command shows; `path` is None for a database that was made of JSON files just for it."""

    path: Path | None
    file_bytes: int
    wal_bytes: int
    schema: Schema
    census: Census
    holder: Holder | None
    copy: Copy
    receipt: Receipt | None
    drill: Latest | None
    standing: Standing


@click.command("status")
@common_options
def command(database: Path | None, *, as_json: bool) -> None:
    """What is stored, and how safe it is; reads only, and may run beside the bot.

    Says too which storage mode runs, whether the JSON files are in step, and whether they would answer alike.
    """
    require_engine()
    status = gather(read_settings(database), database)
    if as_json:
        print_json(as_object(status))
    else:
        _show(status)


def gather(settings: Settings, named: Path | None = None) -> Status:
    """Look at the database, the JSON folder, the lock and the marker, in that order."""
    with ending_cleanly(), readable_database(settings, named) as path:
        status = _gather(settings, path)
    if not path.exists():
        status = replace(status, path=None)
    if named is not None or status.holder is not None:
        return status
    return replace(status, standing=storage_section.with_refusal(status.standing, settings))


def _gather(settings: Settings, path: Path) -> Status:
    with Console(path, settings.read_timeout_seconds) as console:
        census = count_tables(console, settings.read_timeout_seconds)
        canary = console.ask(CANARY).rows if "canary" in census.rows else []
        drill = console.first(drills.latest()) if "drills" in census.rows else None
        receipt = console.first(lives.newest()) if "lives" in census.rows else None
        stored = storage_section.read_stored(console, census)
    standing = find_standing(settings, stored)
    holder = find_holder(settings.state_folder)
    return Status(
        path=path,
        file_bytes=path.stat().st_size,
        wal_bytes=_size(Path(f"{path}-wal")),
        schema=_schema(path),
        census=census,
        holder=holder,
        copy=_copy(settings, canary[0] if canary else (None, None, None), is_running=holder is not None),
        receipt=receipt,
        drill=drill,
        standing=standing,
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _schema(path: Path) -> Schema:
    applied, known = applied_migrations(path), known_migrations()
    return Schema(
        current=applied[-1] if applied else None,
        pending=[name for name in known if name not in applied],
        unknown=[name for name in applied if name not in known],
    )


def _copy(settings: Settings, canary: tuple[Any, ...], *, is_running: bool) -> Copy:
    if not settings.is_replicated:
        return Copy(is_configured=False, state="none")
    txid, confirmed_at, lag_ms = canary
    age = _age(confirmed_at)
    marker = read_marker(settings.database_path)
    state = _state(settings, age, is_running=is_running)
    return Copy(
        is_configured=True,
        state=state,
        is_read_only=state == "late" and settings.outage_mode == "read-only",
        bucket=settings.replica_bucket,
        endpoint=settings.replica_endpoint,
        prefix=marker.prefix if marker else settings.replica_prefix,
        epoch=marker.epoch if marker else None,
        is_pending=marker.is_pending if marker else None,
        confirmed_txid=txid,
        confirmed_at=confirmed_at,
        age_seconds=age,
        lag_ms=lag_ms,
    )


def _age(confirmed_at: str | None) -> float | None:
    if confirmed_at is None:
        return None
    return round(max(0.0, (datetime.now(UTC) - datetime.fromisoformat(confirmed_at)).total_seconds()), 1)


def _state(settings: Settings, age: float | None, *, is_running: bool) -> str:
    if age is None:
        return "unconfirmed"
    if not is_running:
        return "stopped"
    # The file learns of a confirmation with the next canary, one interval later.
    return "current" if age <= settings.outage_limit_seconds + settings.canary_interval_seconds else "late"


def as_object(status: Status) -> dict[str, Any]:
    """The status as it stands in JSON; these names are a contract."""
    holder = status.holder
    return {
        "database": {
            "path": str(status.path.absolute()) if status.path else None,
            "bytes": status.file_bytes,
            "wal_bytes": status.wal_bytes,
        },
        "schema": asdict(status.schema),
        "engine": {"sqlite": engine_version()},
        "tables": status.census.rows,
        "tables_counted_in_part": sorted(status.census.partial),
        "process": {
            "is_running": holder is not None,
            "pid": holder.pid if holder else None,
            "host": holder.host if holder else None,
            "since": to_text(holder.since) if holder and holder.since else None,
        },
        "storage": storage_section.as_object(status.standing),
        "replication": asdict(status.copy),
        "receipt": receipt_as_object(status.receipt) if status.receipt else None,
        "drill": _drill_as_object(status.drill) if status.drill else None,
    }


def receipt_as_object(receipt: Receipt) -> dict[str, Any]:
    """What the last start found; `lost` is null where it can't be known, `recovered` until that is over."""
    recovered, lost = receipt.recovered, receipt.lost
    return {
        "started_at": to_text(receipt.started_at),
        "start": receipt.start,
        "ended_how": receipt.ended_how,
        "last_seen_at": to_text_or_none(receipt.last_seen_at),
        "back_at": to_text_or_none(receipt.back_at),
        "down_seconds": receipt.down.total_seconds() if receipt.down is not None else None,
        "rows_before": receipt.rows_before,
        "rows_after": receipt.rows_after,
        "lost": lost,
        "lost_rows": sum(lost.values()) if lost is not None else None,
        "recovered": asdict(recovered) | {"missed": recovered.missed} if recovered else None,
        "text": describe(receipt),
    }


def _drill_as_object(drill: Latest) -> dict[str, Any]:
    return {
        "outcome": drill.outcome,
        "reason": drill.reason or None,
        "finished_at": to_text(drill.finished_at),
        "verified_at": to_text_or_none(drill.verified_at),
        "verified_age_seconds": _age(to_text_or_none(drill.verified_at)),
    }


def _show(status: Status) -> None:
    wal = f" + {size(status.wal_bytes)} in the write-ahead log" if status.wal_bytes else ""
    print_pairs(
        {
            "Database": f"{status.path or 'made of the JSON files'}, {size(status.file_bytes)}{wal}",
            "Schema": _describe_schema(status.schema),
            "Engine": f"SQLite {engine_version()}",
            "In use": f"by {status.holder}" if status.holder else "by nobody: the bot is not running",
            **storage_section.as_pairs(status.standing, datetime.now(UTC)),
            "Copy": _describe_copy(status.copy, NO_COPY_OF_FILES if status.standing.mode == "json" else NO_COPY),
            **({"Last drill": _describe_drill(status.drill)} if status.copy.is_configured else {}),
            "Last start": _describe_receipt(status.receipt),
        }
    )
    click.echo()
    rows = [
        (name, f"{'≥ ' if name in status.census.partial else ''}{count:,}")
        for name, count in status.census.rows.items()
    ]
    print_table(["table", "rows"], rows, right=frozenset({1}))


def _describe_drill(drill: Latest | None) -> Text:
    if drill is None:
        return Text("none yet: the copy was never restored on trial", "yellow")
    age = _age(to_text_or_none(drill.verified_at))
    verified = "never verified" if age is None else f"verified {describe_duration(age)} ago"
    if drill.outcome is Outcome.VERIFIED:
        return Text(verified, "green")
    style = "bold red" if drill.outcome is Outcome.FAILED else "yellow"
    return Text(f"{drill.outcome.upper()} at {to_text(drill.finished_at)}: {drill.reason} Last {verified}.", style)


def _describe_receipt(receipt: Receipt | None) -> Text:
    if receipt is None:
        return Text("not noted yet")
    when = f"{to_text(receipt.started_at)}: "
    return Text(when + describe(receipt), "bold red" if receipt.lost else "" if receipt.lost is not None else "yellow")


def _describe_schema(schema: Schema) -> Text:
    if schema.unknown:
        return Text(f"from a newer version of the program, which added {', '.join(schema.unknown)}", "bold red")
    if schema.pending:
        return Text(f"{schema.current or 'none'}; pending at the next start: {', '.join(schema.pending)}", "yellow")
    return Text(f"{schema.current}, nothing pending")


def _describe_copy(copy: Copy, none: str) -> Text:
    if not copy.is_configured:
        return Text(none, "bold red")
    place = f"{copy.bucket}/{copy.prefix}"
    if copy.confirmed_at is None:
        return Text(f"NOT CONFIRMED: no write has yet been confirmed in {place}.", "bold red")
    age = describe_duration(copy.age_seconds or 0)
    lag = f", {copy.lag_ms:.0f} ms after its commit" if copy.lag_ms is not None else ""
    told = f"transaction {copy.confirmed_txid} of {copy.confirmed_at} ({age} ago) is in {place}{lag}"
    if copy.is_pending:
        return Text(f"NOT YET THE ONE TO RESTORE FROM: the new copy is being made; {told}", "bold red")
    if copy.state == "late":
        policy = "; until that works again the bot accepts nothing to save" if copy.is_read_only else ""
        return Text(f"LATE: the last confirmed is {told}{policy}", "bold red")
    return Text(told, "" if copy.state == "stopped" else "green")
