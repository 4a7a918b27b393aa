"""What every scene on the sandbox is made of: a start, a command, a word to a personality, each with its answer."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from bot.errors import TzurotError
from bot.sandbox.demo.process import BotProcess
from bot.sandbox.demo.report import Report
from bot.sandbox.discord.model import Channel, Message, User
from bot.sandbox.world import Outside

T = TypeVar("T")

START_TIMEOUT_SECONDS = 40
ANSWER_TIMEOUT_SECONDS = 10


class Scene:
    """People and the bot in an open sandbox; `report` is told what they say."""

    def __init__(self, sandbox: Outside, bot: BotProcess, report: Report) -> None:
        self.sandbox = sandbox
        self.bot = bot
        self.report = report

    async def start(self) -> None:
        """Start the bot, and wait until it is on Discord."""
        sessions = self.sandbox.discord.session_count
        await self.bot.start()
        connected = self.sandbox.discord.wait_for_session(after=sessions, timeout_seconds=START_TIMEOUT_SECONDS)
        await self.within(connected, START_TIMEOUT_SECONDS, "the bot to connect to Discord")

    async def command(self, channel: Channel, user: User, text: str, *, shown: str | None = None) -> Message:
        """Give the bot a command, shown as something else where it holds a secret; its reply."""
        self.report.line(user.name, f"!tz {shown or text}")
        reply = await self._ask(channel, user, f"!tz {text}")
        self.report.heard(reply)
        return reply

    async def talk(self, channel: Channel, user: User, text: str, *, reply_to: Message | None = None) -> Message:
        """Say something that a personality must answer; its answer."""
        self.report.line(user.name, text)
        answer = await self._ask(channel, user, text, reply_to=reply_to)
        self.report.heard(answer)
        if answer.webhook_id is None:
            raise TzurotError("The bot answered itself where a personality was asked.")
        return answer

    async def _ask(self, channel: Channel, user: User, text: str, *, reply_to: Message | None = None) -> Message:
        discord = self.sandbox.discord
        asked = await discord.post(channel, user, text, reply_to=reply_to)
        answer = discord.wait_for_message(channel, after=asked.id, timeout_seconds=ANSWER_TIMEOUT_SECONDS)
        return await self.within(answer, ANSWER_TIMEOUT_SECONDS, "an answer on Discord")

    async def within(self, awaited: Awaitable[T], seconds: float, wish: str) -> T:
        """What is awaited; TzurotError with the bot's log when the bot ends or the time does."""
        task = asyncio.ensure_future(awaited)
        watch = asyncio.create_task(self.bot.watch())
        try:
            await asyncio.wait({task, watch}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return await task
            if watch.done():
                watch.result()
            raise TzurotError(f"Waited {seconds:.0f} s for {wish}. The end of the log:\n{self.bot.log_tail()}")
        finally:
            task.cancel()
            watch.cancel()
            await asyncio.gather(task, watch, return_exceptions=True)
