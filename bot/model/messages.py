"""A message on Discord and what it holds, without any of Discord's types."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message was written; a thread has its parent's id and inherits its `is_nsfw`."""

    channel_id: int
    guild_id: int | None = None
    parent_id: int | None = None
    is_nsfw: bool = False

    @property
    def is_dm(self) -> bool:
        """Whether this is a direct message channel."""
        return self.guild_id is None

    @property
    def webhook_channel_id(self) -> int:
        """The channel that holds the webhook: a thread uses its parent's."""
        return self.parent_id or self.channel_id


@dataclass(frozen=True, slots=True)
class Member:
    """The person who writes or commands, with what Discord allows them in this place."""

    user_id: int
    may_manage_messages: bool = False
    is_administrator: bool = False
    can_see_nsfw_channel: bool = False


class MediaKind(StrEnum):
    """What the AI service can look at or listen to."""

    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Media:
    """An image or a sound; its address gives access to it, so it stays out of logs."""

    kind: MediaKind
    url: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """The box below a message: what is written in it, and its image."""

    author: str = field(default="", repr=False)
    title: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    fields: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    footer: str = field(default="", repr=False)
    image: Media | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A message that another one replies to, links to or forwards; a forward does not say who wrote it.

    `replied_to_id` is the message that it replied to itself, `replied_to` the same once it was read. `is_readable` is
    False where there is a message, but nobody could tell in time what it says.
    """

    message_id: int | None = None
    author_name: str | None = None
    content: str = field(default="", repr=False)
    media: Media | None = None
    embeds: tuple[Embed, ...] = ()
    replied_to_id: int | None = None
    replied_to: "Quote | None" = None
    is_readable: bool = True


@dataclass(frozen=True, slots=True)
class Attached:
    """A file of a message, as far as a second message with the same file has it too."""

    name: str = field(repr=False)
    size: int


@dataclass(frozen=True, slots=True)
class Authorship:
    """Who wrote what a proxy bot has posted again; `original_id` is the message that was replaced, if that is known."""

    user_id: int
    original_id: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as the bot heard it.

    `replied_to_id` is the message it replies to; `replied_to_webhook_name` the name over that message where it was a
    webhook's, or in front of its words in a direct message, for messages that no mapping knows. `quote` is what Discord
    has sent along of the message it replies to, or of one that it forwards. `place_names` are those of server, channel
    and thread.
    `proxy_id` is the application that has posted it again for a person, such as PluralKit: a copy, whose `author_id` is
    NOBODY until it is known who the person is. `attached` are its files, of whatever kind.
    `edited_at` is when its author changed it last, and `is_edit`: that is what is heard now; `pings_bot`: it names the
    bot itself and says nothing else; `is_muted`: the bot may not write there.
    """

    message_id: int
    author_id: int
    place: Place
    content: str
    replied_to_id: int | None = None
    replied_to_webhook_name: str | None = None
    author_name: str = ""
    place_names: tuple[str, ...] = ()
    media: Media | None = None
    embeds: tuple[Embed, ...] = ()
    quote: Quote | None = None
    proxy_id: int | None = None
    attached: tuple[Attached, ...] = ()
    edited_at: datetime | None = None
    pings_bot: bool = False
    is_muted: bool = False
    is_edit: bool = False

    @property
    def is_copy(self) -> bool:
        """Whether a proxy bot has posted it again for a person."""
        return self.proxy_id is not None

    @property
    def says_something(self) -> bool:
        """Whether there is anything to answer: words, something to look at or listen to, or a forwarded message."""
        is_forward = self.quote is not None and self.replied_to_id is None
        return bool(self.content.strip() or self.media or is_forward or any(embed.image for embed in self.embeds))


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message that a personality has spoken; in a direct message without the name in front.

    It is edited only where the whole answer was said before, and was then thought of again.
    """

    message_id: int
    text: str = field(repr=False)
    display_name: str
    is_edited: bool = False
