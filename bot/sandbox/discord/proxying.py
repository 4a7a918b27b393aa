"""Bots that say through a webhook what a person wrote, under another name: PluralKit and Tupperbox."""

import secrets
from dataclasses import dataclass, field
from enum import Enum

from bot.sandbox.discord.messages import publish, remove, webhook_face
from bot.sandbox.discord.model import JSON, Channel, Message, User, Webhook
from bot.sandbox.discord.pluralkit import PluralKitSandbox
from bot.sandbox.discord.speaking import Speakers
from bot.sandbox.discord.state import State
from bot.sandbox.discord.webhook_routes import tell_of_webhooks

PREVIEW_LENGTH = 100


class ProxyBot(Enum):
    """A bot that proxies, by its application."""

    PLURALKIT = 466378653216014359
    TUPPERBOX = 431544605209788416

    @property
    def title(self) -> str:
        """Its name."""
        return {self.PLURALKIT: "PluralKit", self.TUPPERBOX: "Tupperbox"}[self]


@dataclass(frozen=True, slots=True)
class Persona:
    """Under what name a person speaks, through which bot, and what marks their text as this one's."""

    name: str = "Luna"
    kind: ProxyBot = ProxyBot.PLURALKIT
    brackets: tuple[str, str] = ("[", "]")
    avatar_url: str | None = None


@dataclass(slots=True)
class Proxying:
    """One message on its way through a proxy: `write` it, `copy` it and `remove` the original, the last two either way.

    `original` and `said` are there once that step has been taken.
    """

    state: State
    pluralkit: PluralKitSandbox
    speakers: Speakers
    channel: Channel
    user: User
    text: str
    persona: Persona
    reply_to: Message | None = None
    original: Message | None = field(default=None)
    said: Message | None = field(default=None)

    async def write(self) -> Message:
        """The person writes."""
        before, after = self.persona.brackets
        text = f"{before}{self.text}{after}"
        self.original = await self.speakers.post(self.channel, self.user, text, self.reply_to)
        return self.original

    async def copy(self) -> Message:
        """The webhook says it under the other name; a reply comes as an embed, as webhooks can't reply."""
        assert self.original is not None  # noqa: S101 - `write` comes first
        webhook = webhook_of(self.state, self.channel, self.persona.kind)
        message = Message(
            id=self.state.snowflakes.next(),
            channel_id=self.channel.id,
            guild_id=webhook.guild_id,
            author=webhook_face(webhook.id, self.persona.name, self.persona.avatar_url),
            content=self.text,
            webhook_id=webhook.id,
            application_id=webhook.application_id,
            embeds=() if self.reply_to is None else (_reply_embed(self.reply_to),),
            attachments=self.original.attachments,
        )
        if self.persona.kind is ProxyBot.PLURALKIT:
            self.pluralkit.note(self.original, message)
        self.said = publish(self.state, message)
        return self.said

    async def remove(self) -> None:
        """The bot deletes what the person wrote."""
        assert self.original is not None  # noqa: S101 - `write` comes first
        remove(self.state, self.original)

    async def run(self, *, deletes_first: bool = False) -> Message:
        """All three steps, and the copy."""
        await self.write()
        if deletes_first:
            await self.remove()
            return await self.copy()
        said = await self.copy()
        await self.remove()
        return said


def webhook_of(state: State, channel: Channel, kind: ProxyBot) -> Webhook:
    """The proxy's webhook in a channel or in a thread's parent, made when it is first needed."""
    place = channel.parent or channel
    found = (webhook for webhook in state.webhooks_of(place) if webhook.application_id == kind.value)
    webhook = next(found, None)
    if webhook is not None:
        return webhook
    if place.guild is None:
        raise PermissionError("proxies work only in guilds")
    creator = state.users.setdefault(kind.value, User(kind.value, kind.title, is_bot=True))
    webhook = Webhook(
        id=state.snowflakes.next(),
        channel_id=place.id,
        guild_id=place.guild.id,
        name=f"{kind.title} Proxy Webhook",
        token=secrets.token_urlsafe(51),
        creator=creator,
        application_id=kind.value,
    )
    state.webhooks[webhook.id] = webhook
    tell_of_webhooks(state, place)
    return webhook


def _reply_embed(original: Message) -> JSON:
    link = f"https://discord.com/channels/{original.guild_id}/{original.channel_id}/{original.id}"
    text = original.content or "*(click to see attachment)*"
    short = text if len(text) <= PREVIEW_LENGTH else f"{text[:PREVIEW_LENGTH]}…"
    return {
        "type": "rich",
        "author": {"name": f"{original.author.name}\u2004\u21a9\ufe0f"},
        "description": f"**[Reply to:]({link})** {short}",
    }


class Proxied(Speakers):
    """Those who write through a proxy."""

    pluralkit: PluralKitSandbox

    def proxying(
        self,
        channel: Channel,
        user: User,
        text: str,
        reply_to: Message | None = None,
        *,
        persona: Persona | None = None,
    ) -> Proxying:
        """A message through a proxy, step by step."""
        return Proxying(self._state, self.pluralkit, self, channel, user, text, persona or Persona(), reply_to)

    async def proxy(
        self,
        channel: Channel,
        user: User,
        text: str,
        reply_to: Message | None = None,
        *,
        persona: Persona | None = None,
    ) -> Message:
        """A message through a proxy at once: written, copied, deleted; the copy."""
        return await self.proxying(channel, user, text, reply_to, persona=persona).run()
