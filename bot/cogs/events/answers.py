"""What people do with a personality's message: the reactions under it, and its context menu."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.admission import failures_told, place_of_press, presser_of, whisper
from bot.cogs.context import UNDELIVERED, Services, answer_message, sentence_of, services_of
from bot.cogs.hearing import granted_to_the_bot, permissions_in, place_in
from bot.cogs.replies.origin_card import card_of
from bot.errors import ConflictError, TzurotError, trace
from bot.model import Mapping, Member, Place, snowflake_of
from bot.rules.commands.permissions import may_delete
from bot.rules.commands.terms import DELETE, REACTIONS, RETRY, WHO

log = logging.getLogger(__name__)

EMOJI_STYLE = "\N{VARIATION SELECTOR-16}"
"""What some clients put behind an emoji so that it is shown in colour."""
DESCRIPTIONS = {
    DELETE: "take it away, if it answers you or you moderate here",
    WHO: "see which personality speaks, and who asked what",
    RETRY: "have another answer in its place, if it answers you",
}
"""What the help says of them, where Discord itself shows only their names."""

Interaction = discord.Interaction[commands.Bot]


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants by a reaction, with what they may do there."""

    command: str
    member: Member
    place: Place
    message: discord.PartialMessage


class AnswersCog(commands.Cog):
    """Delete answer, Who is this?, Try again."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot

    @property
    def _services(self) -> Services:
        return services_of(self._bot)

    async def cog_load(self) -> None:
        """Add the menus; the gate stands before all of them."""
        for name, callback in ((DELETE, self._choose_delete), (WHO, self._choose_who), (RETRY, self._choose_retry)):
            extras: dict[object, object] = {"description": _described(name)}
            self._bot.tree.add_command(app_commands.ContextMenu(name=name, callback=callback, extras=extras))

    async def _choose_delete(self, interaction: Interaction, message: discord.Message) -> None:
        async with failures_told(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            member, place = presser_of(interaction), place_of_press(interaction)
            await self._services.answers.delete(member, place, message.id)
            await whisper(interaction, "It is deleted.")

    async def _choose_who(self, interaction: Interaction, message: discord.Message) -> None:
        async with failures_told(interaction):
            card = card_of(await self._services.answers.trace(message.id), place_of_press(interaction))
            await interaction.response.send_message(
                embed=card, ephemeral=True, allowed_mentions=discord.AllowedMentions.none()
            )

    async def _choose_retry(self, interaction: Interaction, message: discord.Message) -> None:
        async with failures_told(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            await self._services.retrying.retry(interaction.user.id, message.id)
            await whisper(interaction, "The new answer is there.")

    @commands.Cog.listener()
    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        """Take a reaction that means something, under a message that a personality spoke."""
        command = REACTIONS.get((payload.emoji.name or "").removesuffix(EMOJI_STYLE))
        if command is None or payload.emoji.id is not None or _is_from_a_bot(payload):
            return
        async with _border(payload.message_id):
            # Reactions are frequent: nothing is asked of Discord before it is known to be an answer.
            mapping = await self._services.answers.find(payload.message_id)
            if mapping is not None:
                await self._fulfil(await self._wish_of(payload, command), mapping, payload.emoji)

    async def _fulfil(self, wish: Wish, mapping: Mapping, emoji: discord.PartialEmoji) -> None:
        if not _is_theirs(wish, mapping):
            return
        try:
            if not await self._is_admitted(wish):
                return
            await self._do(wish)
        except ConflictError:
            log.info("Nothing is done about a reaction under message %d: something is under way", wish.message.id)
        except TzurotError as error:
            if wish.command == WHO:  # which is between the bot and whoever asks
                raise
            await answer_message(wish.message, sentence_of(error))
        if wish.command != DELETE:
            await self._take_back(wish, emoji)

    async def _is_admitted(self, wish: Wish) -> bool:
        """By the gate, and by the pace: what is said of a reaction is seen by all."""
        if not await self._services.gate.admit(wish.member, wish.command, wish.place):
            return False
        pace = self._services.pace
        return pace.admits_command(wish.member.user_id, snowflake_of(pace.clock()), is_seen_by_all=True)

    async def _do(self, wish: Wish) -> None:
        if wish.command == DELETE:
            await self._services.answers.delete(wish.member, wish.place, wish.message.id)
        elif wish.command == RETRY:
            await self._services.retrying.retry(wish.member.user_id, wish.message.id)
        else:
            await self._tell_who(wish)

    async def _tell_who(self, wish: Wish) -> None:
        card = card_of(await self._services.answers.trace(wish.message.id), wish.place)
        direct = await self._bot.create_dm(discord.Object(wish.member.user_id))
        try:
            await direct.send(embed=card, allowed_mentions=discord.AllowedMentions.none())
        except discord.Forbidden:
            log.info("User %d takes no direct messages", wish.member.user_id)

    async def _take_back(self, wish: Wish, emoji: discord.PartialEmoji) -> None:
        """Remove the reaction, so that it can be put there again; in a direct message nobody may."""
        granted = granted_to_the_bot(wish.message)
        if granted is not None and granted.manage_messages:
            await wish.message.remove_reaction(emoji, discord.Object(wish.member.user_id))

    async def _wish_of(self, payload: discord.RawReactionActionEvent, command: str) -> Wish:
        if payload.guild_id is None:
            direct = self._bot.get_partial_messageable(payload.channel_id)
            message = direct.get_partial_message(payload.message_id)
            return Wish(command, Member(payload.user_id), Place(payload.channel_id), message)
        found: Any = self._bot.get_channel(payload.channel_id) or await self._bot.fetch_channel(payload.channel_id)
        granted = permissions_in(found, payload.member)
        member = Member(
            payload.user_id, may_manage_messages=granted.manage_messages, is_administrator=granted.administrator
        )
        message = found.get_partial_message(payload.message_id)
        return Wish(command, member, place_in(found, payload.guild_id), message)


def _described(name: str) -> str:
    emojis = " or ".join(emoji for emoji, command in REACTIONS.items() if command == name)
    return f"{DESCRIPTIONS[name]}; reacting with {emojis} does the same"


def _is_from_a_bot(payload: discord.RawReactionActionEvent) -> bool:
    """In a direct message only a person can react, beside the bot itself, which never does."""
    return payload.member is not None and payload.member.bot


def _is_theirs(wish: Wish, mapping: Mapping) -> bool:
    """Whether it is for them to wish; others' reactions are no business of the bot's, and get no word."""
    if wish.command == DELETE:
        return may_delete(wish.member, wish.place, mapping)
    return wish.command == WHO or wish.member.user_id == mapping.user_id


@asynccontextmanager
async def _border(message_id: int) -> AsyncIterator[None]:
    """The gateway's border: what goes wrong with one reaction ends here."""
    try:
        yield
    except TzurotError as error:
        log.warning("A reaction under message %d came to nothing: %s", message_id, error.message)
    except UNDELIVERED as error:
        log.warning("A reaction under message %d came to nothing: %s", message_id, type(error).__name__)
    except Exception:  # noqa: BLE001 - one reaction must not end the listener, and discord.py would log the error's text
        log.error("A reaction under message %d failed: %s", message_id, trace())  # noqa: TRY400 - no text in logs


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(AnswersCog(bot))
