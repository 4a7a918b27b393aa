"""The command `tzurot`: finds the subcommand, and turns every error into a sentence and an exit code."""

import importlib
import logging
import sys

import click
import orjson

from bot.errors import ExitCode, TzurotError

COMMANDS = {
    "run": "Start the bot with its replication: what a container runs.",
    "bot": "The bot process itself; `run` starts it.",
    "demo": "Show the whole promise on this machine, in under a minute.",
    "import": "Read a data folder of the JavaScript original.",
    "status": "What is stored, and how safe it is.",
    "doctor": "Check settings, engine, lock, bucket and Discord, one line each.",
    "backup": "Write a verified copy of the database.",
    "restore": "Fetch the database, as it is or was, from the bucket.",
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
        tzurot.main(standalone_mode=False)
    except click.exceptions.Abort:
        _fail("Interrupted.", 130)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.MISUSED)
    except TzurotError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("Interrupted.", 130)
    except Exception:  # the third of the three borders: everything ends in an exit code
        logging.getLogger(__name__).exception("This should not have happened")
        sys.exit(ExitCode.FAILED)


def _fail(sentence: str, code: int) -> None:
    if "--json" in sys.argv:
        click.echo(orjson.dumps({"error": sentence}).decode())
    click.echo(f"tzurot: {sentence}", err=True)
    sys.exit(code)
