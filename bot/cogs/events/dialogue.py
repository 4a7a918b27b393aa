"""Every message that arrives: a command, a word to a personality, or none of the bot's business."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import discord
from discord.ext import commands

from bot.cogs.admission import BROKEN
from bot.cogs.context import (
    UNDELIVERED,
    Context,
    answer_message,
    host_of,
    sentence_of,
    services_of,
    write_to,
)
from bot.cogs.hearing import heard_from, is_from_a_person, is_muted, original_from
from bot.cogs.reading import is_a_copy
from bot.errors import NotAllowedError, TzurotError, trace
from bot.model import Heard
from bot.rules.commands.terms import may_show_a_code
from bot.services.dialogue.authors import Authors
from bot.services.recent import Recent

log = logging.getLogger(__name__)

REMEMBERED_COMMANDS = 1000


class DialogueCog(commands.Cog):
    """The gateway's border: what goes wrong with one message ends here."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot
        self._host = host_of(bot)
        self._commands: Recent[int, None] = Recent(REMEMBERED_COMMANDS)

    @property
    def _authors(self) -> Authors:
        return services_of(self._bot).dialogue.authors

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Take a human's message, or what a proxy bot has made of it."""
        if is_a_copy(message):
            await self._hear_copy(message, services_of(self._bot).dialogue.hear)
        if not is_from_a_person(message):
            return
        self._note_original(message)
        if self._host.prefix_of(message.content) is not None:
            await self._command(message)
        else:
            await self._hear(message, services_of(self._bot).dialogue.hear)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Take it once more, where it was its author who changed it and not Discord."""
        message, hear = payload.message, services_of(self._bot).dialogue.hear_edit
        if message.edited_at is None:
            return
        if is_a_copy(message) and self._host.prefix_of(message.content) is None:
            await self._hear_copy(message, hear)
        if not is_from_a_person(message):
            return
        self._note_original(message)
        if message.id not in self._commands and self._host.prefix_of(message.content) is None:
            await self._hear(message, hear)

    def _note_original(self, message: discord.Message) -> None:
        if message.guild is not None:
            self._authors.proxies.note(original_from(message))

    async def _hear_copy(self, message: discord.Message, hear: Callable[[Heard], Awaitable[None]]) -> None:
        """A command in it is not carried out; a code in it is taken away, as nobody else is to read it."""
        prefix = self._host.prefix_of(message.content)
        if prefix is None:
            await self._hear(message, hear)
            return
        if may_show_a_code(message.content[len(prefix) :]):
            with suppress(discord.HTTPException):
                await message.delete()
        if not is_muted(message):
            await self._hear(message, self._decline_command)

    async def _decline_command(self, copy: Heard) -> None:
        """Nothing where the original was carried out, which began with the prefix itself."""
        texts = self._authors.proxies.was_said_to_be(copy)
        if not any(self._host.prefix_of(text) is not None for text in texts):
            await self._authors.decline_command(copy)

    async def _command(self, message: discord.Message) -> None:
        if not self._is_new(message.id):
            return
        services_of(self._bot).recovery.watermark.pass_over(message.id)
        ctx: Context = await self._bot.get_context(message)
        if not ctx.invoked_with:
            ctx.command = self._bot.get_command("help")
        await self._bot.invoke(ctx)

    async def _hear(self, message: discord.Message, hear: Callable[[Heard], Awaitable[None]]) -> None:
        try:
            await hear(await heard_from(message, self._bot))
        except TzurotError as error:
            await _tell(message, sentence_of(error), is_refusal=isinstance(error, NotAllowedError))
        except UNDELIVERED as error:
            log.warning("Message %d stays unanswered, Discord failed: %s", message.id, type(error).__name__)
        except Exception:  # noqa: BLE001 - the first of the three borders: one message must not end the listener
            log.error("Answering message %d failed: %s", message.id, trace())  # noqa: TRY400 - no text in logs
            await _tell(message, BROKEN)

    def _is_new(self, message_id: int) -> bool:
        """Whether this command was not given before: Discord may deliver a message twice after a reconnect."""
        if message_id in self._commands:
            return False
        self._commands[message_id] = None
        return True


async def _tell(message: discord.Message, sentence: str, *, is_refusal: bool = False) -> None:
    """Where it was written; where the bot may not write there, only a refusal is told, by direct message."""
    try:
        if not is_muted(message):
            await answer_message(message, sentence)
        elif is_refusal and not is_a_copy(message):
            await write_to(message.author, sentence)
    except UNDELIVERED as error:
        log.warning("The author of message %d could not be told: %s", message.id, type(error).__name__)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(DialogueCog(bot))
