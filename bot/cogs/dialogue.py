"""Every message that arrives: a command, a word to a personality, or none of the bot's business."""

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import discord
from discord.ext import commands

from bot.cogs.context import (
    UNDELIVERED,
    Context,
    answer_message,
    host_of,
    sentence_of,
    services_of,
    write_to,
)
from bot.cogs.hearing import heard_from, is_from_a_person, is_muted
from bot.errors import NotAllowedError, TzurotError, trace
from bot.model import Heard

log = logging.getLogger(__name__)

REMEMBERED_COMMANDS = 1000


class DialogueCog(commands.Cog):
    """The gateway's border: what goes wrong with one message ends here."""

    def __init__(self, bot: commands.Bot) -> None:
        self._bot = bot
        self._host = host_of(bot)
        self._commands: OrderedDict[int, None] = OrderedDict()

    @commands.Cog.listener()
    async def on_message(self, message: discord.Message) -> None:
        """Take a human's message."""
        if not is_from_a_person(message):
            return
        if self._host.prefix_of(message.content) is not None:
            await self._command(message)
        else:
            await self._hear(message, services_of(self._bot).dialogue.hear)

    @commands.Cog.listener()
    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Take a human's message once more, where it was its author who changed it and not Discord."""
        message = payload.message
        if message.edited_at is None or not is_from_a_person(message) or message.id in self._commands:
            return
        if self._host.prefix_of(message.content) is None:
            await self._hear(message, services_of(self._bot).dialogue.hear_edit)

    async def _command(self, message: discord.Message) -> None:
        if not self._is_new(message.id):
            return
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
            await _tell(message, "Something went wrong on my side, and the operator can see it in the log.")

    def _is_new(self, message_id: int) -> bool:
        """Whether this command was not given before: Discord may deliver a message twice after a reconnect."""
        if message_id in self._commands:
            return False
        self._commands[message_id] = None
        if len(self._commands) > REMEMBERED_COMMANDS:
            self._commands.popitem(last=False)
        return True


async def _tell(message: discord.Message, sentence: str, *, is_refusal: bool = False) -> None:
    """Where it was written; where the bot may not write there, only a refusal is told, by direct message."""
    try:
        if not is_muted(message):
            await answer_message(message, sentence)
        elif is_refusal:
            await write_to(message.author, sentence)
    except UNDELIVERED as error:
        log.warning("The author of message %d could not be told: %s", message.id, type(error).__name__)


async def setup(bot: commands.Bot) -> None:
    """Called by discord.py."""
    await bot.add_cog(DialogueCog(bot))
