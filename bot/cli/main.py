"""The command `tzurot`: finds the subcommand, and turns every error into a sentence and an exit code."""

import contextlib
import difflib
import importlib
import logging
import os
import sys
from typing import Any, NoReturn

import click
import orjson

from bot.errors import ExitCode, TzurotError, join, trace

INTERRUPTED = 130
"""What shells expect of a program that Ctrl-C ended."""

COMMANDS = {
    "run": "Start the bot with its replication: what a container runs.",
    "bot": "The bot process itself; `run` starts it.",
    "demo": "Show the whole promise on this machine, in under a minute.",
    "certify": "Prove the promise: kill everything again and again, and balance the books.",
    "boot": "Make the volume ready for a start, or explain what a start would do.",
    "import": "Read a data folder of the JavaScript original.",
    "export": "Write the database as a data folder that the original starts with.",
    "verify": "Compare every record of a data folder with the database.",
    "status": "What is stored, and how safe it is.",
    "doctor": "Check settings, engine, lock, bucket and Discord, one line each.",
    "backup": "Write a verified copy of the database.",
    "restore": "Fetch the database, as it is or was, from the bucket.",
    "diff": "What differs between the live database and another one.",
    "undo": "Take back a change of a personality, alias, activation, login or verification.",
    "retire": "Move the JSON files of before the switch away, once nothing needs them.",
    "drill": "Restore the copy in the bucket on trial, and check it in full.",
    "sql": "Ask the database something, read-only.",
}
"""Each subcommand and its help line; the module of the same name is imported when it is called."""


class LazyGroup(click.Group):
    """A group that imports a subcommand's module only when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order in which they are explained."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The subcommand of that name, or None."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bot.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The subcommand that was named; an unknown name gets the nearest ones as a suggestion."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tzurot", prog_name="tzurot")
def tzurot() -> None:
    """A Discord bot whose AI personalities survive deploys, crashes and lost disks.

    Settings come from the environment or a file named .env; .env.example explains each.
    Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused to protect data.
    """


def main() -> None:
    """Run the command line; the last border where an error becomes a sentence."""
    try:
        result = tzurot.main(prog_name="tzurot", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        _leave_broken_pipe()
    except (click.exceptions.Abort, KeyboardInterrupt):
        _fail("Interrupted.", INTERRUPTED)
    except click.ClickException as error:
        _misuse(error)
    except TzurotError as error:
        _fail(error.message, error.exit_code, error.remedy)
    except Exception as error:  # noqa: BLE001 - the third of the three borders: everything ends in an exit code
        logging.getLogger(__name__).error("This should not have happened: %s", trace(error))  # noqa: TRY400 - text hidden
        _fail(f"This should not have happened: {type(error).__name__}.", ExitCode.FAILED)
    sys.exit(_exit_code(result))


def _exit_code(result: Any) -> int:
    return int(result) if isinstance(result, int) else ExitCode.DONE


def _misuse(error: click.ClickException) -> NoReturn:
    if _wants_json():
        _print_error(error.format_message(), "", ExitCode.MISUSED)
    error.show()
    sys.exit(ExitCode.MISUSED)


def _fail(sentence: str, code: int, remedy: str = "") -> NoReturn:
    with contextlib.suppress(BrokenPipeError):
        if _wants_json():
            _print_error(sentence, remedy, code)
        click.echo(f"tzurot: {join(sentence, remedy)}", err=True)
    sys.exit(code)


def _wants_json() -> bool:
    return "--json" in sys.argv


def _print_error(sentence: str, remedy: str, code: int) -> None:
    click.echo(orjson.dumps({"error": sentence, "remedy": remedy, "exit_code": int(code)}).decode())


def _leave_broken_pipe() -> NoReturn:
    """The reader left, as `head` does: end quietly, also when the interpreter flushes once more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(ExitCode.FAILED)
