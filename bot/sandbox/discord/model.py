"""What a Discord consists of, as far as a bot can see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum, IntFlag
from typing import Any

from bot.model import Clock, snowflake_of, snowflake_time, utc_now

JSON = dict[str, Any]


class Permission(IntFlag):
    """The permissions that matter to a bot like this one (Discord's bits)."""

    NONE = 0
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    CONNECT = 1 << 20
    MANAGE_WEBHOOKS = 1 << 29
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


EVERYTHING = Permission((1 << 53) - 1)
EVERYONE = (
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.CONNECT
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What the role @everyone of a new guild may do."""
BOT_PERMISSIONS = Permission.MANAGE_WEBHOOKS | Permission.MANAGE_MESSAGES
"""What the bot is granted beyond that, as its invitation asks for."""


class ChannelType(IntEnum):
    """Kinds of channels (Discord's numbers)."""

    TEXT = 0
    DM = 1
    VOICE = 2
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    FORUM = 15


@dataclass(frozen=True, slots=True)
class User:
    """A person, a bot, or a webhook's face; a webhook has its `avatar_url` as it was sent."""

    id: int
    name: str
    is_bot: bool = False
    is_webhook: bool = False
    avatar_url: str | None = None


@dataclass(slots=True, eq=False)
class Role:
    """Permissions under a name; the role with the guild's id is @everyone, one with a `bot_id` Discord made for it."""

    id: int
    name: str
    permissions: Permission
    bot_id: int | None = None


@dataclass(slots=True, eq=False)
class Member:
    """A user in a guild."""

    user: User
    joined_at: str
    roles: list[Role] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Guild:
    """A guild with everything in it."""

    id: int
    name: str
    owner: User
    roles: dict[int, Role] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    channels: "dict[int, Channel]" = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Channel:
    """A text or voice channel, a forum, a thread or post (with `parent`), or a direct message one (with `recipient`).

    A private thread has the ids of those who were `added` to it.
    """

    id: int
    name: str
    type: ChannelType = ChannelType.TEXT
    guild: Guild | None = None
    parent: "Channel | None" = None
    recipient: User | None = None
    is_marked_nsfw: bool = False
    is_archived: bool = False
    is_locked: bool = False
    last_message_id: int | None = None
    overwrites: dict[int, tuple[Permission, Permission]] = field(default_factory=dict)
    added: frozenset[int] = frozenset()

    @property
    def is_thread(self) -> bool:
        """Whether this is a thread."""
        return self.parent is not None

    @property
    def is_dm(self) -> bool:
        """Whether this is a direct message channel."""
        return self.guild is None

    @property
    def is_forum(self) -> bool:
        """Whether this is a forum, in which people write only in posts."""
        return self.type is ChannelType.FORUM

    @property
    def is_nsfw(self) -> bool:
        """Whether it is age-restricted; a thread is what its parent is."""
        return self.parent.is_nsfw if self.parent else self.is_marked_nsfw


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands now.

    `allowed_mentions` are exactly as its sender sent them (None = left out); `reactions` are an emoji's users;
    `forwarded` is the message that it passes on, as it was then.
    """

    id: int
    channel_id: int
    author: User
    content: str
    guild_id: int | None = None
    type: int = 0
    flags: int = 0
    reply_to_id: int | None = None
    webhook_id: int | None = None
    application_id: int | None = None
    interaction: Mapping[str, Any] | None = None
    invoker: User | None = None
    allowed_mentions: Mapping[str, Any] | None = None
    pinged_ids: frozenset[int] = frozenset()
    pings_everyone: bool = False
    nonce: str | int | None = None
    edited_at: datetime | None = None
    embeds: tuple[JSON, ...] = ()
    components: tuple[JSON, ...] = ()
    attachments: tuple[JSON, ...] = ()
    reactions: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    forwarded: "Message | None" = None

    @property
    def author_id(self) -> int:
        """Who wrote it: a user's id or a webhook's."""
        return self.author.id

    @property
    def author_name(self) -> str:
        """The name it appears under."""
        return self.author.name

    @property
    def avatar_url(self) -> str | None:
        """The avatar it appears under, as it was sent."""
        return self.author.avatar_url

    @property
    def is_ephemeral(self) -> bool:
        """Whether only the user of the command sees it."""
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        """Whether it only says that the bot is thinking."""
        return bool(self.flags & MessageFlag.LOADING)

    @property
    def sent_at(self) -> datetime:
        """When it was sent."""
        return snowflake_time(self.id)

    def changed(self, **changes: Any) -> "Message":
        """The message with these fields changed."""
        return replace(self, **changes)


class MessageFlag(IntFlag):
    """Flags of a message (Discord's bits)."""

    SUPPRESS_EMBEDS = 1 << 2
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes with a message."""

    filename: str
    content_type: str = "application/octet-stream"
    size: int = 1000


@dataclass(frozen=True, slots=True)
class Webhook:
    """A webhook of a channel."""

    id: int
    channel_id: int
    guild_id: int
    name: str
    token: str = field(repr=False)
    creator: User
    avatar: str | None = None
    application_id: int | None = None


@dataclass(frozen=True, slots=True)
class Typing:
    """The bot showed that it is typing; `id` is a snowflake, so that it compares with message ids."""

    id: int
    channel_id: int


@dataclass(frozen=True, slots=True)
class Request:
    """One REST call: `route` is the template, `path` has its ids; tokens are masked in both."""

    method: str
    route: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """One REST call with its bodies, for whoever checks their shape."""

    method: str
    route: str
    body: Any
    status: int
    reply: Any


class Snowflakes:
    """Ids that grow and carry the time at which they were made."""

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        """A new id, greater than every one before."""
        self._last = max(self._last + 1, snowflake_of(self._clock()))
        return self._last


def iso(moment: datetime) -> str:
    """A time as Discord writes it."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
