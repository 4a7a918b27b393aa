"""The bot's own direct messages to its users: sending, reading and deleting them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

import discord

from bot.cogs.context import UNDELIVERED
from bot.errors import NotAllowedError, UnavailableError

READ = 100
TEMPORARY = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
"""Refusals that say nothing about the user."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectMail:
    """The `Mail` of Discord."""

    client: discord.Client
    timeout_seconds: float

    async def said(self, user_id: int) -> list[str]:
        """What the bot has lately said to the user, the last hundred messages of both. Raises as `send` does."""
        async with self._reaching(user_id) as channel:
            return [m.content async for m in channel.history(limit=READ) if m.author == self.client.user]

    async def send(self, user_id: int, text: str, nonce: str) -> None:
        """Send a direct message; for some minutes Discord itself drops what comes with the same nonce.

        Raises NotAllowedError where the user takes none, or is no more, and UnavailableError where it may arrive later.
        """
        async with self._reaching(user_id) as channel:
            await channel.send(text, nonce=nonce, allowed_mentions=discord.AllowedMentions.none(), suppress_embeds=True)

    @asynccontextmanager
    async def _reaching(self, user_id: int) -> AsyncIterator[discord.DMChannel]:
        try:
            async with asyncio.timeout(self.timeout_seconds):
                yield await self.client.create_dm(discord.Object(user_id))
        except UNDELIVERED as error:
            if isinstance(error, discord.HTTPException) and _is_final(error.status):
                raise NotAllowedError("This user takes no direct messages.") from None
            raise UnavailableError(f"Discord took no direct message ({type(error).__name__}).") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnDirectMessages:
    """The `OwnMessages` of Discord, where messages are deleted one by one: there is no other way in a direct message.

    discord.py waits out what Discord's rate limits ask for, so there is no time limit here.
    """

    client: discord.Client

    async def find(self, channel_id: int, before_message_id: int, limit: int) -> list[int]:
        """Which of the last `limit` messages before that one are, the newest first. Raises UnavailableError."""
        before = discord.Object(before_message_id)
        channel = self.client.get_partial_messageable(channel_id)
        try:
            found = channel.history(limit=limit, before=before)
            return [message.id async for message in found if _is_deletable(message, self.client)]
        except UNDELIVERED as error:
            raise UnavailableError(f"Discord did not show me what is here ({type(error).__name__}).") from None

    async def delete(self, channel_id: int, message_id: int) -> bool:
        """Delete one; False where Discord refuses it for good. One that is gone counts. Raises UnavailableError."""
        message = self.client.get_partial_messageable(channel_id).get_partial_message(message_id)
        try:
            await message.delete()
        except discord.NotFound:
            return True
        except UNDELIVERED as error:
            if isinstance(error, discord.HTTPException) and _is_final(error.status):
                return False
            raise UnavailableError(f"Discord did not delete a message ({type(error).__name__}).") from None
        return True


def _is_deletable(message: discord.Message, client: discord.Client) -> bool:
    """Whether it is one of the bot's that Discord lets it delete: not that a message was pinned, and the like."""
    return message.author == client.user and not message.is_system()


def _is_final(status: int) -> bool:
    """Whether Discord would say the same again: the user has closed their messages, or is no more."""
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in TEMPORARY
