"""Everything this Discord knows, and the events that tell the bot about changes."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bot.model import Clock, utc_now
from bot.sandbox.bell import Bell
from bot.sandbox.discord.failures import unknown
from bot.sandbox.discord.model import (
    JSON,
    Channel,
    ChannelType,
    Guild,
    Message,
    Permission,
    Snowflakes,
    Typing,
    User,
    Webhook,
)
from bot.sandbox.discord.permissions import in_channel

if TYPE_CHECKING:
    from bot.sandbox.discord.interaction import Interaction


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell the bot; `without_content` is what sessions without that intent get instead."""

    name: str
    data: JSON
    intent: int
    guild_id: int | None = None
    without_content: JSON | None = None


@dataclass(slots=True)
class State:
    """The whole world of one sandbox. Changing it rings the bell; `emit` is the gateway's."""

    bot: User
    owner: User
    application_id: int
    token: str = field(repr=False)
    granted_intents: int
    snowflakes: Snowflakes
    clock: Clock = utc_now
    interaction_deadline_seconds: float = 3.0
    bell: Bell = field(default_factory=Bell)
    emit: Callable[[Event], None] = lambda event: None  # noqa: ARG005 - nobody listens yet
    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    messages: defaultdict[int, dict[int, Message]] = field(default_factory=lambda: defaultdict(dict))
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    commands: dict[int | None, list[JSON]] = field(default_factory=dict)
    interactions: "dict[str, Interaction]" = field(default_factory=dict)
    typing: list[Typing] = field(default_factory=list)
    blocking_ids: set[int] = field(default_factory=set)

    def now(self) -> datetime:
        """The present of this Discord."""
        return self.clock()

    def channel(self, channel_id: int) -> Channel:
        """The channel, if the bot may know of it. Raises 10003."""
        channel = self.channels.get(channel_id)
        if channel is None:
            raise unknown("Channel")
        return channel

    def guild(self, guild_id: int) -> Guild:
        """The guild, if the bot is in it. Raises 10004."""
        guild = self.guilds.get(guild_id)
        if guild is None or self.bot.id not in guild.members:
            raise unknown("Guild")
        return guild

    def message(self, channel_id: int, message_id: int) -> Message:
        """The message. Raises 10008."""
        message = self.messages[channel_id].get(message_id)
        if message is None or message.is_ephemeral:
            raise unknown("Message")
        return message

    def dm_with(self, user: User) -> Channel:
        """The direct message channel between the bot and a user, made when it is first asked for."""
        for channel in self.channels.values():
            if channel.recipient == user:
                return channel
        channel = Channel(self.snowflakes.next(), user.name, ChannelType.DM, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def webhooks_of(self, channel: Channel) -> list[Webhook]:
        """The webhooks of a channel."""
        return [webhook for webhook in self.webhooks.values() if webhook.channel_id == channel.id]

    def visible_messages(self, channel_id: int) -> Iterator[Message]:
        """What people see in a channel, oldest first."""
        return (m for m in list(self.messages[channel_id].values()) if not (m.is_ephemeral or m.is_loading))

    def is_seen_by_bot(self, channel: Channel) -> bool:
        """Whether the bot may view a channel."""
        return bool(in_channel(channel, self.bot) & Permission.VIEW_CHANNEL)
