"""A question with two buttons, for the one who asked; whoever lets the time pass has said no.

A button's id says which question it answers and whose: it can be pressed before Discord has said that it took the
question, and one whose process is gone can still say so.
"""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from re import Match
from typing import Any, Self
from weakref import WeakKeyDictionary

import discord
from discord.ext import commands

from bot.cogs.admission import failures_told, whisper
from bot.cogs.context import UNDELIVERED, Context, reply

LEFT: Any = {
    "content": "Nothing was changed.",
    "view": None,
    "allowed_mentions": discord.AllowedMentions.none(),
}
"""What becomes of the question when the answer is no, or comes too late."""
NOT_YOURS = "Only who asked may answer this."
TEMPLATE = r"ask:(?P<key>[0-9a-f]{16}):(?P<user_id>\d+):(?P<answer>yes|no)"

Waiting = asyncio.Future[discord.Interaction[commands.Bot] | None]
"""What a question waits for: the press that says yes, or None."""

_open: WeakKeyDictionary[discord.Client, dict[str, Waiting]] = WeakKeyDictionary()
"""Each client's open questions."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What stands on the buttons, and how long they wait."""

    yes: str
    no: str
    timeout_seconds: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """The press that said yes, and the message with the question, whose buttons are gone."""

    interaction: discord.Interaction[commands.Bot]
    message: discord.Message


class AnswerButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=TEMPLATE):
    """Yes or no."""

    def __init__(self, key: str, user_id: int, answer: str, label: str = "…") -> None:
        style = discord.ButtonStyle.danger if answer == "yes" else discord.ButtonStyle.secondary
        super().__init__(discord.ui.Button(label=label, style=style, custom_id=f"ask:{key}:{user_id}:{answer}"))
        self._key, self._user_id, self._is_yes = key, user_id, answer == "yes"

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: Match[str], /
    ) -> Self:
        """The button that was pressed."""
        return cls(match["key"], int(match["user_id"]), match["answer"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Give the answer to whoever waits for it, if it comes from the author of the command."""
        async with failures_told(interaction):
            if interaction.user.id != self._user_id:
                await whisper(interaction, NOT_YOURS)
                return
            waiting = _open.get(interaction.client, {}).pop(self._key, None)
            is_open = waiting is not None and not waiting.done()
            is_yes = self._is_yes and is_open
            if waiting is not None and is_open:
                waiting.set_result(interaction if is_yes else None)
            await interaction.response.edit_message(**({"view": None} if is_yes else LEFT))


async def ask(ctx: Context, text: str, answers: Answers) -> Agreement | None:
    """Ask the author of a command; None where they said no, or nothing."""
    key = secrets.token_hex(8)
    view = discord.ui.View(timeout=None)
    for answer, label in (("yes", answers.yes), ("no", answers.no)):
        view.add_item(AnswerButton(key, ctx.author.id, answer, label))
    questions = _open.setdefault(ctx.bot, {})
    waiting: Waiting = asyncio.get_running_loop().create_future()
    questions[key] = waiting
    try:
        message = await reply(ctx, text, is_private=True, view=view)
        pressed = await _answer_in_time(waiting, message, answers.timeout_seconds)
    finally:
        questions.pop(key, None)
    return Agreement(pressed, message) if pressed else None


async def _answer_in_time(
    waiting: Waiting, message: discord.Message, timeout_seconds: float
) -> discord.Interaction[commands.Bot] | None:
    try:
        async with asyncio.timeout(timeout_seconds):
            return await waiting
    except TimeoutError:
        with contextlib.suppress(*UNDELIVERED):
            await message.edit(**LEFT)
        return None
