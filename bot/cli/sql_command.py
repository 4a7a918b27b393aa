"""`tzurot sql`: ask the database something, without being able to change it."""

import sys
from pathlib import Path
from typing import Any

import click

from bot.cli.options import common_options, ending_cleanly, print_json, read_settings
from bot.cli.printing import is_terminal, print_table, show
from bot.cli.readable_database import readable_database
from bot.errors import ExitCode, InvalidInputError
from bot.store.console import Answer, Console
from bot.store.engine import require_engine

TERMINAL_ROWS = 200
EXACT_LIMIT = 2**53
"""Readers of JSON may round integers beyond this."""

CATALOGUE = """
SELECT type AS kind, name FROM sqlite_schema
WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'
ORDER BY type DESC, name
"""


class WrongStatementError(click.ClickException):
    """SQL that the engine does not understand: wrong usage, exit code 2."""

    exit_code = ExitCode.MISUSED


@click.command("sql")
@click.argument("statement", required=False)
@click.option("--limit", type=click.IntRange(min=1), help=f"At most this many rows; {TERMINAL_ROWS} at a terminal.")
@click.option("--timeout", "timeout_seconds", type=click.FloatRange(min=0, min_open=True), help="Seconds; default 2.")
@common_options
def command(
    statement: str | None, limit: int | None, timeout_seconds: float | None, database: Path | None, *, as_json: bool
) -> None:
    """Ask the database something, read-only, also while the bot runs.

    STATEMENT is one SQL statement, or - to read it from standard input; without it, the tables and views are
    listed with an example each. In json mode the files are asked as if they were a database.
    In JSON, columns of ids (names that end in _id or _by, and integers beyond 2^53)
    hold strings, so that no reader rounds them, and a BLOB is shown by its size.
    """
    require_engine()
    settings = read_settings(database)
    timeout = timeout_seconds or settings.read_timeout_seconds
    with ending_cleanly(), readable_database(settings, database) as path, Console(path, timeout) as console:
        if statement is None:
            _show_catalogue(console, as_json=as_json)
            return
        sql = sys.stdin.read() if statement == "-" else statement
        answer = _ask(console, sql, limit or (TERMINAL_ROWS if is_terminal() and not as_json else None))
    _show(answer, as_json=as_json)


def _ask(console: Console, sql: str, limit: int | None) -> Answer:
    try:
        return console.ask(sql, limit)
    except InvalidInputError as error:
        raise WrongStatementError(str(error)) from None


def _show_catalogue(console: Console, *, as_json: bool) -> None:
    found = [
        {"name": name, "kind": kind, "example": f'tzurot sql "select * from {name} limit 5"'}  # noqa: S608 - shown, not run
        for kind, name in console.ask(CATALOGUE).rows
    ]
    if as_json:
        print_json({"tables": found})
    else:
        print_table(["name", "kind", "example"], [tuple(entry.values()) for entry in found])


def _show(answer: Answer, *, as_json: bool) -> None:
    if as_json:
        print_json(as_object(answer))
        return
    numbers = frozenset(i for i in range(len(answer.columns)) if _holds_numbers(answer, i))
    print_table(answer.columns, ([_cell(value) for value in row] for row in answer.rows), numbers)
    if is_terminal():
        count = f"{len(answer.rows)} row{'' if len(answer.rows) == 1 else 's'}"
        show(count if answer.is_complete else f"The first {count}; there are more, see --limit.", "dim")


def as_object(answer: Answer) -> dict[str, Any]:
    """The answer as it stands in JSON."""
    names = _distinct(answer.columns)
    exact = [_holds_ids(answer, position) for position in range(len(names))]
    rows = [
        {name: _value(value, as_id=is_id) for name, value, is_id in zip(names, row, exact, strict=True)}
        for row in answer.rows
    ]
    return {"columns": names, "rows": rows, "row_count": len(rows), "is_complete": answer.is_complete}


def _distinct(columns: list[str]) -> list[str]:
    names: list[str] = []
    for column in columns:
        name, number = column, 2
        while name in names:
            name, number = f"{column}_{number}", number + 1
        names.append(name)
    return names


def _holds_ids(answer: Answer, position: int) -> bool:
    if answer.columns[position].lower().endswith(("_id", "_by")):
        return True
    return any(isinstance(row[position], int) and abs(row[position]) > EXACT_LIMIT for row in answer.rows)


def _holds_numbers(answer: Answer, position: int) -> bool:
    kinds = {type(row[position]) for row in answer.rows} - {type(None)}
    return bool(kinds) and kinds <= {int, float}


def _value(value: Any, *, as_id: bool) -> Any:
    if isinstance(value, bytes):
        return {"bytes": len(value)}
    return str(value) if as_id and isinstance(value, int) else value


def _cell(value: Any) -> str:
    if value is None:
        return "NULL"
    return f"<{len(value)} bytes>" if isinstance(value, bytes) else str(value)
