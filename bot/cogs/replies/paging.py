"""Lists of several pages, turned with buttons that outlive the process: what they need stands in their own ids.

A button's id says which list it turns, for whom, and which page is shown; nothing of it is kept anywhere. A list
is named by its command, so that the gate is asked the same at every press as when the command was given.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from re import Match
from typing import Any, Self

import discord

from bot.cogs.admission import failures_told, is_admitted, place_of_press, presser_of, whisper
from bot.cogs.context import Context, Services, member_of, place_of, reply, services_of, shorten
from bot.model import Member, Place

TEMPLATE = r"page:(?P<command>[a-z ]+):(?P<user_id>\d+):(?P<number>\d{1,9}):(?P<step>first|previous|next|last)"
LAST = 1_000_000_000
"""A page beyond every list: sources give their last one for it."""
NOT_YOURS = "Only who asked for this list can turn its pages."
GONE = "This list is no more."


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a list; `number` counts from 1, `pages` is at least 1."""

    text: str
    number: int
    pages: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for which page, and where; a page beyond the last means the last."""

    member: Member
    place: Place
    number: int


Source = Callable[[Services, Asked], Awaitable[Sheet]]
SOURCES: dict[str, Source] = {}
"""The lists, by the full names of their commands."""


def pages_of(command: str) -> Callable[[Source], Source]:
    """Declare a function as what gives the pages of a command's list."""

    def declare(source: Source) -> Source:
        SOURCES[command] = source
        return source

    return declare


async def show_page(ctx: Context, command: str, number: int = 1) -> None:
    """Answer a command with a page of its list, which with a slash only its author sees."""
    asked = Asked(member_of(ctx), place_of(ctx), max(number, 1))
    sheet = await SOURCES[command](services_of(ctx.bot), asked)
    await reply(ctx, sheet.text, is_private=True, view=_buttons(command, ctx.author.id, sheet))


class Step(StrEnum):
    """What a button does."""

    FIRST = "first"
    PREVIOUS = "previous"
    NEXT = "next"
    LAST = "last"

    def lead_from(self, number: int) -> int:
        """The page after the press; the last one is whichever is the last by then."""
        return {Step.FIRST: 1, Step.PREVIOUS: max(number - 1, 1), Step.NEXT: number + 1, Step.LAST: LAST}[self]


LABELS = {Step.FIRST: "⏮ First", Step.PREVIOUS: "◀ Previous", Step.NEXT: "Next ▶", Step.LAST: "Last ⏭"}


class PageButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=TEMPLATE):
    """Turns a page for whoever asked for the list."""

    def __init__(self, command: str, user_id: int, number: int, step: Step, *, disabled: bool = False) -> None:
        custom_id = f"page:{command}:{user_id}:{number}:{step}"
        super().__init__(discord.ui.Button(label=LABELS[step], custom_id=custom_id, disabled=disabled))
        self._command, self._user_id = command, user_id
        self._number, self._step = number, step

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: Match[str], /
    ) -> Self:
        """The button that was pressed."""
        return cls(match["command"], int(match["user_id"]), int(match["number"]), Step(match["step"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Show the page that it leads to, if the one who presses may still see the list."""
        async with failures_told(interaction):
            await self._turn(interaction)

    async def _turn(self, interaction: discord.Interaction[Any]) -> None:
        if interaction.user.id != self._user_id:
            await whisper(interaction, NOT_YOURS)
            return
        source = SOURCES.get(self._command)
        if source is None:
            await whisper(interaction, GONE)
            return
        if not await is_admitted(interaction, self._command):
            return
        asked = Asked(presser_of(interaction), place_of_press(interaction), self._step.lead_from(self._number))
        sheet = await source(services_of(interaction.client), asked)
        await interaction.response.edit_message(
            content=shorten(sheet.text),
            view=_buttons(self._command, self._user_id, sheet),
            allowed_mentions=discord.AllowedMentions.none(),
        )


def _buttons(command: str, user_id: int, sheet: Sheet) -> discord.ui.View | None:
    """First, previous, next, last, those that lead nowhere disabled; none for a single page."""
    if sheet.pages <= 1:
        return None
    view = discord.ui.View(timeout=None)
    for step in Step:
        is_back = step in (Step.FIRST, Step.PREVIOUS)
        is_end = sheet.number <= 1 if is_back else sheet.number >= sheet.pages
        view.add_item(PageButton(command, user_id, sheet.number, step, disabled=is_end))
    return view
