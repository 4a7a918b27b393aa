"""`tzurot doctor`: everything that can be wrong around the bot, one line each with the remedy."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
import click
from rich.table import Table
from rich.text import Text

from bot.cli.checks import local, outside
from bot.cli.checks.finding import Finding, Verdict, fail
from bot.cli.options import common_options, print_json, read_settings
from bot.cli.printing import print_aligned, printable
from bot.errors import ExitCode, TzurotError
from bot.settings import Settings

STYLES = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "bold red"}

Check = Callable[[], Finding | Awaitable[Finding]]


@click.command("doctor")
@common_options
def command(database: Path | None, *, as_json: bool) -> None:
    """Check settings, engine, lock, bucket and Discord; exit code 1 if something must be mended."""
    asyncio.run(_examine(read_settings(database), as_json=as_json))


async def _examine(settings: Settings, *, as_json: bool) -> None:
    timeout = aiohttp.ClientTimeout(total=settings.check_timeout_seconds)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        checks = _checks(settings, session)
        findings = await asyncio.gather(*(_run(name, check, settings) for name, check in checks.items()))
    if as_json:
        print_json(as_object(findings))
    else:
        _show(findings)
    sys.stdout.flush()
    # A name look-up that hangs in a thread would keep the process for minutes after its result is known.
    os._exit(ExitCode.FAILED if any(finding.verdict is Verdict.FAIL for finding in findings) else ExitCode.DONE)


def _checks(settings: Settings, session: aiohttp.ClientSession) -> dict[str, Check]:
    return {
        "settings": local.check_settings,
        "keys": lambda: local.check_keys(settings),
        "engine": local.check_engine,
        "database": lambda: local.check_database(settings),
        "storage": lambda: local.check_storage(settings),
        "volume": lambda: local.check_volume(settings),
        "disk": lambda: local.check_disk(settings),
        "port": lambda: local.check_port(settings),
        "litestream": lambda: outside.check_litestream(settings),
        "bucket": lambda: outside.check_bucket(settings),
        "lease": lambda: outside.check_lease(settings),
        "discord token": lambda: outside.check_token(settings, session),
        "discord intents": lambda: outside.check_intents(settings, session),
        "AI service": lambda: outside.check_ai(settings, session),
        "profiles": lambda: outside.check_profiles(settings, session),
    }


async def _run(name: str, check: Check, settings: Settings) -> Finding:
    try:
        async with asyncio.timeout(settings.check_timeout_seconds):
            finding = await asyncio.to_thread(check)
            return finding if isinstance(finding, Finding) else await finding
    except TzurotError as error:
        return local.failed(name, error)
    except TimeoutError:
        seconds = settings.check_timeout_seconds
        return fail(name, f"no answer within {seconds:g} s", "Check the address and the network.")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return fail(name, f"can't be reached ({type(error).__name__})", "Check the address and the network.")


def as_object(findings: list[Finding]) -> dict[str, object]:
    """The findings as they stand in JSON; these names are a contract."""
    return {
        "checks": [
            {"name": each.name, "verdict": each.verdict, "found": each.found, "remedy": each.remedy}
            for each in findings
        ],
        "failed": sum(each.verdict is Verdict.FAIL for each in findings),
        "warned": sum(each.verdict is Verdict.WARN for each in findings),
    }


def _show(findings: list[Finding]) -> None:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in findings:
        remedy = f" → {each.remedy}" if each.remedy else ""
        line = Text(printable(each.found)).append(printable(remedy), "bold")
        table.add_row(Text(each.verdict, STYLES[each.verdict]), each.name, line)
    print_aligned(table)
