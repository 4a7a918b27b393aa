"""`tzurot undo`: take back what was changed, after showing what that does."""

import re
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from bot.cli.json_mode import refuse_in_json_mode
from bot.cli.moment import EXAMPLES, Moment
from bot.cli.options import common_options, print_json, read_settings, run_to_end, start_logging
from bot.cli.printing import print_table, show
from bot.durability.lock import VolumeLock
from bot.errors import ExitCode, NotFoundError
from bot.model import EVERYWHERE
from bot.rules.undo import Action, Kind, Preview, State, Step
from bot.services.policy import Policy
from bot.services.undo import OperatorUndo, Wanted
from bot.settings import Settings
from bot.store import storage
from bot.store.changes import ban_subject, login_subject
from bot.store.columns import to_text
from bot.store.driver import open_store
from bot.store.engine import require_engine

ID = re.compile(r"<?[@#]?!?(\d{1,19})>?")
LOGIN = re.compile(rf"{ID.pattern}(?: (\S.*))?")
BAN = re.compile(rf"{ID.pattern}(?: {ID.pattern})?")
ADD_YES = "Nothing was changed yet; add --yes to do it."
ONLY_THE_BOT = "only the running bot changes them."
INSTEAD = (
    "Whoever changed it can say `undo` to the bot. For all else keep the state in the database: stop the bot,"
    " `tzurot import` that folder, and start with STORAGE_MODE=dual."
)
NO_BOT = "The bot is not running, so this is copied to the bucket at its next start."


@click.command("undo")
@click.argument("kind", type=click.Choice([kind.value for kind in Kind]))
@click.argument("name")
@click.option("--at", type=Moment(), metavar="TIME", help=f"Back to its state at that time, UTC: {EXAMPLES}.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
def command(
    kind: str, name: str, at: datetime | None, *, yes: bool, database: Path | None, as_json: bool
) -> int | None:
    """Take back the last change of something, or with --at everything that was changed since.

    NAME is a personality's full name, an alias, a channel's id (activation) or a user's id (login, verification, ban).
    A ban from one server only is "USER SERVER", both ids; everybody's of that server "0 SERVER".
    What was changed together is taken back together: a removed personality comes back with its aliases and
    channels. Run again, it takes back the change before. Changes are kept for 30 days. Shows what it will do and
    asks first; may run beside the bot. In json mode only the bot
    can do it.
    """
    require_engine()
    settings = read_settings(database)
    start_logging("WARNING")
    refuse_in_json_mode(settings, ONLY_THE_BOT, INSTEAD)
    _require_database(settings.database_path)
    asked = Wanted(Kind(kind), _checked_name(Kind(kind), name), at)
    wanted, preview = run_to_end(_look(settings, asked))
    if not as_json:
        _show(wanted, preview)
    if not yes and (as_json or not sys.stdin.isatty()):
        return _only_shown(wanted, preview, as_json=as_json)
    if not yes and not click.confirm("Take this back?", err=True):
        click.echo("Nothing was changed.", err=True)
        return ExitCode.FAILED
    with _lock_if_free(settings.database_path.parent) as is_alone:
        run_to_end(_take_back(settings, wanted, preview))
    if as_json:
        print_json({**_as_object(wanted, preview), "done": True})
    else:
        show(f"Taken back. {NO_BOT if is_alone and settings.is_replicated else ''}".strip())
    return None


def _require_database(path: Path) -> None:
    if not path.exists():
        raise NotFoundError(
            f"There is no database at {path}.", remedy="Give its path with --database or set DATABASE_PATH."
        )


def _checked_name(kind: Kind, name: str) -> str:
    """The name as records have it, as far as the kind alone says; ids may be typed like mentions."""
    name = name.strip()
    if kind in (Kind.PERSONALITY, Kind.ALIAS):
        return name
    match = {Kind.LOGIN: LOGIN, Kind.BAN: BAN}.get(kind, ID).fullmatch(name)
    if match is None:
        whose = {Kind.ACTIVATION: "a channel's", Kind.MESSAGE: "a message's"}.get(kind, "a user's")
        raise click.BadParameter(f"{name!r} is not {whose} id.", param_hint="NAME")
    if kind is Kind.LOGIN:
        return login_subject(int(match[1]), *([match[2]] if match[2] else []))
    if kind is Kind.BAN:
        return ban_subject(int(match[1]), int(match[2] or EVERYWHERE))
    return str(int(match[1]))


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[OperatorUndo]:
    # Counted in every mode, so that files which were exported before are known to lack it.
    store = await open_store(settings.database_path, settings=settings, hook=storage.count)
    try:
        yield OperatorUndo(store=store, policy=Policy.from_settings(settings))
    finally:
        await store.close()


async def _look(settings: Settings, asked: Wanted) -> tuple[Wanted, Preview]:
    async with _opened(settings) as undo:
        wanted = Wanted(asked.kind, await undo.find_subject(asked.kind, asked.subject), asked.at)
        return wanted, await undo.preview(wanted)


async def _take_back(settings: Settings, wanted: Wanted, preview: Preview) -> None:
    async with _opened(settings) as undo:
        await undo.undo(wanted, preview)


@contextmanager
def _lock_if_free(folder: Path) -> Iterator[bool]:
    """Keep a start away from the database meanwhile; where the bot runs, one short write beside it is safe."""
    lock = VolumeLock.try_take(folder)
    try:
        yield lock is not None
    finally:
        if lock is not None:
            lock.release()


def _only_shown(wanted: Wanted, preview: Preview, *, as_json: bool) -> int:
    if as_json:
        outcome = {"done": False, "error": ADD_YES, "exit_code": int(ExitCode.MISUSED)}
        print_json({**_as_object(wanted, preview), **outcome})
    click.echo(f"tzurot: {ADD_YES}", err=True)
    return ExitCode.MISUSED


def _show(wanted: Wanted, preview: Preview) -> None:
    of_it = (c for c in preview.reversal.changes if (c.kind, c.subject) == (wanted.kind, wanted.subject))
    main = next(of_it, preview.reversal.main)
    what = f"The {wanted.kind} {wanted.name}"
    if wanted.at is None:
        verb = "changed" if main.action is Action.PUT else "removed"
        who = f"by user {main.changed_by}" if main.changed_by else "by no user"
        show(f"{what} was {verb} {who} at {to_text(main.changed_at)}.")
    else:
        show(f"{what} was changed since {to_text(wanted.at)}, first at {to_text(main.changed_at)}.")
    rows = [(step.kind, step.subject, _described(step.kind, step.now), _then(step)) for step in _steps(preview)]
    print_table(("kind", "name", "now", "then"), rows)


def _steps(preview: Preview) -> Iterator[Step]:
    """What a person asked for comes first."""
    yield preview.main
    yield from (step for step in (*preview.steps, *preview.swept) if step is not preview.main)


def _described(kind: Kind, state: State | None) -> str:
    """A state in a word or two, without secrets."""
    if state is None:
        return "-"
    match kind:
        case Kind.PERSONALITY:
            return "active" if state["is_active"] else "removed"
        case Kind.ALIAS | Kind.ACTIVATION:
            return str(state["personality_name"])
        case Kind.LOGIN:
            return f"logged in at {state['created_at']}"
        case Kind.VERIFICATION:
            return f"{'verified' if state['is_verified'] else 'cleared'} at {state['recorded_at']}"
        case _:  # a ban: of what is only a record nothing is shown
            end = f" until {state['expires_at']}" if state["expires_at"] else ""
            return f"barred at {state['blacklisted_at']}{end}"


def _then(step: Step) -> str:
    now, then = _described(step.kind, step.now), _described(step.kind, step.then)
    if step.kind is Kind.PERSONALITY and step.then is None:
        return "removed"
    return f"{then}, other {', '.join(_changed_columns(step))}" if now == then and step.now != step.then else then


def _changed_columns(step: Step) -> list[str]:
    now, then = step.now or {}, step.then or {}
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def _as_object(wanted: Wanted, preview: Preview) -> dict[str, Any]:
    main, swept = preview.reversal.main, set(map(id, preview.swept))
    return {
        "kind": wanted.kind,
        "name": wanted.name,
        "at": to_text(wanted.at) if wanted.at else None,
        "changed_at": to_text(main.changed_at),
        "changed_by": str(main.changed_by) if main.changed_by else None,
        "changes": len(preview.reversal.changes),
        "steps": [
            {
                "kind": step.kind,
                "name": step.subject,
                "now": _described(step.kind, step.now),
                "then": _then(step),
                "columns": _changed_columns(step),
                "goes_along": id(step) in swept,
            }
            for step in _steps(preview)
        ],
    }
