"""`tzurot demo --keep`: the sandbox stays up, and one talks in it as a user of its Discord."""

import asyncio
import contextlib
import sys

from rich.console import Console
from rich.markup import escape

from bot.sandbox.demo.story import Story
from bot.sandbox.discord.model import Channel, Message

HELP = """[bold]You are Joss now.[/bold] Type a message and press Enter; Ctrl-C ends it.
  @night owl hello          talk to a personality
  !tz help                  what the bot can do
  /garden /lounge /dm       go to another channel ([bold]{channel}[/bold] now)"""


async def keep_up(story: Story, console: Console) -> None:
    """Read lines as messages of a user, and show everything that is said, until Ctrl-C or end of input."""
    cast = story.cast
    channels = {"/garden": cast.garden, "/lounge": cast.lounge, "/dm": story.sandbox.discord.dm_channel(cast.newcomer)}
    channel = cast.garden
    console.print("\n" + HELP.format(channel="/garden"))
    listeners = [asyncio.create_task(_show(story, other, console)) for other in channels.values()]
    try:
        while (line := await _read_line()) is not None:
            if line in channels:
                channel = channels[line]
                console.print(f"[dim]You are in {line} now.[/dim]")
            elif line:
                await story.sandbox.discord.post(channel, cast.newcomer, line)
    finally:
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)


async def _show(story: Story, channel: Channel, console: Console) -> None:
    discord = story.sandbox.discord
    last = max((message.id for message in discord.messages(channel)), default=0)
    while True:
        with contextlib.suppress(TimeoutError):
            message: Message = await discord.wait_for_message(
                channel, after=last, timeout_seconds=3600, where=lambda found: found.author != story.cast.newcomer
            )
            last = message.id
            console.print(f"[magenta]{escape(message.author_name)}:[/magenta] {escape(message.content)}")


async def _read_line() -> str | None:
    """One line of standard input without holding up the loop; None at its end."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()
    try:
        loop.add_reader(sys.stdin, _take_line, line)
    except PermissionError:  # standard input is a file or /dev/null: nobody can type, so only Ctrl-C ends it
        return await line
    try:
        text = await line
    finally:
        loop.remove_reader(sys.stdin)
    return text.rstrip("\n") if text else None


def _take_line(line: asyncio.Future[str]) -> None:
    if not line.done():
        line.set_result(sys.stdin.readline())
