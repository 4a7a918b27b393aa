"""The standing in words, for whoever runs the bot: what is so, whether that is well, and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.rules.duration import describe_duration
from bot.rules.operation.standing import Mismatched, Standing
from bot.rules.wording import counted

SHOWN = 3
MEANINGS = {
    "database": "the database alone",
    "dual": "the database, and the JSON files follow it",
    "shadow": "the database, the JSON files follow it, and what is read is compared with them",
    "json": "the JSON files, and no database is kept",
}


class Level(StrEnum):
    """Nothing to say about it, well, worth a look, or something to do."""

    PLAIN = "plain"
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is known, under its name."""

    name: str
    level: Level
    text: str


def describe(standing: Standing, now: datetime) -> Iterator[Line]:
    """Each thing worth a line, in the order in which an operator asks."""
    yield Line("Storage", *_describe_mode(standing))
    if standing.refusal:
        yield Line("Next start", Level.FAIL, f"IT WOULD REFUSE. {standing.refusal}")
    if standing.mode != "database":
        yield Line("JSON files", *_describe_files(standing, now))
    elif standing.folder or standing.kept:
        yield Line("JSON files", *_describe_kept(standing))
    if standing.mode == "shadow" or standing.mismatches:
        yield Line("Compared", *_describe_comparison(standing, now))
    if standing.imported:
        yield Line("Last import", *_describe_import(standing))


def _describe_mode(standing: Standing) -> tuple[Level, str]:
    told = f"{standing.mode}: {MEANINGS[standing.mode]}"
    if standing.served in {None, standing.mode}:
        return Level.PLAIN, told
    if standing.served == "json":
        return Level.FAIL, (
            f"{told}. BUT THE JSON FILES SERVED LAST, so this database is older: `tzurot import {standing.path}`"
            " brings it up to date"
        )
    return Level.WARN, f"{told}. But {standing.served} served last, and the next start changes that"


def _describe_files(standing: Standing, now: datetime) -> tuple[Level, str]:
    folder, where = standing.folder, f"in {standing.path}"
    if standing.folder_problem:
        return Level.FAIL, standing.folder_problem
    if folder is None:
        return _describe_unwritten(standing, where)
    age = describe_duration((now - folder.written_at).total_seconds())
    told = f"{folder.format} {where}, up to change {folder.counter:,}, written {age} ago"
    return _describe_following(standing, told) if standing.follows else (Level.OK, told)


def _describe_unwritten(standing: Standing, where: str) -> tuple[Level, str]:
    if standing.mode == "json":
        then = "" if standing.refusal else "; the next start goes on with them"
        return Level.PLAIN, f"those {where} are as the original left them{then}"
    return Level.WARN, f"none {where} were written here yet; a start in this mode writes them"


def _describe_following(standing: Standing, told: str) -> tuple[Level, str]:
    if standing.is_foreign:
        return Level.FAIL, f"those in {standing.path} belong to another database. Set JSON_DIR to this one's"
    if standing.error:
        return Level.FAIL, _describe_failure(standing)
    if standing.changed:
        return Level.FAIL, f"{_describe_changed(standing)}. `tzurot verify {standing.path}` lists what differs"
    if standing.behind:
        behind = f"at least {counted(standing.behind, 'change')} behind"
        return Level.WARN, f"{behind}: {told}. A running bot is about to write them"
    return Level.OK, f"in step: {told}"


def _describe_changed(standing: Standing) -> str:
    more = len(standing.changed) - SHOWN
    names = ", ".join(standing.changed[:SHOWN]) + (f" and {counted(more, 'other file')}" if more > 0 else "")
    return f"ANOTHER PROGRAM HAS CHANGED {names} in {standing.path}"


def _describe_failure(standing: Standing) -> str:
    since = f" since {standing.failed_at:%Y-%m-%d %H:%M:%S} UTC" if standing.failed_at else ""
    return (
        f"BEHIND{since} by at least {counted(standing.behind, 'change')}: {standing.error} Nothing is lost, the"
        " database has everything; a running bot tries again every few seconds"
    )


def _describe_comparison(standing: Standing, now: datetime) -> tuple[Level, str]:
    if standing.mismatches:
        found = "; ".join(map(_describe_mismatch, standing.mismatches[:SHOWN]))
        more = len(standing.mismatches) - SHOWN
        others = f"; and {counted(more, 'other table')}" if more > 0 else ""
        return Level.FAIL, (
            f"THE FILES ANSWER DIFFERENTLY: {found}{others}. Do not switch to json;"
            f" `tzurot verify {standing.path}` lists every record that differs"
        )
    if standing.compared_at is None:
        return (
            Level.WARN,
            "nothing yet: a running bot does it every SHADOW_INTERVAL_SECONDS, as soon as it has read something",
        )
    age = describe_duration((now - standing.compared_at).total_seconds())
    return Level.OK, f"{counted(standing.compared, 'read')}, the last {age} ago; the files answered all of them alike"


def _describe_mismatch(one: Mismatched) -> str:
    return (
        f"{one.table} in {counted(one.reads, 'read')}, first {one.first_key!r} at {one.first_at:%Y-%m-%d %H:%M:%S} UTC"
    )


def _describe_kept(standing: Standing) -> tuple[Level, str]:
    kept, where = standing.kept, f"kept in {standing.path} as they were before the switch"
    if kept is None:
        return Level.PLAIN, where
    if kept.days_left:
        return Level.PLAIN, f"{where}, {counted(kept.days_left, 'day')} more; nothing deletes them by itself"
    if not kept.has_drill:
        return Level.WARN, f"{where}; their time is over, but no restore on trial of the bot's own has succeeded since"
    return Level.PLAIN, f"{where}; their time is over: `tzurot retire` moves them away"


def _describe_import(standing: Standing) -> tuple[Level, str]:
    found = standing.imported
    if found is None:
        return Level.PLAIN, "none"
    rejected = f", {found.rejected:,} of them rejected" if found.rejected else ""
    told = f"{found.at:%Y-%m-%d %H:%M:%S} UTC from {found.folder}, {counted(found.records, 'record')}{rejected}"
    if found.differences:
        return Level.FAIL, (
            f"{told}; {counted(found.differences, 'record')} DIFFERED afterwards."
            f" `tzurot verify {found.folder}` lists them"
        )
    return Level.OK, f"{told}, and afterwards both sides held the same"
