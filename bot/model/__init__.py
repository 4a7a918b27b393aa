"""The things the program talks about, as frozen dataclasses that import nothing of the project.

Ids are Discord snowflakes as `int`; times are aware `datetime`s in UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.model.messages import Attached as Attached
from bot.model.messages import Authorship as Authorship
from bot.model.messages import Embed as Embed
from bot.model.messages import Heard as Heard
from bot.model.messages import Media as Media
from bot.model.messages import MediaKind as MediaKind
from bot.model.messages import Member as Member
from bot.model.messages import Place as Place
from bot.model.messages import Quote as Quote
from bot.model.messages import Spoken as Spoken
from bot.model.secret import Secret as Secret
from bot.model.turns import Cause as Cause
from bot.model.turns import Recovered as Recovered
from bot.model.turns import Rewrite as Rewrite
from bot.model.turns import Turn as Turn
from bot.model.turns import TurnState as TurnState

NOBODY = 0
"""The owner id of what belongs to nobody."""

EVERYBODY = 0
"""The user id of a ban that bars everyone of a server."""

EVERYWHERE = 0
"""The guild id of a ban that counts everywhere."""

EVERY_PERSONALITY = "*"
"""The personality name under which a user's one token for all personalities is stored."""

DISCORD_EPOCH_MS = 1_420_070_400_000
"""First millisecond of 2015: what snowflakes count from (Discord's API reference)."""

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Now, in UTC; the clock that the program runs on."""
    return datetime.now(UTC)


def snowflake_time(snowflake: int) -> datetime:
    """When Discord made this id, to the millisecond."""
    return datetime.fromtimestamp(((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000, UTC)


def snowflake_of(moment: datetime) -> int:
    """The least id that Discord can have made at that moment."""
    return max(int(moment.timestamp() * 1000) - DISCORD_EPOCH_MS, 0) << 22


@dataclass(frozen=True, slots=True)
class Personality:
    """One AI personality; `id` is 0 until it is stored."""

    full_name: str
    display_name: str
    added_by: int
    added_at: datetime
    id: int = 0
    avatar_url: str | None = None
    updated_at: datetime | None = None
    is_active: bool = True
    error_message: str | None = None
    prompt: str | None = None
    model: str | None = None
    profile_fetched_at: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Alias:
    """Another name of a personality, lower case, unique among all aliases."""

    alias: str
    personality_name: str
    added_by: int
    created_at: datetime
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """A user's token for one personality, or for all under `EVERY_PERSONALITY`."""

    user_id: int
    token: Secret
    created_at: datetime
    personality_name: str = EVERY_PERSONALITY
    expires_at: datetime | None = None
    last_used: datetime | None = None
    extra: dict[str, Any] | None = None

    def is_valid(self, now: datetime) -> bool:
        """Whether the token is not past its date; one without a date never is."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a user's age is verified; False means explicitly cleared, which is not the same as absent."""

    user_id: int
    is_verified: bool
    recorded_at: datetime
    verified_at: datetime | None = None
    verified_by: int | None = None
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Activation:
    """A personality that answers every message of a channel."""

    channel_id: int
    personality_name: str
    activated_by: int
    activated_at: datetime
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Who answered a user in a channel last."""

    channel_id: int
    user_id: int
    personality_name: str
    started_at: datetime
    last_message_at: datetime
    message_count: int = 0
    is_dm: bool = False
    is_mention_only: bool = False
    metadata: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Which personality spoke a message, and to whom. `sent_at` only where it differs from the snowflake's time."""

    message_id: int
    user_id: int
    channel_id: int
    personality_id: int
    is_dm: bool = False
    is_mention_only: bool = False
    sent_at: datetime | None = None
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """A user whom the bot ignores: everywhere, or in one guild; `EVERYBODY` with a guild is everyone there."""

    user_id: int
    blacklisted_by: int
    blacklisted_at: datetime
    reason: str | None = None
    extra: dict[str, Any] | None = None
    guild_id: int = EVERYWHERE
    expires_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Whether it has not run out; one without an end never does."""
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Avatar:
    """A personality's picture; `sha256` is of its bytes, in hexadecimal."""

    personality_id: int
    sha256: str
    content_type: str
    content: bytes
    source_url: str | None = None
    downloaded_at: datetime | None = None
    last_checked: datetime | None = None
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NotificationPreference:
    """Which releases a user wants to hear of; `last_notified` is a version."""

    user_id: int
    is_opted_out: bool
    level: str
    last_notified: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class NotifiedVersion:
    """The version that users were told of last."""

    version: str
    notified_at: datetime | None = None
    extra: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """The webhook through which personalities speak in a channel."""

    channel_id: int
    webhook_id: int
    token: Secret
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Voice:
    """How a personality appears in a channel."""

    display_name: str
    avatar_url: str | None


@dataclass(frozen=True, slots=True)
class Question:
    """What the AI service is asked: one message; the service keeps the memory."""

    personality: Personality
    content: str
    user_id: int
    channel_id: int
    user_token: Secret | None = None
    media: Media | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """What the profile endpoint knows of a personality."""

    full_name: str
    display_name: str
    avatar_url: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True)
class GrantedToken:
    """What the login service gives for a user's code."""

    token: Secret
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplicationState:
    """What is known of the copy in the bucket, from memory; `is_configured` False means the volume is the only copy.

    `confirmed_txid` and `confirmed_at` are of the last upload that Litestream confirmed; `lag_ms` is how long
    that confirmation took from the canary's commit. `silent_since` is since when nothing was confirmed although it was
    tried; past a limit that is an outage, in which the operator may want nothing to be accepted that would be saved.
    """

    is_configured: bool
    confirmed_txid: int | None = None
    confirmed_at: datetime | None = None
    lag_ms: float | None = None
    failure: str | None = None
    silent_since: datetime | None = None
    is_outage: bool = False
    is_read_only: bool = False
