"""Speaks in a channel as a personality: through the channel's one webhook, or by plain message in a DM."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

import aiohttp
import discord

from bot.errors import NotAllowedError, UnavailableError, UncertainError
from bot.model import Clock, Place, Secret, Voice, WebhookKey, utc_now
from bot.rules.dialogue.speech import dm_text, shown_avatar, webhook_name
from bot.services.locks import Locks
from bot.services.recent import Recent
from bot.store import webhooks
from bot.store.cipher import Cipher
from bot.store.statement import Store

log = logging.getLogger(__name__)

WEBHOOK_NAME = "Tzurot"
REMEMBERED_WEBHOOKS = 10_000

UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK = 10003, 10008, 10015
TOO_MANY_WEBHOOKS = 30007
THREAD_IS_LOCKED = 160005
INVALID_WEBHOOK_TOKEN = 50027
ARCHIVED_THREAD = 50083
SERVER_ERRORS = 500
GONE = (UNKNOWN_WEBHOOK, INVALID_WEBHOOK_TOKEN)
NOT_THERE = (UNKNOWN_MESSAGE, UNKNOWN_CHANNEL)
TO_SPEAK = "the permissions Manage Webhooks and Send Messages"
TO_DELETE = "the permission Manage Messages"
NOBODY_PINGED = discord.AllowedMentions.none()

Hosts = discord.TextChannel | discord.VoiceChannel | discord.StageChannel | discord.ForumChannel


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpeaker:
    """The `Speaker` of Discord; webhooks are kept in the store, so that a restart makes no second one."""

    client: discord.Client
    session: aiohttp.ClientSession
    store: Store
    cipher: Cipher
    typing_interval_seconds: float = 8
    clock: Clock = utc_now
    _known: Recent[int, WebhookKey] = field(default_factory=lambda: Recent(REMEMBERED_WEBHOOKS))
    _locks: Locks = field(default_factory=Locks)

    async def say(self, place: Place, voice: Voice, text: str, after_message_id: int) -> int:
        """Send one message of at most 2000 characters, once; returns its id.

        Raises UnavailableError or NotAllowedError, and UncertainError where Discord may have taken it.
        """
        with _translated("say something here"):
            if place.is_dm:
                return await self._say_in_dm(place, dm_text(voice.display_name, text), after_message_id)
            return await self._say_through_webhook(place, voice, text)

    async def edit(self, place: Place, voice: Voice, message_id: int, text: str) -> bool:
        """Let a message say something else; False where it is gone, or the webhook that spoke it is."""
        with _translated("change what I said"):
            if place.is_dm:
                message = self._partial(place, message_id)
                shown = dm_text(voice.display_name, text)
                return await self._reaches(message.edit(content=shown, allowed_mentions=NOBODY_PINGED))
            key = await self._kept(place.webhook_channel_id)
            if key is None:
                return False
            webhook, thread = self._webhook(key), _thread_of(place)
            changing = webhook.edit_message(message_id, content=text, allowed_mentions=NOBODY_PINGED, thread=thread)
            return await self._reaches(changing, key)

    async def delete(self, place: Place, message_id: int) -> None:
        """Take a message away, through its webhook, which needs no permission, or as the bot; one gone is done."""
        with _translated("take away what I said", TO_DELETE):
            key = None if place.is_dm else await self._kept(place.webhook_channel_id)
            if key is not None:
                removing = self._webhook(key).delete_message(message_id, thread=_thread_of(place))
                if await self._reaches(removing, key):
                    return
            await self._reaches(self._partial(place, message_id).delete())

    async def is_editable(self, place: Place, message_id: int) -> bool:
        """Whether a message is there and the webhook that spoke it is too."""
        with _translated("look at what I said"):
            if place.is_dm:
                return await self._reaches(self._partial(place, message_id).fetch())
            key = await self._kept(place.webhook_channel_id)
            if key is None:
                return False
            return await self._reaches(self._webhook(key).fetch_message(message_id, thread=_thread_of(place)), key)

    async def prepare(self, place: Place) -> None:
        """Have the channel's webhook ready. Raises UnavailableError or NotAllowedError."""
        if not place.is_dm:
            with _translated("speak"):
                await self._webhook_of(place.webhook_channel_id)

    @asynccontextmanager
    async def typing(self, place: Place) -> AsyncIterator[None]:
        """Show the typing indicator until the context ends; never raises."""
        task = asyncio.create_task(self._keep_typing(place.channel_id))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_typing(self, channel_id: int) -> None:
        channel = self.client.get_partial_messageable(channel_id)
        with contextlib.suppress(discord.Forbidden, discord.NotFound):
            while True:
                await self._show_typing(channel)
                await asyncio.sleep(self.typing_interval_seconds)

    async def _show_typing(self, channel: discord.PartialMessageable) -> None:
        try:
            await channel.typing()
        except (discord.Forbidden, discord.NotFound):
            raise
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            log.debug("The typing indicator could not be shown: %s", type(error).__name__)

    async def _say_in_dm(self, place: Place, text: str, after_message_id: int) -> int:
        channel = self.client.get_partial_messageable(place.channel_id)
        # By the nonce Discord knows the copy for some minutes, also that of a process which was killed before it noted
        # the first.
        message = await channel.send(text, nonce=str(after_message_id), allowed_mentions=NOBODY_PINGED)
        return message.id

    async def _say_through_webhook(self, place: Place, voice: Voice, text: str) -> int:
        key = await self._webhook_of(place.webhook_channel_id)
        try:
            return await self._execute(key, place, voice, text)
        except (discord.NotFound, discord.Forbidden, discord.HTTPException) as error:
            if error.code not in GONE:
                raise
        await self._forget(key)
        return await self._execute(await self._webhook_of(place.webhook_channel_id), place, voice, text)

    async def _execute(self, key: WebhookKey, place: Place, voice: Voice, text: str) -> int:
        message = await self._webhook(key).send(
            text,
            username=webhook_name(voice.display_name),
            avatar_url=shown_avatar(voice.avatar_url) or discord.utils.MISSING,
            thread=_thread_of(place),
            allowed_mentions=NOBODY_PINGED,
            wait=True,
        )
        return message.id

    def _webhook(self, key: WebhookKey) -> discord.Webhook:
        return discord.Webhook.partial(key.webhook_id, key.token.reveal(), session=self.session, client=self.client)

    def _partial(self, place: Place, message_id: int) -> discord.PartialMessage:
        return self.client.get_partial_messageable(place.channel_id).get_partial_message(message_id)

    async def _reaches(self, request: Awaitable[object], key: WebhookKey | None = None) -> bool:
        """Make a request about one message; False where the message is gone, or the webhook by whose key it is made."""
        try:
            await request
        except discord.HTTPException as error:
            if key is not None and error.code in GONE:
                await self._forget(key)
            elif error.code not in NOT_THERE:
                raise
            return False
        return True

    async def _kept(self, channel_id: int) -> WebhookKey | None:
        """The webhook that has spoken in the channel; none is made for it."""
        return self._known.get(channel_id) or await self._load(channel_id)

    async def _webhook_of(self, channel_id: int) -> WebhookKey:
        if key := self._known.get(channel_id):
            self._known.move_to_end(channel_id)
            return key
        async with self._locks.of(channel_id):
            if channel_id not in self._known:
                self._known[channel_id] = await self._load(channel_id) or await self._obtain(channel_id)
            return self._known[channel_id]

    async def _load(self, channel_id: int) -> WebhookKey | None:
        return await self.store.first(webhooks.get(channel_id, self.cipher))

    async def _obtain(self, channel_id: int) -> WebhookKey:
        channel = self.client.get_channel(channel_id) or await self.client.fetch_channel(channel_id)
        if not isinstance(channel, Hosts):
            raise NotAllowedError("I can't speak as a personality in this kind of channel.")
        webhook = await self._find(channel) or await channel.create_webhook(name=WEBHOOK_NAME)
        key = WebhookKey(channel_id, webhook.id, Secret(webhook.token or ""), self.clock())
        await self.store.write(webhooks.put(key, self.cipher))
        return key

    async def _find(self, channel: Hosts) -> discord.Webhook | None:
        mine = self.client.user
        for webhook in await channel.webhooks():
            if webhook.token and webhook.user and mine and webhook.user.id == mine.id:
                return webhook
        return None

    async def _forget(self, key: WebhookKey) -> None:
        # Under the lock, and the row first: whoever looks meanwhile would take the dead one from the store again.
        async with self._locks.of(key.channel_id):
            if self._known.get(key.channel_id, key) == key:
                await self.store.write(webhooks.delete(key.channel_id))
                self._known.pop(key.channel_id, None)


def open_session(connector: aiohttp.TCPConnector, timeout: aiohttp.ClientTimeout) -> aiohttp.ClientSession:
    """A session for the speaker: webhooks know no nonce, so that discord.py's own retries would say things twice.

    What Discord leaves open is raised through discord.py's loop as a kind of error that it does not retry on; a 429
    says that nothing was done, and is still waited out there.
    """
    return aiohttp.ClientSession(connector=connector, connector_owner=False, timeout=timeout, middlewares=(_ask_once,))


async def _ask_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    try:
        response = await send(request)
    except OSError as error:
        raise UncertainError(f"Discord's answer did not arrive ({type(error).__name__}).") from None
    if response.status >= SERVER_ERRORS:
        response.close()
        raise UncertainError(f"Discord did not say whether it took a message (status {response.status}).")
    return response


def _thread_of(place: Place) -> discord.Object:
    """Where a webhook shall speak, if that is not its own channel."""
    is_thread = place.parent_id is not None
    thread: discord.Object = discord.Object(place.channel_id) if is_thread else discord.utils.MISSING
    return thread


@contextmanager
def _translated(doing: str, needed: str = TO_SPEAK) -> Iterator[None]:
    """Discord's errors as the program's own, with a sentence for the user."""
    try:
        yield
    except discord.HTTPException as error:
        _raise_translated(error, doing, needed)
    except (discord.DiscordException, aiohttp.ClientError, OSError, UncertainError) as error:
        log.warning("Discord may not have taken a message: %s", _brief(error))
        raise UncertainError(f"Discord did not let me {doing} just now.", remedy="Try again later.") from None


def _raise_translated(error: discord.HTTPException, doing: str, needed: str) -> NoReturn:
    if error.code == TOO_MANY_WEBHOOKS:
        raise NotAllowedError(
            "This channel already has as many webhooks as Discord allows, so I can't speak as a personality here.",
            remedy="A moderator can delete one in the channel's settings under Integrations.",
        ) from None
    if error.code == ARCHIVED_THREAD:
        raise NotAllowedError("This thread is archived.", remedy="Open it again first.") from None
    if error.code == THREAD_IS_LOCKED:
        raise NotAllowedError("This thread is locked, so nobody can answer you there.") from None
    if isinstance(error, discord.Forbidden):
        raise NotAllowedError(
            f"I am not allowed to {doing} as a personality.", remedy=f"A moderator can give me {needed} here."
        ) from None
    kind = UncertainError if error.status >= SERVER_ERRORS else UnavailableError
    raise kind(f"Discord did not let me {doing} just now (status {error.status}).", remedy="Try again later.") from None


def _brief(error: Exception) -> str:
    return error.message if isinstance(error, UncertainError) else type(error).__name__
